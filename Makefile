# Two commands: `make` installs and runs the main job, `make test` installs and passes the tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: sweep test slow site
sweep: $(VENV)/installed
	$(BIN)/python -m riskkit.sweep

test: $(VENV)/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

# The statistical studies and large oracles that `make test` leaves out.
slow: $(VENV)/installed-for-tests
	$(BIN)/python -m pytest -m slow

# The documentation as one site, in site/; warnings are errors, and no network is needed.
site: $(VENV)/installed-for-tests
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-for-tests: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@
