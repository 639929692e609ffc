# Bordstein: street sensors and their gateway. `make` alone lists what there is to make.
# Every target does its own set-up; a second run is quick.

SHELL := /bin/sh
PYTHON := .venv/bin/python
# For make demo: SECONDS=60 ends by itself, CHAOS=1 breaks things on purpose, SEED=7 repeats a run.
DEMO_ARGUMENTS = $(if $(SECONDS),--seconds $(SECONDS)) $(if $(filter-out 0,$(CHAOS)),--chaos) $(if $(SEED),--seed $(SEED))
# For make release: KEY and VERSION are needed, the rest has defaults.
RELEASE_ARGUMENTS = --key "$(KEY)" --version "$(VERSION)" $(if $(FLOOR),--floor "$(FLOOR)") \
    $(foreach board,$(BOARDS),--board "$(board)") $(if $(PASSPHRASE_FILE),--passphrase-file "$(PASSPHRASE_FILE)")
# For make test: three workers more than there are cores, as many tests wait for a board; TESTS=tests/gateway runs a part.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 3)
TESTS ?= tests
# Tests start some hundred Python programs; what these import is compiled once, whatever the caller's environment says.
BYTECODE = PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX="$(CURDIR)/.cache/bytecode"
# In a new checkout all workers would compile everything at the same time; one that goes first spares half a minute of theirs.
COMPILED = [ -d .cache/bytecode ] || $(BYTECODE) $(PYTHON) -m pytest -q --collect-only $(TESTS) >/dev/null 2>&1 || true

.DEFAULT_GOAL := help
.PHONY: help setup demo setup-demo test lint format bench package release requirements properties clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make the checkout ready: .venv, Mosquitto, Unix-port MicroPython
	@tools/dev/setup.sh

demo: setup ## Run a virtual street of eight boards (SECONDS=60 to end by itself, CHAOS=1 to break things)
	@$(PYTHON) -m tests.street.demo $(DEMO_ARGUMENTS)

setup-demo: setup ## Play `bordstein setup` on a virtual board: from a blank chip to readings in a gateway
	@$(PYTHON) -m tests.street.setup_demo

test: setup ## Run all tests (TESTS=tests/gateway for a part)
	@$(COMPILED)
	@$(BYTECODE) $(PYTHON) -m pytest -q -n $(WORKERS) --dist worksteal $(TESTS)

lint: setup ## Check style, types, generated files and metadata
	@tools/dev/lint.sh

format: setup ## Put the source into the project's style
	@.venv/bin/ruff format --quiet firmware gateway tools tests
	@.venv/bin/ruff check --quiet --fix firmware gateway tools tests

bench: setup ## Measure; prints one JSON object a line
	@$(PYTHON) -m tests.bench

package: setup ## Build the two wheels and the firmware's .mpy files into dist/
	@rm -rf dist
	@$(PYTHON) -m build --quiet --wheel --no-isolation --outdir dist gateway
	@$(PYTHON) -m build --quiet --wheel --no-isolation --outdir dist tools
	@$(PYTHON) tools/dev/mpy.py dist/firmware
	@ls -1 dist

release: setup ## Sign a release for boards: KEY=file VERSION=0.2.0 (FLOOR=0.1.0 BOARDS="name name" PASSPHRASE_FILE=file)
	@$(PYTHON) -m tools.dev.release $(RELEASE_ARGUMENTS)

requirements: setup ## Pin the dependencies anew (newest versions that fit)
	@tools/dev/requirements.sh

properties: setup ## Write the firmware's copy of the property table
	@$(PYTHON) tools/dev/properties.py

clean: ## Remove everything that was made: .venv, caches, dist
	@rm -rf .venv .cache dist gateway/bordstein_gateway/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis
