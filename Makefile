# Everything runs from .venv, which the first target sets up from requirements.lock: with uv, which comes from
# requirements-uv.lock, else with pip. `make help` explains.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP_PLAIN = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
PIP = $(PIP_PLAIN) --require-hashes
# Emptied, for where it is set: without compiled files every process here takes three times as long to start.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup run refresh dev center test check docs conformance bench hold lock clean

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: $(READY) ## Set up .venv from the locked versions (the other targets do it when needed)

$(READY): requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo 'opsla needs Python 3.11 to 3.13; name one: make $(or $(MAKECMDGOALS),run) PYTHON=python3.12'; exit 1; }
	@echo 'Setting up .venv (once) ...'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) --requirement requirements-uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock || $(PIP) --requirement requirements.lock
	@$(PIP_PLAIN) --no-build-isolation --editable .
	@# Compiles what a run imports, and no more: where Python may not write compiled files later, every start would take 4 s longer.
	@$(BIN)/python -c 'import opsla_dagster.automation.chosen, opsla_dagster.cli, opsla_dagster.reporting.closing, opsla_dagster.running, opsla_dagster.reporting.record, pandas'
	@touch $@

run: $(READY) ## The main job on simulated data: every table, every check, the published marts, the report
	@$(BIN)/opsla run

refresh: $(READY) ## What the daily schedule does
	@$(BIN)/opsla refresh

dev: $(READY) ## The Dagster UI on http://127.0.0.1:3000, on the same home
	@$(BIN)/opsla dev

center: $(READY) ## The command centre on http://127.0.0.1:3100, on the same home
	@$(BIN)/opsla center

test: check ## All checks and all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(READY) ## ruff, mypy --strict, sqlfluff, and whether the SQL is portable
	@$(BIN)/ruff check .
	@# Side by side: mypy and the translation to Spark SQL work on one core each.
	@$(BIN)/mypy & types=$$!; $(BIN)/python -m opsla_dagster.warehouse.portability check & portable=$$!; \
	  $(BIN)/sqlfluff lint --processes 2 --disable-progress-bar sql opsla_dagster/center/queries; failed=$$?; \
	  wait $$types || failed=1; wait $$portable || failed=1; exit $$failed

docs: $(READY) ## Derive the data dictionary, the column lineage, the Spark SQL and the examples of accounts anew
	@$(BIN)/python -m opsla_dagster.catalog.dictionary
	@$(BIN)/python -m opsla_dagster.assets.diagrams
	@$(BIN)/python -m opsla_dagster.warehouse.lineage
	@$(BIN)/python -m opsla_dagster.warehouse.portability
	@$(BIN)/python -m opsla_dagster.starting.examples

conformance: $(READY) ## The hand-worked SLA cases, and 100,000 random clocks against the oracle
	@$(BIN)/python -m conformance.campaign

bench: $(READY) ## The figures of speed and memory, each beside something it is measured against (takes a while)
	@$(BIN)/python -m benchmarks

hold: $(READY) ## The tests that take minutes: 37 kills, 31 days replayed, disks running full, the default run, the ServiceNow log, every bench, a Postgres server, dg, a daemon killed, and every property tried more often
	@OPSLA_HOLD=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/integration/test_hold.py tests/integration/test_published_figures.py tests/integration/test_night_shift.py tests/integration/test_replay.py tests/integration/test_order_of_tables.py tests/integration/test_forecast_acceptance.py tests/integration/test_risk_published_logs.py tests/integration/test_bench.py tests/integration/test_changes_and_links.py tests/integration/test_center.py tests/integration/test_storage_postgres.py tests/integration/test_install.py tests/integration/test_servicenow.py tests/integration/test_ui.py tests/integration/test_alert_delivery.py tests/integration/test_worked_cases.py tests/integration/test_staffing.py tests/integration/test_gates.py tests/integration/test_cli.py tests/integration/test_run_history.py tests/connectors/test_kills.py tests/connectors/test_init_account.py tests/connectors/test_account_report.py tests/property tests/conformance tests/unit/test_queueing.py tests/unit/test_worklist.py tests/unit/test_starting_log.py tests/conventions/test_add_a_table.py tests/unit/test_forms_of_files.py tests/unit/test_event_log_source.py tests/unit/test_reporting_report.py tests/unit/test_portability.py tests/unit/test_staffing_plans.py tests/browser/test_center_browser.py tests/integration/test_rejected_dates.py

lock: $(READY) ## Resolve requirements.lock anew
	@$(BIN)/uv pip compile --universal --generate-hashes --group dev --all-extras --no-header --no-emit-index-url --no-strip-extras pyproject.toml -o requirements.lock

clean: ## Remove .venv and caches; the home .opsla stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
