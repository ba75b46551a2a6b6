# Two commands do everything, set-up included, on a machine with Python 3.11+, pip and make:
#   make demo      derive, generate, check and train on real data; results in output/
#   make test      the whole test suite
# Further ones, for those who want to see more:
#   make matrix    a smoke test on every supported Python that the PATH has, with the newest and the oldest packages
#   make kernels   the kernels of all cells of the catalogue, where make test compiles representatives
#   make overfull  every document, and those of random cells, at three widths, with pdflatex
#   make fuzz      random cells, malformed ones, and cells with odd names
#   make interrupts  a thousand interrupts at random moments of calls
#   make accuracy  functions and compositions against exact arithmetic, beside PyTorch
#   make examples  a character model, a forecast and a policy, beside torch.nn.LSTM; pictures in output/
#   make bench     the race against torch, JAX and onnxruntime, in half an hour on a quiet machine; results in output/bench/
PYTHON ?= python3
VENV   ?= .venv
PIP    ?=  # further options of pip, such as --extra-index-url https://download.pytorch.org/whl/cpu for PyTorch without CUDA on Linux
BIN    := $(VENV)/bin

.PHONY: demo test matrix kernels overfull fuzz interrupts accuracy examples bench lint generate clean

demo: $(VENV)/.demo
	$(BIN)/symcell demo -o output

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n auto

matrix:
	$(PYTHON) tests/matrix.py

kernels: $(VENV)/.test
	SYMCELL_EVERY_KERNEL=1 $(BIN)/python -m pytest -n auto tests/test_zoo.py tests/test_check.py tests/test_compositions.py \
	    tests/test_lengths.py tests/test_numerics.py tests/test_checkpoints.py tests/test_disable_jit.py tests/test_parameters.py \
	    tests/test_single_step.py tests/test_threads.py

overfull: $(VENV)/.test
	cd tests && ../$(BIN)/python overfull.py

fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzz --cells 2000 --malformed 1000 --names 500 --jobs 2

interrupts: $(VENV)/.test
	$(BIN)/python -m tests.interrupts --count 1000

accuracy: $(VENV)/.test
	$(BIN)/python -m tests.accuracy

examples: $(VENV)/.test
	for name in characters sunspots evidence; do $(BIN)/python examples/$$name.py || exit 1; done

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks -o output/bench

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy

generate: $(VENV)/.demo
	$(BIN)/symcell generate

$(VENV)/.demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -e ".[demo]"
	touch $@

$(VENV)/.test: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q $(PIP) -e ".[test]"
	touch $@

$(VENV)/.bench: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q $(PIP) -e ".[bench]"
	touch $@

clean:
	rm -rf $(VENV) output build dist *.egg-info
