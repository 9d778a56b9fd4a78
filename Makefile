# F.sh: `make demo` shows what it does, `make test` checks it. Every target makes or reuses .venv by itself.
#
# PYTHON       the Python to build .venv with (3.11 or newer); found by itself
# TORCH_FLAGS  more options for installing torch. On Linux the default wheel brings several GB of CUDA; the address of
#              the small CPU-only one is on pytorch.org/get-started: make demo TORCH_FLAGS="--index-url ADDRESS"
# DATA         what `make train-default` learns from: FLAIRs with lesion masks, BIDS or nnU-Net raw

PYTHON ?=
TORCH_FLAGS ?=
DATA ?= ../shared/data/ms-flair

BIN := .venv/bin
TORCH := torch==2.13.0
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -c constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench train-default clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{printf "make %-14s %s\n", $$1, $$2}'

demo: .venv/app.stamp ## segment the bundled scan; results in demo/
	$(BIN)/fsh segment --sample --out demo

test: lint ## lint, type-check and run every test, with coverage
	$(BIN)/python -m pytest --cov --cov-report=term

lint: .venv/dev.stamp ## style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/app.stamp ## seconds and memory of the bundled scan
	$(BIN)/python benchmarks/segment_sample.py

train-default: .venv/app.stamp ## train the default network on DATA (hours); the sample stays out
	$(BIN)/fsh-train "$(DATA)" --exclude mslessegP39 --validation ljubljana07 --validation tabriz110218 \
	    --validation tabriz102313 --validate-every 20 --out runs/default

clean: ## remove what was made here, .venv too
	rm -rf .venv demo dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -prune -exec rm -rf {} +

# torch goes first and pinned: left to the dependencies, pip would take the newest, a CUDA build of several GB.
.venv/torch.stamp: constraints.txt | .venv/bin/python
	$(INSTALL) $(TORCH_FLAGS) $(TORCH)
	@touch $@

.venv/app.stamp: .venv/torch.stamp pyproject.toml
	$(INSTALL) --editable .
	@touch $@

.venv/dev.stamp: .venv/app.stamp
	$(INSTALL) --editable ".[dev]"
	@touch $@

.venv/bin/python:
	@echo "Making .venv and installing F.sh into it: about 400 MB of packages, a minute or two"
	@sh scripts/make-venv.sh .venv "$(PYTHON)"
