# Every target makes the environment it needs by itself: .venv for running, with the test tools where those are needed.

PYTHON ?= python3
BIN := .venv/bin
RUN_STAMP := .venv/.run
DEV_STAMP := .venv/.dev
NODE_STAMP := infra/node_modules/.stamp
OSLS := infra/node_modules/.bin/osls
# What package and deploy are for: a stage is a deployment of its own, with its own database and audio.
STAGE ?= prod

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check format eval bench fuzz cloud-local bundle package deploy lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: $(RUN_STAMP) ## Install what running needs into .venv

demo: $(RUN_STAMP) ## Start a server, transcribe the sample meeting, show what comes back
	@$(BIN)/python -m samples.demo

run: $(RUN_STAMP) ## Serve on http://127.0.0.1:8000
	@$(BIN)/hansard serve

test: $(DEV_STAMP) $(NODE_STAMP) check ## Check, then run every test
	node --test infra/edge/rewrite.test.mjs
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

fuzz: $(DEV_STAMP) ## Look for answers that contradict the OpenAPI documents: ARGS="--minutes 15"
	$(BIN)/python -m bench.fuzz $(ARGS)

cloud-local: $(DEV_STAMP) $(NODE_STAMP) ## Run the deployed platform on this machine, and the sample through it
	@$(BIN)/python -m infra.local $(ARGS)

bundle: $(DEV_STAMP) ## Build the zip that every Lambda runs
	@$(BIN)/python -m infra.bundle

# W3005: osls writes down dependencies that follow from others. W1030: without a domain there is no certificate.
package: $(DEV_STAMP) $(NODE_STAMP) bundle ## Build all that a deployment to AWS sends, and look it over
	@$(OSLS) package --stage $(STAGE) --package build/package
	@$(BIN)/cfn-lint --ignore-checks W3005 W1030 --template build/package/cloudformation-template-update-stack.json

deploy: $(DEV_STAMP) $(NODE_STAMP) bundle ## Deploy to Modal and AWS: STAGE=prod, ARGS="--param …"
	@$(BIN)/python -m infra.deploy $(STAGE) $(ARGS)

lock: $(DEV_STAMP) ## Pin the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile pyproject.toml --extra local $(UNIVERSAL) $(LOCK_OPTIONS) -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra aws -c requirements.lock \
		$(LAMBDA) $(LOCK_OPTIONS) -o requirements-lambda.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock -c requirements-lambda.lock \
		$(UNIVERSAL) $(LOCK_OPTIONS) -o requirements-dev.lock

# No index, no address: the lock files name versions and hashes only.
LOCK_OPTIONS := --quiet --generate-hashes --upgrade --no-emit-index-url --no-emit-find-links --no-annotate --no-header
UNIVERSAL := --universal --python-version 3.11
# What infra/bundle.py installs for.
LAMBDA := --python-platform x86_64-manylinux_2_34 --python-version 3.13 --only-binary :all:

clean: ## Remove the environment and all caches
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info infra/node_modules .serverless \
		.serverless-offline

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

$(NODE_STAMP): infra/package.json infra/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a < 20 || (a == 20 && b < 19) ? 1 : 0)' 2>/dev/null \
		|| { echo "This needs Node.js 20.19 or later."; exit 1; }
	@echo "Installing the deployment command …"
	@npm ci --prefix infra --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@
