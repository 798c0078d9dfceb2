# The menu of this repository; every target sets up what it needs.

PYTHON ?= python3
PORT ?= 7071
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NODE_STAMP := node_modules/.installed
# What Azure installs for the app, and nothing of ours.
PACKAGE_VENV := .venv-package
PACKAGE_STAMP := $(PACKAGE_VENV)/.installed
BENCH := .venv-bench
BENCH_STAMP := $(BENCH)/.installed
CHECKOV := .venv-checkov
CHECKOV_STAMP := $(CHECKOV)/.installed
FUZZ := .venv-fuzz
FUZZ_STAMP := $(FUZZ)/.installed
# The whole suite runs in two processes; what is named in ARGS in one, where -s and --pdb work.
WHOLE := --numprocesses 2 --dist worksteal

export PORT

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this menu
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(STAMP): requirements.txt requirements-cli.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; name it with make PYTHON=python3.13"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# A stamp of our own: npm leaves one of its own behind even where it was interrupted.
$(NODE_STAMP): package.json package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || \
	  { echo "Node.js 20 or later is needed"; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(CHECKOV_STAMP): infra/checks/checkov-requirements.txt
	$(PYTHON) -m venv $(CHECKOV)
	$(CHECKOV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: setup
setup: $(STAMP) $(NODE_STAMP) ## Install what everything below needs

.PHONY: run
run: setup ## Start everything on this machine (PORT=7071), with a demo message in the inbox
	@$(BIN)/python -m devserver

.PHONY: test
test: setup ## Pass the tests (ARGS="-k sending -x" for some of them)
	$(BIN)/python -m pytest $(or $(ARGS),$(WHOLE))

.PHONY: scale
scale: setup ## Pass the tests of large numbers, which take many minutes (SCALE=10000 for due times)
	$(BIN)/python -m pytest -s -m scale $(ARGS)

.PHONY: soak
soak: setup ## Pass the tests of load and of faults under load in full, in some 40 minutes (SOAK_MINUTES=10 of them for L6, ARGS="-k L3" for one)
	$(BIN)/python -m pytest -s -m soak $(ARGS)

$(FUZZ_STAMP): tests/fuzzing/requirements.txt requirements.txt
	$(PYTHON) -m venv --clear $(FUZZ)
	$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: fuzz
fuzz: $(NODE_STAMP) $(FUZZ_STAMP) ## Fuzz the parsers, guided by coverage (FUZZ_SECONDS=600, TARGETS="html_links" for some)
	@PYTHONPATH=.:tests $(FUZZ)/bin/python -m fuzzing $(or $(FUZZ_SECONDS),600) $(TARGETS)

.PHONY: fuzz-api
fuzz-api: setup ## Call every operation of the API with made-up requests (FUZZ_EXAMPLES=100 each)
	$(BIN)/python -m pytest -s -m fuzz $(ARGS)

.PHONY: connector
connector: $(STAMP) ## Write the files of the Power Platform connector in infra/connector
	$(BIN)/python -m devserver.connector

.PHONY: accuracy
accuracy: $(STAMP) ## Measure the verdicts on labelled timelines (SET=file for others, ARGS=-v for the wrong ones)
	$(BIN)/python -m benchmarks.accuracy $(SET) $(ARGS)

.PHONY: lint
lint: $(STAMP) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: infra-check
infra-check: $(STAMP) $(CHECKOV_STAMP) ## Check what is deployed (infra/) and the workflows, without Azure
	$(BIN)/python -m infra.checks --checkov $(CHECKOV)/bin/python
	$(BIN)/zizmor --offline --quiet --persona auditor .github

.PHONY: audit
audit: $(STAMP) ## Ask the network whether a dependency has a known hole
	$(BIN)/python -m pip_audit --strict -r requirements.txt
	$(BIN)/python -m pip_audit --strict -r requirements-dev.txt

.PHONY: sbom
sbom: $(STAMP) ## List what the package depends on, as CycloneDX, in build/sbom.json (asks the network)
	@mkdir -p build
	$(BIN)/python -m pip_audit -r requirements.txt --format cyclonedx-json --output build/sbom.json

.PHONY: check
check: lint test ## Everything that has to hold before a commit

.PHONY: worker-check
worker-check: $(STAMP) ## Load the app in Microsoft's worker library (Python 3.13)
	$(BIN)/python -m devserver --check-worker

# requirements.txt and the worker library of Python 3.13, which Azure has beside it.
$(PACKAGE_STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 13))' || \
	  { echo "Python 3.13 is needed; name it with make PYTHON=python3.13"; exit 1; }
	$(PYTHON) -m venv --clear $(PACKAGE_VENV)
	$(PACKAGE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	  -r requirements.txt "$$(sed -n 's/^\(azure-functions-runtime==[^ ;]*\).*/\1/p' requirements-dev.txt)"
	@touch $@

.PHONY: package
package: $(STAMP) ## Make build/engagement.zip, which is what gets deployed
	@$(BIN)/python -m infra.package

.PHONY: package-check
package-check: $(STAMP) $(PACKAGE_STAMP) ## Load the package in Microsoft's worker library with only what Azure installs (Python 3.13)
	@$(BIN)/python -m infra.package --check $(PACKAGE_VENV)/bin/python

.PHONY: bench-cost
bench-cost: setup ## Measure what a hit costs, and print the model of docs/cost.md
	@$(BIN)/python -m benchmarks.cost --measure $(ARGS)

$(BENCH_STAMP): benchmarks/requirements.txt requirements.txt requirements-cli.txt requirements-dev.txt
	$(PYTHON) -m venv --clear $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

.PHONY: bench
bench: $(NODE_STAMP) $(BENCH_STAMP) ## Measure everything beside its floor and its peers (PARTS="rewriting tokens" for some of it)
	@$(BENCH)/bin/python -m benchmarks $(PARTS) $(ARGS)

.PHONY: bench-spread
bench-spread: $(STAMP) ## Simulate how organizations spread over storage accounts
	@$(BIN)/python -m benchmarks.spread $(ARGS)

.PHONY: clean
clean: ## Remove what was installed and stored here
	rm -rf $(VENV) $(PACKAGE_VENV) $(CHECKOV) $(BENCH) $(FUZZ) build node_modules .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis
