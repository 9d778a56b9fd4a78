# F.sh: `make demo` shows what it does, `make test` checks it. Every target makes or reuses .venv by itself.
#
# PYTHON       the Python to build .venv with (3.11 or newer); found by itself
# TORCH_FLAGS  more options for installing torch. On Linux the default wheel brings several GB of CUDA; the address of
#              the small CPU-only one is on pytorch.org/get-started: make demo TORCH_FLAGS="--index-url ADDRESS"
# DATA         what `make train-default` learns from, and `make screenshots` shows: FLAIRs with lesion masks, BIDS or
#              nnU-Net raw
# BENCH        options of `make bench`: --only segment, --skip nnunet-mirror samseg, --force, --cohort 1 10 100
# BENCH_ENVS   where `make bench` puts the tools that it compares with
# CHROMIUM     the browser of the tests and of `make screenshots`

PYTHON ?=
TORCH_FLAGS ?=
DATA ?= ../shared/data/ms-flair
BENCH ?=
BENCH_ENVS ?= build
CHROMIUM ?= /usr/bin/chromium

BIN := .venv/bin
TORCH := torch==2.13.0
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-input -c constraints.txt
INSTALL := $(BIN)/python $(PIP_INSTALL)
SCREEN_PACKAGES := chromium xvfb xauth libegl1 libgl1 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 \
    libxkbcommon-x11-0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo napari dashboard test lint docs bench campaign train-default screenshots screen clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{printf "make %-14s %s\n", $$1, $$2}'

demo: .venv/app.stamp ## segment the bundled scan; results in demo/
	$(BIN)/fsh segment --sample --out demo

napari: .venv/faces.stamp ## open napari on the bundled scan with its lesions, ready for review
	@test -f demo/dataset_description.json || $(BIN)/fsh segment --sample --out demo
	$(BIN)/python -m fsh_napari demo

dashboard: .venv/faces.stamp ## open the dashboard on its bundled example
	$(BIN)/fsh dashboard

test: lint ## lint, type-check and run every test of all three packages, with coverage
	@CHROMIUM="$(CHROMIUM)" sh scripts/run-tests.sh $(BIN)/python

lint: .venv/dev.stamp ## style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: .venv/dev.stamp ## the API reference, from the docstrings; build/docs
	$(BIN)/python scripts/make_docs.py

bench: .venv/dev.stamp ## time F.sh beside its targets and other tools (half an hour); docs/benchmarks.md
	-@$(MAKE) --no-print-directory $(BENCH_ENVS)/bench-nnunet/ready.stamp
	-@$(MAKE) --no-print-directory $(BENCH_ENVS)/bench-samseg/ready.stamp
	$(BIN)/python -m benchmarks.speed --environments "$(BENCH_ENVS)" $(BENCH)

train-default: .venv/app.stamp ## train the two default networks on DATA (hours); the sample stays out
	$(BIN)/fsh-train "$(DATA)" --exclude mslessegP39 --validation-fraction 0 --out runs/default-batch
	$(BIN)/fsh-train "$(DATA)" --exclude mslessegP39 --validation-fraction 0 --norm instance --out runs/default-instance
	$(BIN)/fsh ensemble runs/default-batch/last.safetensors runs/default-instance/last.safetensors \
	    --half --out runs/default.safetensors --name "F.sh default 4"

campaign: .venv/dev.stamp ## damage, kill and fill up by the thousand (an hour); docs/reliability.md
	$(BIN)/python -m campaigns.damage
	$(BIN)/python -m campaigns.stops --most 25
	$(BIN)/python -m campaigns.disk
	$(BIN)/python -m campaigns.same_bytes
	xvfb-run -a -s "-screen 0 1366x768x24" $(BIN)/python -m campaigns.texts

screenshots: .venv/dev.stamp | screen ## remake the pictures of both faces in docs/images, from DATA or the bundled scan
	CHROMIUM="$(CHROMIUM)" $(BIN)/python scripts/dashboard_screenshots.py "$(DATA)" build/screenshots docs/images
	xvfb-run -a -s "-screen 0 1366x768x24" $(BIN)/python scripts/napari_screenshots.py

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

.venv/faces.stamp: .venv/app.stamp
	@echo "Installing napari, Qt and Streamlit: about 600 MB of packages, a minute or two"
	$(INSTALL) --editable ".[app,dashboard]"
	@touch $@

.venv/dev.stamp: .venv/app.stamp
	$(INSTALL) --editable ".[app,dashboard,dev]"
	@touch $@

# Other tools to compare with, each apart. Where one cannot be installed, the table says so.
$(BENCH_ENVS)/bench-%/ready.stamp: benchmarks/requirements-%.txt
	@echo "Making $(@D) for make bench: one to two GB of packages, some minutes"
	@test -x $(@D)/bin/python || sh scripts/make-venv.sh $(@D) "$(PYTHON)"
	$(if $(findstring nnunet,$*),$(@D)/bin/python -m pip install --quiet $(TORCH_FLAGS) $(TORCH))
	$(@D)/bin/python -m pip install --quiet -r $<
	@touch $@

screen:
	@for program in "$(CHROMIUM)" xvfb-run xauth; do command -v "$$program" >/dev/null || { \
	    echo "The pictures need $$program, which is not here. On Debian: sudo apt-get install $(SCREEN_PACKAGES)" >&2; \
	    echo "Another Chromium is named with: make screenshots CHROMIUM=/path/to/it" >&2; exit 2; }; done

.venv/bin/python:
	@echo "Making .venv and installing F.sh into it: about 400 MB of packages, a minute or two"
	@sh scripts/make-venv.sh .venv "$(PYTHON)"
