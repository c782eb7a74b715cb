# Each target sets up .venv first; a stamp per extra keeps the second call short.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint clean

demo: .venv/.installed
	$(BIN)/t2sampler demo

# Two test processes share the cores; threads of their own would only wait.
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: .venv/.installed-test
	$(BIN)/pytest -n 2

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/.installed-%: .venv/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@
