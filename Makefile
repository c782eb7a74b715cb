# Each target sets up its environment first; a stamp per extra keeps the second call short.
PYTHON ?= python3
OLDEST_PYTHON ?= python3.11  # the oldest versions have wheels for no newer one
BIN := .venv/bin
PIP := pip install --quiet --disable-pip-version-check
# A worker that is done takes tests from the end of the other's; those of a file stay
# together otherwise, with what their module shares.
PYTEST := pytest -n 2 --dist worksteal
# What `make test-oldest` leaves out: prompts and replies over HTTP, stores, pages and
# scripts. Their tables and forests are those of tests that it runs: of dtypes,
# containers, contracts, and of what all systems share.
SAME_IN_ALL_VERSIONS := benchmarks llm_team test_llama_server.py test_resume.py \
    test_cllm.py test_epic.py test_mallm_gan*.py test_tagal*.py test_cache.py \
    test_docs.py test_docstrings.py test_site.py test_architecture.py

.PHONY: demo test test-slow test-oldest lint docs clean

demo: .venv/.installed
	$(BIN)/t2sampler demo

# Two test processes share the cores; threads of their own would only wait.
test test-slow test-oldest: export OMP_NUM_THREADS = 1
test test-slow test-oldest: export OPENBLAS_NUM_THREADS = 1
test: .venv/.installed-test
	$(BIN)/$(PYTEST) -m "not slow"

# Those that take too long for every change: more seeds, tables and processes.
test-slow: .venv/.installed-test
	$(BIN)/$(PYTEST) -m slow

# Most tests of `make test` with the lowest versions that pyproject.toml allows.
test-oldest: .venv-oldest/.installed
	.venv-oldest/bin/$(PYTEST) -m "not slow" \
	    $(SAME_IN_ALL_VERSIONS:%=--ignore-glob='*/%')

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

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/pip
	$(BIN)/$(PIP) --editable .
	touch $@

# The extra dev holds the two others.
.venv/.installed-%: pyproject.toml | .venv/bin/pip
	$(BIN)/$(PIP) --editable '.[$*]'
	touch $@ $(if $(filter dev,$*),.venv/.installed-test .venv/.installed-docs)

.venv-oldest/.installed: pyproject.toml .ci/oldest.py
	$(OLDEST_PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python .ci/oldest.py > .venv-oldest/constraints.txt
	.venv-oldest/bin/$(PIP) --editable '.[test]' \
	    --constraint .venv-oldest/constraints.txt
	touch $@
