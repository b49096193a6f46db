#!/usr/bin/env bash
# Proves and measures the engine on a CUDA device in eight minutes; --help lists what it takes.
# PYTHON needs torch, triton and transformers. What it lacks beside them is installed from
# .device/wheels (make device-wheels) into a temporary folder: no package index is asked.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
wheels=.device/wheels
export PYTHONUNBUFFERED=1 PYTHONPATH=$PWD

if ! "$python" -c 'import ChatTTS, msgspec, structlog' 2> /dev/null; then
	if ! compgen -G "$wheels/*.whl" > /dev/null; then
		echo "expected ChatTTS and what it needs, or wheels in $wheels; got neither; run: make device-wheels" >&2
		exit 2
	fi
	packages=$(mktemp -d)
	trap 'rm -rf "$packages"' EXIT
	install() {
		"$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
			--no-index --no-deps --no-compile --no-cache-dir --target "$packages" "$@"
	}
	mapfile -t carried < <(ls "$wheels"/*.whl | grep -v /numpy-)
	install "${carried[@]}"
	export PYTHONPATH=$packages:$PWD
	if ! "$python" -c 'import numba' 2> /dev/null; then
		echo "numba refuses the NumPy that is there: using the one of $wheels" >&2
		install "$wheels"/numpy-*.whl
	fi
fi
# What was installed took of the eight minutes, too.
"$python" -m benchmarks.device --budget $((480 - SECONDS)) "$@"
