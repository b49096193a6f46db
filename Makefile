# Each target works alone on a fresh machine with Python 3.11, 3.12 or 3.13, make and the package registries.
.DEFAULT_GOAL := help
# The first that runs: a name on the path may be a placeholder of a version manager.
PYTHON ?= $(or $(shell for python in python3.11 python3.13 python3.12; do $$python -c '' 2>/dev/null && echo $$python && break; done),python3.11)
BIN := .venv/bin
UV_VERSION := 0.13.9
TOOLS := $(CURDIR)/.tools
MINIO := github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
HELM := helm.sh/helm/v3/cmd/helm@v3.22.0
ARGS ?=
# Where it is set, each process compiles every library again: importing ChatTTS takes 16 s instead of 6.
unexport PYTHONDONTWRITEBYTECODE
FAULT_ROUNDS ?= 1
# A step of the installation: what it prints goes into a log, and is shown if the step fails.
quietly = { $(1); } > .venv/step.log 2>&1; code=$$?; cat .venv/step.log >> .venv/setup.log; \
	if [ $$code != 0 ]; then cat .venv/step.log >&2; echo "failed; all output since the start is in .venv/setup.log" >&2; exit $$code; fi

define build-docs
$(BIN)/python -m ops.generate --check
NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --quiet --strict --site-dir .site
$(BIN)/python -m ops.site .site
endef

.PHONY: help setup setup-all demo test test-unit test-wheel test-gpu device-wheels device-rehearsal test-faults check format generate screenshots docs lock tools chromium bench bench-engine bench-postprocess bench-recordings bench-audit soak clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: .venv/base.stamp  ## the virtual environment, for running (no torch)

setup-all: .venv/all.stamp  ## the same with torch, ChatTTS and the development tools

demo: setup  ## hear a list spoken: the main job on the embedded stack
	@$(BIN)/seedcast demo $(ARGS)

# Most tests wait more than they compute: four processes on two cores. The long files come first.
test: setup-all tools  ## the tests, but for those that take minutes (ARGS="-m slow")
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder --durations=20 --durations-min=5 $(ARGS)

# These need torch, or start processes for seconds each.
NOT_UNIT := $(addprefix tests/unit/,benchmarks gpu_consumers/chattts seedcast/test_models_cli.py seedcast/test_package.py seedcast/test_boundaries.py stream_apps/test_audio.py stream_apps/test_faust_app.py)

test-unit: setup-all  ## the tests that need neither torch nor servers, in under a minute
	$(BIN)/pytest tests/unit $(addprefix --ignore=,$(NOT_UNIT)) -n 2 --dist loadfile $(ARGS)

test-wheel: setup-all  ## install the wheel under each version of Python, and run it there
	$(BIN)/pytest tests/integration/test_wheel.py -m "slow or not slow" $(ARGS)

test-gpu: setup-all  ## the tests that need a CUDA device, and nothing else
	$(BIN)/pytest tests/gpu --confcutdir=tests/gpu -m "gpu and not slow" $(ARGS)

# What has a target of its own, and what needs a machine that does nothing else.
NOT_FAULTS := $(addprefix tests/,gpu integration/test_idle.py integration/test_wheel.py unit/benchmarks/test_device.py)
test-faults: setup-all tools  ## the tests that take minutes: faults, full sizes, broken code; FAULT_SEED repeats one run's chances, FAULT_ROUNDS=3 draws thrice
	FAULT_ROUNDS=$(FAULT_ROUNDS) $(BIN)/pytest -m slow $(addprefix --ignore=,$(NOT_FAULTS)) -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup-all  ## format, lint, types, import contracts, generated documents, the built docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(build-docs)

format: setup-all  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: setup-all  ## write what is generated from code: schemas, and parts of README.md and docs/
	$(BIN)/python -m ops.generate

screenshots: setup-all tools  ## pictures of the page for docs/page.md, of a deployment that speaks meanwhile
	$(BIN)/python -m tests.screenshots

docs: setup-all  ## build the documentation into .site, strictly
	$(build-docs)

bench: setup-all  ## benchmarks/pipeline.py: a list through the whole pipeline, to its audit (ARGS="--rows 500000 --engine echo --objects none": a night)
	$(BIN)/python -m benchmarks.pipeline $(ARGS)

bench-engine: setup-all  ## benchmarks/engine.py: ChatTTS, upstream's and ours
	$(BIN)/python -m benchmarks.engine $(ARGS)

bench-postprocess: setup-all  ## benchmarks/postprocess.py: the post-process chain, a naive one and ours
	$(BIN)/python -m benchmarks.postprocess $(ARGS)

bench-recordings: setup-all  ## benchmarks/recordings.py: the post-process chain on recordings of people (ARGS="--against REV")
	$(BIN)/python -m benchmarks.recordings $(ARGS)

bench-audit: setup  ## benchmarks/audit.py: `seedcast audit` of whole nights, its speed, its memory, and what it finds
	$(BIN)/python -m benchmarks.audit $(ARGS)

soak: setup  ## a night with faults, drawn at random, that ends in the audit
	$(BIN)/python -m benchmarks.soak $(ARGS)

# As wheels of the Python that such a machine has; two packages are published as source only.
DEVICE_PYTHON := --python-version 3.12 --implementation cp $(addprefix --abi ,cp312 abi3 none)
DEVICE_PLATFORMS := $(addprefix --platform ,$(addsuffix _x86_64,manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014) any)

device-wheels: setup-all  ## what benchmarks/device/run.sh installs on a GPU machine without a network
	rm -rf .device/wheels
	$(BIN)/python -m pip download -q --disable-pip-version-check --no-deps --require-hashes $(DEVICE_PYTHON) $(DEVICE_PLATFORMS) -d .device/wheels -r locks/device.txt
	$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps -w .device/wheels .device/wheels/*.tar.gz
	rm .device/wheels/*.tar.gz
	@du -sh .device/wheels

device-rehearsal: setup-all  ## benchmarks/device/run.sh on the CPU, at tiny sizes: it measures nothing
	PYTHON=$(BIN)/python benchmarks/device/run.sh --device cpu --tiny --out .device/rehearsal
	$(BIN)/pytest -q tests/unit/benchmarks/test_device.py -m slow

lock: .venv/uv.stamp  ## compile the locks from pyproject.toml
	$(BIN)/uv pip compile -q pyproject.toml --extra build --extra dev --extra chattts --extra msk --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header -c locks/constraints.txt -o locks/all.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra build --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header -c locks/all.txt -o locks/base.txt
	$(BIN)/uv pip compile -q benchmarks/device/wheels.in --no-deps --python-version 3.12 --python-platform x86_64-manylinux_2_28 --generate-hashes --no-header -c locks/all.txt -o locks/device.txt

# MinIO publishes source only. Where there is no Go the tests of MinIO and of the chart are skipped, except under CI=true.
# Those of the page are where there is no Chromium; Debian's is installed by who may.
tools: $(if $(shell command -v go),$(TOOLS)/minio $(TOOLS)/helm) $(if $(shell command -v chromium),,chromium)

$(TOOLS)/minio:
	@echo "building MinIO (two minutes, once)"
	@GOBIN=$(TOOLS) go install $(MINIO)

$(TOOLS)/helm:
	@echo "building Helm (a minute, once)"
	@GOBIN=$(TOOLS) go install $(HELM)

chromium:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
		echo "installing Chromium (half a minute, once)"; \
		mkdir -p .venv; $(call quietly,apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium fonts-wqy-microhei); \
	else \
		echo "no Chromium: the tests of the page are skipped; install your system's chromium for them"; \
	fi

.venv/uv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "expected Python 3.11, 3.12 or 3.13 as $(PYTHON); set PYTHON=…"; exit 2; }
	@echo "making .venv"
	@mkdir -p .venv
	@$(call quietly,$(PYTHON) -m venv .venv && $(BIN)/python -m pip install --disable-pip-version-check uv==$(UV_VERSION))
	@touch $@

.venv/base.stamp: locks/base.txt pyproject.toml .venv/uv.stamp
	@echo "installing packages"
	@$(call quietly,$(BIN)/uv pip install --require-hashes -r locks/base.txt && $(BIN)/uv pip install --no-deps --no-build-isolation -e .)
	@touch $@

# Imported once, so that no two processes compile it at the same time.
.venv/all.stamp: locks/all.txt .venv/base.stamp
	@echo "installing torch, ChatTTS and the development tools (5 GB)"
	@$(call quietly,$(BIN)/uv pip install --require-hashes -r locks/all.txt && $(BIN)/python -c "import ChatTTS")
	@touch $@

clean:  ## remove everything that was installed or made
	rm -rf .venv .tools .site .seedcast .device
