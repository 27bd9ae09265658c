# `make` alone prints what there is. Only python 3.11+ with venv is needed beforehand.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt bench storm setup own-task clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## From a YAML file to an image in a registry, step by step (needs an engine)
	@trap '.ci/services stop registry' EXIT; \
	.ci/services ensure && set -a && . "$${RECONCILER_SERVICES:-.services}/env" && set +a && examples/demo

test: setup ## All tests, with branch coverage; live ones are skipped where no engine answers
	$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report=term \
		--durations 20 --durations-min 5

lint: setup ## ruff, mypy --strict, and the floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup ## Format the code and the specs
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/reconciler fmt

bench: setup ## Side-by-side benchmarks: ratios in one run, the machine's load printed
	$(BIN)/python -m bench

storm: setup ## Fifty kills of the daemon over three hundred events (needs an engine; half an hour)
	@trap '.ci/services stop registry' EXIT; \
	.ci/services ensure && set -a && . "$${RECONCILER_SERVICES:-.services}/env" && set +a && \
	STORM_KILLS=50 STORM_EVENTS=300 RECONCILER_REQUIRE_LIVE=1 \
	$(BIN)/pytest -rA -s --timeout 7200 -k storm tests/live/test_serve.py

own-task: setup ## Apply and run this project's own task that needs no image hub
	@.ci/own-task

clean: ## Stop the registry, forget the venv and the caches
	@.ci/services stop registry
	rm -rf $(VENV) .services .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis

setup: $(STAMP)

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo 'error: python 3.11 or newer is needed (set PYTHON=...)' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@
