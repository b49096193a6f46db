# Each target works alone on a fresh machine with Python 3.11, make and the package registries.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
UV_VERSION := 0.13.9
TOOLS := $(CURDIR)/.tools
MINIO := github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
HELM := helm.sh/helm/v3/cmd/helm@v3.22.0
ARGS ?=
FAULT_ROUNDS ?= 1

.PHONY: help setup setup-all demo test test-gpu test-faults check format docs lock tools bench bench-engine bench-postprocess bench-audit soak clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: .venv/base.stamp  ## the virtual environment, for running (no torch)

setup-all: .venv/all.stamp  ## the same with torch, ChatTTS and the development tools

demo: setup  ## hear a list spoken: the main job on the embedded stack
	@$(BIN)/seedcast demo $(ARGS)

test: setup-all tools  ## the tests, but for those that take minutes (ARGS="-m slow")
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --durations=15 --durations-min=10 $(ARGS)

test-gpu: setup-all  ## the tests that need a CUDA device, and nothing else
	$(BIN)/pytest tests/gpu -m "gpu and not slow" $(ARGS)

test-faults: setup-all  ## every fault of the matrix, the slow ones too (an hour, or with ARGS="-n 2" half of it); FAULT_SEED repeats one run's chances, FAULT_ROUNDS=3 draws thrice
	FAULT_ROUNDS=$(FAULT_ROUNDS) $(BIN)/pytest tests/crash $(addprefix tests/integration/test_,gpu_consumer.py postprocess.py control.py) -m "slow or not slow" $(ARGS)

check: setup-all  ## format, lint, types, import contracts, generated documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m ops.generate --check

format: setup-all  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup-all  ## write the generated documents anew
	$(BIN)/python -m ops.generate

bench: setup-all  ## benchmarks/pipeline.py
	$(BIN)/python -m benchmarks.pipeline $(ARGS)

bench-engine: setup-all  ## benchmarks/engine.py: ChatTTS, upstream's and ours
	$(BIN)/python -m benchmarks.engine $(ARGS)

bench-postprocess: setup-all  ## benchmarks/postprocess.py: the post-process chain, a naive one and ours
	$(BIN)/python -m benchmarks.postprocess $(ARGS)

bench-audit: setup  ## benchmarks/audit.py: `seedcast audit` of whole nights, its speed, its memory, and what it finds
	$(BIN)/python -m benchmarks.audit $(ARGS)

soak: setup  ## a night with faults, drawn at random, that ends in the audit
	$(BIN)/python -m benchmarks.soak $(ARGS)

lock: .venv/uv.stamp  ## compile the locks from pyproject.toml
	$(BIN)/uv pip compile -q pyproject.toml --extra build --extra dev --extra chattts --universal --python-version 3.11 --generate-hashes --no-header -o locks/all.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-header -c locks/all.txt -o locks/base.txt

# MinIO publishes source only. Where there is no Go the tests of MinIO and of the chart are skipped, except under CI=true.
tools: $(if $(shell command -v go),$(TOOLS)/minio $(TOOLS)/helm)

$(TOOLS)/minio:
	@echo "building MinIO (two minutes, once)"
	@GOBIN=$(TOOLS) go install $(MINIO)

$(TOOLS)/helm:
	@echo "building Helm (a minute, once)"
	@GOBIN=$(TOOLS) go install $(HELM)

.venv/uv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "expected Python 3.11 as $(PYTHON); set PYTHON=…"; exit 2; }
	@echo "making .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/base.stamp: locks/base.txt pyproject.toml .venv/uv.stamp
	@echo "installing packages"
	@$(BIN)/uv pip install --require-hashes -r locks/base.txt
	@$(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/all.stamp: locks/all.txt .venv/base.stamp
	@echo "installing torch, ChatTTS and the development tools (5 GB)"
	@$(BIN)/uv pip install --require-hashes -r locks/all.txt
	@touch $@

clean:  ## remove everything that was installed or made
	rm -rf .venv .tools .seedcast
