# edgecv: `make demo` runs the whole path on this machine, `make test` sets everything up and tests it.
# Both can be repeated; what is done is skipped. Everything lives in .venv and runs/.

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint wheel mutants full-check gpu-check clean
SHELL := /bin/bash

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' \
	2>/dev/null && { echo $$p; exit; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NEED_MIB := 5000

help:
	@echo "make demo   set up, then train, export, calibrate, build, run, evaluate, measure and report"
	@echo "make test   set up, then run the tests"
	@echo "make lint   set up, then ruff, mypy and import-linter"
	@echo "make mutants    break the code on purpose, line by line, and see the tests notice (minutes)"
	@echo "make full-check build every architecture of the zoo for three engines in three precisions (an hour or two)"
	@echo "make gpu-check  on a machine with an NVIDIA GPU: its tests and benchmarks (compute-sanitizer if found)"
	@echo "make wheel  build the wheel into dist/"
	@echo "make clean  remove .venv and runs/"

setup: $(READY)

$(READY): pyproject.toml constraints.txt constraints-device.txt
	@if [ -z "$(PYTHON)" ]; then echo "edgecv needs Python 3.10 or newer, and no python3 here is: install one, or make PYTHON=/path/to/python3" >&2; exit 3; fi
	@if ! $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then echo "this Python cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)" >&2; exit 3; fi
	@free=$$(df -Pm . | awk 'NR==2 {print $$4}'); if [ ! -x $(BIN)/python ] && [ "$$free" -lt $(NEED_MIB) ]; then \
		echo "edgecv's environment needs $(NEED_MIB) MiB of disk, and this folder's disk has $$free MiB free" >&2; exit 3; fi
	@[ -x $(BIN)/python ] || { echo "== virtual environment in $(VENV) ($(PYTHON))"; $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 3; }; }
	@echo "== installing edgecv and its pinned dependencies (once; some 2 GB, minutes)"
	@pins=$$($(BIN)/python -c 'import sys; print("constraints.txt" if sys.version_info >= (3, 11) else "constraints-device.txt")'); \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $$pins -e '.[dev]' \
		|| { echo "installing failed: see pip's message above (network, disk, or a package without a wheel for this Python)" >&2; exit 3; }
	@touch $(READY)

demo: $(READY)
	@$(BIN)/edgecv demo

test: $(READY)
	@echo "== tests"
	@$(BIN)/python -m pytest -q

lint: $(READY)
	@echo "== ruff, mypy, import-linter"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

mutants: $(READY)
	@$(BIN)/python -m tests.mutants.run $(NAMES)

full-check: $(READY)
	@$(BIN)/python -m benchmarks.zoo_engines

# On a GPU machine without a network, use its own Python: make gpu-check PYTHON_GPU=python3
PYTHON_GPU ?= $(BIN)/python
# the others import torch or onnx
GPU_TESTS := tests/cuda tests/ops tests/runtime
SANITIZER := $(shell command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)
# asked before anything is installed: without a driver and a device there is nothing to check
GPU_HERE := import ctypes, sys; n = ctypes.c_int(); lib = ctypes.CDLL("libcuda.so.1"); \
	sys.exit(lib.cuInit(0) or lib.cuDeviceGetCount(ctypes.byref(n)) or n.value < 1)
gpu-check:
	@$(if $(filter $(BIN)/python,$(PYTHON_GPU)),$(PYTHON),$(PYTHON_GPU)) -c '$(GPU_HERE)' 2>/dev/null \
		|| { echo "gpu-check needs an NVIDIA driver and a GPU, and this machine has none (docs/gpu-check.md)" >&2; exit 3; }
	@$(if $(filter $(BIN)/python,$(PYTHON_GPU)),$(MAKE) --no-print-directory setup,:)
	@said=$$($(PYTHON_GPU) -c 'import pycuda.driver as d; d.init(); print(d.Device(0).name())' 2>&1) \
		&& echo "$$said" \
		|| { echo "$$said" | tail -n 1 >&2; echo "gpu-check needs an NVIDIA driver, a GPU and pycuda: pip install 'edgecv[cuda]' (docs/jetson.md)" >&2; exit 3; }
	@echo "== tests on the GPU"
	@$(PYTHON_GPU) -m pytest -q -m gpu $(GPU_TESTS)
ifneq ($(SANITIZER),)
	@echo "== the kernels under compute-sanitizer"
	@for tool in memcheck racecheck initcheck; do \
		$(SANITIZER) --tool $$tool --error-exitcode 9 --target-processes all \
			$(PYTHON_GPU) -m pytest -q -m gpu tests/ops tests/cuda/test_kernels.py || exit 1; done
endif
	@echo "== benchmarks on the GPU"
	@$(PYTHON_GPU) -m benchmarks.gpu

wheel: $(READY)
	@$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) runs dist
