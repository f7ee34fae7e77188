# Odradek. `make run` needs Python >= 3.11; `make test` also a JDK 17, Maven and kcat, which it installs where it can.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	$$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; \
	done)
CHECKED := src compat protocol_specs tests
# Two processes whatever the machine: many tests wait for a JVM, which takes a core for itself. tests/conftest.py groups.
WORKERS ?= 2
IN_WORKERS := --numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder

.PHONY: help run cluster test torture real-input check specs codegen codegen-check compat report bench bench-readme profile clean

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(STAMPS)/run ## start a broker on localhost:9092, data in ./odradek-data
	$(BIN)/odradek serve

cluster: $(STAMPS)/dev $(STAMPS)/system ## three brokers and a real ZooKeeper until Ctrl-C; says what to try
	$(BIN)/python -m compat.quick_start

test: $(STAMPS)/dev $(STAMPS)/system ## every test: unit, property, oracle, integration
	$(BIN)/pytest $(IN_WORKERS)

real-input: $(STAMPS)/dev $(STAMPS)/system ## a million lines through real clients, over kill -9 too
	ODRADEK_REAL_LINES=1000000 $(BIN)/pytest tests/integration/test_real_input.py

torture: $(STAMPS)/dev ## simulate 50,000 seeds of a cluster under faults, for hours; SEEDS=1000 FIRST=0
	$(BIN)/python -m tests.simulation.torture --seeds $(or $(SEEDS),50000) --first $(or $(FIRST),0)

check: $(STAMPS)/dev codegen-check ## ruff, mypy, import-linter, and the generated code is current
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports

specs: $(STAMPS)/dev $(STAMPS)/system ## import the message definitions from the kafka-clients jars again
	for release in 3.9.2 4.3.0; do \
		all="$$($(BIN)/python -m compat.oracle classpath $$release)"; echo "$${all%/*}"/kafka-*.jar; \
	done | xargs $(BIN)/python -m protocol_specs.importer

codegen: $(STAMPS)/dev ## write protocol/generated from protocol_specs
	$(BIN)/python -m protocol_specs.codegen

codegen-check: $(STAMPS)/dev ## fail when protocol/generated is stale
	$(BIN)/python -m protocol_specs.codegen --check

compat: $(STAMPS)/dev $(STAMPS)/system ## judge by real Kafka and write compat/REPORT; resumes; ONLY=produce
	$(BIN)/python -m compat.report --only "$(ONLY)"

report: $(STAMPS)/dev ## write compat/REPORT from the results there are
	$(BIN)/python -m compat.report --page

bench: $(STAMPS)/dev $(STAMPS)/system ## measure against real Kafka in turns, for an hour; OPTIONS="--only start"
	$(BIN)/python -m compat.bench $(OPTIONS)

bench-readme: $(STAMPS)/dev ## write the table of the latest bench into the README
	$(BIN)/python -m compat.bench --readme

profile: $(STAMPS)/dev ## profile each hot path with py-spy, for the report
	$(BIN)/python -m compat.bench.profile

clean: ## remove everything that was made here, except the broker's data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Odradek needs Python 3.11 or later with venv; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/run: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python -m compileall -q src
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --editable . --group dev
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run

# A JDK (javac), Maven and kcat; installed only as root and only where apt is.
$(STAMPS)/system: | $(BIN)/python
	@missing=""; \
	command -v javac >/dev/null || missing="$$missing openjdk-17-jdk-headless"; \
	command -v mvn >/dev/null || missing="$$missing maven"; \
	command -v kcat >/dev/null || missing="$$missing kcat"; \
	if test -n "$$missing"; then \
		if test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null; then \
			echo "make test needs:$$missing (install them, or run it as root where apt is)" >&2; exit 1; \
		fi; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
	@mkdir -p $(STAMPS) && touch $@
