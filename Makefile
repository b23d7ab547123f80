# Every target makes the environment it needs by itself: .venv for running, with the test tools where those are needed.

PYTHON ?= python3
BIN := .venv/bin
RUN_STAMP := .venv/.run
DEV_STAMP := .venv/.dev

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check format eval bench lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(RUN_STAMP) ## Install what running needs into .venv

demo: $(RUN_STAMP) ## Start a server, transcribe the sample meeting, show what comes back
	@$(BIN)/python -m samples.demo

run: $(RUN_STAMP) ## Serve on http://127.0.0.1:8000
	@$(BIN)/hansard serve

test: $(DEV_STAMP) check ## Check, then run every test
	$(BIN)/python -m pytest

check: $(DEV_STAMP) ## Formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(DEV_STAMP) ## Put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

eval: $(DEV_STAMP) ## Word error rate, diarization error rate, speakers: on the sample, or ARGS="FOLDER --engine …"
	$(BIN)/python -m bench.evaluate $(ARGS)

bench: $(DEV_STAMP) ## Measure speed and memory against the baselines
	$(BIN)/python -m bench

lock: $(DEV_STAMP) ## Pin the newest versions that pyproject.toml allows
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra local $(LOCK_OPTIONS) -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock $(LOCK_OPTIONS) -o requirements-dev.lock

# No index, no address: the lock files name versions and hashes only.
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

clean: ## Remove the environment and all caches
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info

$(RUN_STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hansard needs Python 3.11 or later.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv (about a minute the first time) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements-dev.lock
	@echo "Installing the test tools …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
