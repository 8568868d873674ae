# `make run` and `make test` need Python 3.11 or newer with its venv module, and nothing else. The
# dashboard is built with the machine's Node, or with one that pip fetches where it has none.

PYTHON ?= python3
BIN := .venv/bin
FRONTEND := $(shell find frontend -name node_modules -prune -o -name dist -prune -o -name .astro -prune -o -type f -print)

.PHONY: run test check frontend check-frontend bench sim clean

run: .venv/.installed .venv/.frontend
	$(BIN)/pouch serve

test: check check-frontend .venv/.frontend
	$(BIN)/python -m pytest -n 2
	$(BIN)/python -m pytest -n 2 tests/e2e

check: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pouch check

# Builds the dashboard's pages into pouch/static, and says why if it cannot.
frontend: .venv/bin/python
	POUCH_DASHBOARD=require $(BIN)/python hatch_build.py

# Lint, types and tests of the pages; they need npm, and its registry once.
check-frontend: .venv/.installed-dev
	@if ! command -v npm > /dev/null; then echo "There is no npm: the pages' own checks are left out."; \
	elif $(BIN)/python hatch_build.py --tools; then cd frontend && npm run --silent check && npm test --silent; \
	else echo "npm could not install what the pages' own checks need: they are left out."; fi

# make bench CURVES=1 also measures the cost as load grows, PEERS=1 LiteLLM and Portkey, PROFILE=1
# where the time goes, SOAK=1000000 the memory over so many requests; MARKDOWN=FILE keeps the tables.
bench: .venv/.installed-dev
	$(BIN)/python -m tests.benchmarks.run $(if $(CURVES),--curves) $(if $(PEERS),--peers) \
		$(if $(PROFILE),--profile) $(if $(SOAK),--soak $(SOAK)) $(if $(MARKDOWN),--markdown $(MARKDOWN))

# make sim SEEDS=10000 runs so many plans of requests and faults, make sim SEED=123 replays one.
sim: .venv/.installed-dev
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200))

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Pouch needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv

# Tried once for each change of the sources, so that a start without a network is not slow twice.
.venv/.frontend: $(FRONTEND) hatch_build.py | .venv/.installed
	$(BIN)/python hatch_build.py
	@touch $@

.venv/.installed: pyproject.toml .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/.installed-dev: pyproject.toml .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/.installed

clean:
	rm -rf pouch/static frontend/node_modules frontend/dist frontend/.astro
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
