# What CI runs and what a newcomer runs are the same commands. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
HARNESS := $(BIN)/harness
# How much memory (GiB) the net at its real size wants to itself; with less, the demo takes a smaller input.
WANTED := 11

.PHONY: help demo test lint image goldens layers random-nets limits false-alarms bench-bugs bench clean

help:
	@echo "make demo     the main job: real Caffe in a container against Keras, layer by layer, and a page to look at"
	@echo "make test     all tests; those against real Caffe too where a container engine runs"
	@echo "make lint     ruff and mypy"
	@echo "make image    build the Caffe image, if a container engine runs"
	@echo "make goldens  record the small cases and the table of layers again with the real Caffe"
	@echo "make layers   every layer type against the real Caffe: parameters covered, worst error in rounding units"
	@echo "make random-nets   a thousand random nets through the whole line (COUNT=1000 SEED=0)"
	@echo "make bench-bugs    porting bugs put into Keras ports: found, at the right layer, called by their name"
	@echo "make limits   the rounding of right layers and known small errors: what the first stage's limits come from"
	@echo "make false-alarms  right layers by every numeric path of this machine: how many are called wrong"
	@echo "make bench    time and memory beside the bare tools and the peers (BENCH=--quick)"

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 10) <= v <= (3, 13) and f"Python 3.10 to 3.13 is needed, $(PYTHON) is {v[0]}.{v[1]}; try make PYTHON=python3.12")'
	@echo "making an environment in $(VENV) (TensorFlow is 300 MB to download)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[tensorflow-cpu,dev]'
	@# By itself: it asks for "tensorflow", and would bring that over "tensorflow-cpu".
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	    "tf_keras==$$($(BIN)/python -c 'import importlib.metadata as m; print(m.version("tensorflow-cpu").rpartition(".")[0])').*"
	@touch $@

image: $(READY)
	@for engine in docker podman; do \
	    $$engine info >/dev/null 2>&1 || continue; \
	    $(HARNESS) image info --engine $$engine >/dev/null 2>&1 && exit 0; \
	    echo "building the Caffe image with $$engine (once, about two minutes)"; \
	    log=$(VENV)/image.log; \
	    $(HARNESS) image build --engine $$engine >$$log 2>&1 && exit 0; \
	    if [ "$$(id -u)" = 0 ] && PATH=$$PATH:/usr/sbin command -v debootstrap >/dev/null; then \
	        docker/make-base $$engine && $(HARNESS) image build --engine $$engine >$$log 2>&1 && exit 0; \
	    fi; \
	    tail -n 3 $$log; exit 0; \
	done; \
	echo "no container engine answers here (docker or podman): goldens stand in for Caffe"

demo: $(READY) image
	@case=digits_lenet; size=; \
	if $(HARNESS) image info >/dev/null 2>&1; then \
	    case=dilation8_pascal_voc; \
	    free=$$(awk '/MemAvailable/ {print int($$2 / 1048576)}' /proc/meminfo 2>/dev/null || echo 0); \
	    if [ "$${free:-0}" -lt $(WANTED) ]; then size=@437x437; echo "$$free GiB are free: a smaller input"; fi; \
	fi; \
	$(HARNESS) run $$case$$size; status=$$?; \
	echo; echo "the page: $(CURDIR)/reports/$$case$$size/index.html"; exit $$status

test: $(READY) image
	@$(BIN)/python -m pytest $(PYTEST)

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

goldens: $(READY) image
	@for case in digits_lenet dilation_mini; do \
	    new=fixtures/golden/.$$case; rm -rf $$new; \
	    $(HARNESS) dump $$case --engine docker --out $$new || exit 1; \
	    rm -rf fixtures/golden/$$case; mv $$new fixtures/golden/$$case; \
	done

	@cd tests && ../$(BIN)/python -m support.goldens

layers: $(READY) image
	@$(BIN)/python benchmarks/layers.py 2>/dev/null

COUNT := 1000
SEED := 0
random-nets: $(READY) image
	@TF_CPP_MIN_LOG_LEVEL=2 $(BIN)/python -m benchmarks.random_nets --count $(COUNT) --seed $(SEED)

bench-bugs: $(READY) image
	@TF_CPP_MIN_LOG_LEVEL=2 $(BIN)/python -m benchmarks.bugs

limits: $(READY) image
	@TF_CPP_MIN_LOG_LEVEL=2 $(BIN)/python benchmarks/limits.py 2>/dev/null

false-alarms: $(READY) image
	@TF_CPP_MIN_LOG_LEVEL=2 $(BIN)/python -m benchmarks.false_alarms

bench: $(READY) image
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@$(BIN)/python -m benchmarks.speed $(BENCH)

clean:
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist
