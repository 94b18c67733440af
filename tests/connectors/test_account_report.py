"""What people see of an account: its own promises alone, and what could not be had of it."""

from __future__ import annotations

import io
import re
from datetime import datetime
from html import unescape
from pathlib import Path

from desks import worked_case
from effort import takes_minutes
from fake_server import Response, always
from fake_zendesk import FakeZendesk
from rich.console import Console
from test_whole_road import AS_OF, settings_of

from opsla_dagster.instance.instance import open_instance
from opsla_dagster.reporting.closing import headline_table
from opsla_dagster.reporting.explain import explain
from opsla_dagster.reporting.record import left_out, write_reports
from opsla_dagster.running import load_accounts, run_windows
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.warehouse.connection import reading


@takes_minutes
def test_an_account_s_report_speaks_of_its_own_promises_and_of_what_it_could_not_have(zendesk: FakeZendesk, tmp_path: Path) -> None:
    worked_case(zendesk)
    zendesk.faults.append(always(Response({"error": "Forbidden"}, 403), "/api/v2/slas/policies"))
    settings = settings_of(tmp_path, zendesk)
    with open_instance(settings.home.root) as instance:
        assert [error for _, error in load_accounts(settings, instance, lambda _account, _step: None)] == [""]
        finished = run_windows(settings, instance, [build_desk(settings).window()], AS_OF, lambda _table, _rows: None, is_refresh=False)
        assert finished.succeeded, finished.error
        missing = left_out(instance, settings)
        written = write_reports(instance, finished.run_ids, settings, command="opsla run")
    assert missing == written.summary.left_out
    assert [told.startswith("acme: sla_policies: ") and told.endswith("(403)") for told in missing] == [True]

    headline = written.summary.headline
    assert headline is not None
    assert {promise.is_source_promise for promise in headline.promises} == {True}
    assert headline.unspoken_promises == 3
    output = io.StringIO()
    Console(file=output, width=160).print(headline_table(written.summary, "opsla"))
    text = output.getvalue()
    assert re.search(rf"^Left out +{re.escape(missing[0])}", text, re.MULTILINE)
    assert re.search(r"P3: First reply +0\.00% +0 +1 ", text)
    assert "rest: " not in text
    assert "urgent: " not in text

    assert written.report is not None
    page = unescape(written.report.read_text(encoding="utf-8"))
    assert missing[0] in page
    assert '<section id="clock-comparison"' in page
    assert "target 2d" not in page

    with reading(settings.home.warehouse) as connection:
        told = explain(connection, "7", settings)
    applied = [event for event in told.events if event.status == "SLA applied"]
    assert any("of calendar acme:EMEA, by policy" in event.flags[0] for event in applied)
    assert ("source verdict", datetime(2025, 7, 1, 13)) in {(event.status, event.at) for event in told.events}
