"""The published ServiceNow log through one `opsla run`: the figures its authors publish, and ours beside the source's own verdicts.

Skipped where the log is absent: the project does not carry it (examples/servicenow/README.md says where to get it). Run by `make hold`; how
`make test` looks at every row of that log is tests/unit/test_event_log_published_logs.py.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest
from cli import REPOSITORY, opsla
from small_desk import rows, takes_minutes

from opsla_dagster.reporting.backlog import desk_at
from opsla_dagster.settings import load_settings

DATA = Path(os.environ.get("OPSLA_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
LOG = DATA / "uci_incident_event_log"

#: What the log itself says is open at an instant: the last state that it tells by then is no end.
OPEN_AT = """
    select cases.case_id
    from raw.cases
    left join (
        select case_id, arg_max(status, (event_ts, source_sequence)) as status from raw.events_log where event_ts <= '{at}' group by case_id
    ) as latest on cases.case_id = latest.case_id
    where cases.intake_ts <= '{at}' and coalesce(latest.status, 'INTAKE') not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
"""

pytestmark = [takes_minutes, pytest.mark.skipif(not LOG.is_dir(), reason=f"the published log is not at {LOG}")]


def test_one_run_of_the_example_gives_the_published_figures(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = opsla("run", home=home, config=REPOSITORY / "examples" / "servicenow", OPSLA_DATA=str(DATA))
    assert done.returncode == 0, done.stderr

    warehouse = home / "ops_warehouse.duckdb"
    assert rows(warehouse, "select count(*) from raw.events_log") == [(141_707,)]
    assert rows(warehouse, "select count(*), min(source_rows) from raw.rejected_rows") == [(5, 141_712)]
    assert rows(warehouse, "select count(*), count(*) filter (where reopen_count > 0), sum(reopen_count) from staging.case_milestones") == [
        (24_918, 275, 331)
    ]
    ((cases, p50, p75, p90, source_breach_pct, our_breach_pct, verdicts, agreeing),) = rows(
        home / "marts.duckdb",
        "select source_resolved_cases, source_resolution_p50_calendar_hours, source_resolution_p75_calendar_hours, "
        "source_resolution_p90_calendar_hours, source_breach_pct, our_breach_pct, both_verdict_cases, agreeing_cases "
        "from mart.source_sla_comparison",
    )
    assert (cases, round(float(str(p50)), 1), round(float(str(p75)), 1), round(float(str(p90)), 1)) == (23_362, 22.1, 148.5, 381.5)
    assert (round(float(str(source_breach_pct)), 2), round(float(str(our_breach_pct)), 2)) == (36.58, 31.26)
    assert (verdicts, agreeing) == (24_918, 21_780)
    settings = load_settings(REPOSITORY / "examples" / "servicenow", home)
    for at in (datetime(2016, 3, 22, 9, 27, 5), datetime(2016, 6, 1), datetime(2016, 12, 9, 0, 19, 2)):
        with desk_at(settings, at) as desk:
            told = {row["case_id"] for row in desk.rows("mart.backlog_now", "case_id")}
        found = rows(warehouse, OPEN_AT.format(at=at))
        assert told == {case_id for (case_id,) in found}, at
        assert len(told) > 40
