# make run   sets up, then runs the whole flow on the embedded images
# make test  sets up, then runs every test
# make docs  sets up, then builds the documentation
# All need Python 3.11 and make, nothing else.

PYTHON ?= python3.11
VENV := .venv
STAMP := $(VENV)/.installed
export DO_NOT_TRACK := true
export MPLBACKEND := Agg

.PHONY: help setup run test coverage lint schema docs clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: $(STAMP) ## make the virtual environment .venv

$(STAMP): pyproject.toml constraints.txt
	@echo "Setting up $(VENV): about 7 GB, most of it torch; a few minutes."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
	@echo "Set up. For an interactive shell: source $(VENV)/bin/activate"

run: $(STAMP) ## run the whole flow on the embedded images, about 4 minutes on two free cores; results in data/digits
	@echo "Running the whole flow; results go to data/digits."
	$(VENV)/bin/kedro run

# A core for each process: with more threads than cores, those that wait for each other take the time of the others.
test: $(STAMP) ## run every test, in two processes
	@echo "Running every test, in two processes."
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest --numprocesses=2 --dist=loadfile

coverage: $(STAMP) ## run every test, with the coverage of lines and branches; slower
	@echo "Running every test, with coverage."
	$(VENV)/bin/python -m pytest --cov --cov-report=term

lint: $(STAMP) ## check style and types
	$(VENV)/bin/ruff check src tests benchmarks docs
	$(VENV)/bin/ruff format --check src tests benchmarks docs
	$(VENV)/bin/mypy

docs: $(STAMP) ## build the documentation into docs/_build/html; warnings are errors
	$(VENV)/bin/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs docs/_build/html
	@echo "Open docs/_build/html/index.html in a browser."

schema: $(STAMP) ## write the JSON schema of all parameters, for editors
	$(VENV)/bin/python -m mf_nas_kd.schema

clean: ## remove the virtual environment; results stay
	rm -rf $(VENV)
