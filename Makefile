# Each target sets up its environment first; a stamp per extra keeps the second call short.
PYTHON ?= python3
OLDEST_PYTHON ?= python3.11  # the oldest versions have wheels for no newer one
BIN := .venv/bin
TESTS := -n 2 --dist loadfile -m "not slow"  # what `make test` and `make test-oldest` run

.PHONY: demo test test-slow test-oldest lint docs clean

demo: .venv/.installed
	$(BIN)/t2sampler demo

# Two test processes share the cores; threads of their own would only wait.
test test-slow test-oldest: export OMP_NUM_THREADS = 1
test test-slow test-oldest: export OPENBLAS_NUM_THREADS = 1
test: .venv/.installed-test
	$(BIN)/pytest $(TESTS)

# Those that take too long for every change: more seeds, tables and processes.
test-slow: .venv/.installed-test
	$(BIN)/pytest -n 2 -m slow

# The tests of `make test` with the lowest versions that pyproject.toml allows.
test-oldest: .venv-oldest/.installed
	.venv-oldest/bin/pytest $(TESTS)

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The site, in docs/_build/html. Pages are read anew (-E), examples run if they changed.
docs: export OMP_NUM_THREADS = 1
docs: .venv/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -E -q docs docs/_build/html

clean:
	rm -rf .venv .venv-oldest docs/_build docs/auto_examples docs/reference/generated

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/.installed-%: .venv/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

.venv-oldest/.installed: pyproject.toml .ci/oldest.py
	$(OLDEST_PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python .ci/oldest.py > .venv-oldest/constraints.txt
	.venv-oldest/bin/pip install --quiet --disable-pip-version-check \
	    --constraint .venv-oldest/constraints.txt --editable '.[test]'
	touch $@
