"""report.html: what it says is what the marts hold, whatever the log is like."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from effort import takes_minutes

sys.path.insert(0, str(Path(__file__).parent))
from reporting_marts import (
    SETTINGS,
    Log,
    own_promises,
    some_checks,
    summary_of,
    write_account_marts,
    write_marts,
    write_own_marts,
)

from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.headline import headline
from opsla_dagster.reporting.report import write_report
from opsla_dagster.reporting.run_summary import CheckResult, OpenCases
from opsla_dagster.reporting.sections.common import move
from opsla_dagster.reporting.sections.flow import flow
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings

SECTIONS = ["promises", "breaks", "trend", "heat-map", "stages", "flow", "reopens", "scenarios", "open-clocks", "quality"]
SMALL = Log(cases=2_000, days=40)


def text_of(page: str) -> str:
    """What a reader sees of a page, spaces collapsed."""
    body = re.sub(r"<(style|title|desc)\b.*?</\1>", " ", page[max(page.find("<body>"), 0) :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def finding(page: str, section: str) -> str:
    found = re.search(rf'<h2 id="{section}-finding"[^>]*>(.*?)</h2>', page, re.DOTALL)
    assert found, f"no finding in {section}"
    return unescape(found[1])


def sections_of(page: str) -> list[str]:
    """The sections of a page, of which the navigation names exactly these."""
    shown = re.findall(r'<section id="([^"]+)" class="finding"', page)
    assert re.findall(r'<a href="#([^"]+)">', page) == [section for section in shown if section != "run"]
    return [section for section in shown if section != "run"]


def written(tmp_path: Path, log: Log, *, with_summary: bool = True) -> str:
    marts = write_marts(tmp_path / "marts.duckdb", log)
    target = write_report(marts, summary_of(marts) if with_summary else None, tmp_path / "out" / "report.html", SETTINGS)
    return target.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_marts(tmp_path_factory.mktemp("marts") / "marts.duckdb", Log(cases=8_000, days=120))


@pytest.fixture(scope="module")
def page(marts: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    target = write_report(marts, summary_of(marts), tmp_path_factory.mktemp("report") / "report.html", SETTINGS)
    return target.read_text(encoding="utf-8")


def test_figures_in_the_page_are_those_of_the_marts(marts: Path, page: str) -> None:
    text = text_of(page)
    with duckdb.connect(str(marts), read_only=True) as connection:
        totals = connection.execute(
            "select opened_cases, sla_cases, sla_b_breach_pct, sla_a_incl_wait_breach_pct, sla_a_paused_breach_pct, "
            "resolution_incl_wait_p95_business_minutes from mart.sla_overall"
        ).fetchone()
        cells = connection.execute(
            "select sla_a_incl_wait_breach_pct, sla_cases from mart.sla_by_tier_case_type"
        ).fetchall()
        stages = connection.execute("select p95_business_minutes from mart.driver_stage_durations").fetchall()
        promises = connection.execute(
            "select case metric when 'first_touch' then 'SLA B: first touch' when 'first_resolution' then "
            "'SLA A: first resolution, customer wait counted' else 'SLA A: first resolution, paused in customer wait' end, "
            "met_clocks, breached_clocks, open_breached_clocks, attainment_pct from mart.sla_overview where dimension = 'all'"
        ).fetchall()
        breached = connection.execute("select count(*) from mart.open_clocks where outcome = 'breached'").fetchone()
    assert totals is not None
    assert breached is not None
    assert f"{totals[0]:,} cases taken in;" in text
    assert f"{totals[1]:,} of {totals[0]:,} cases: those both touched and resolved" in text
    assert f"The other {totals[0] - totals[1]:,} cases are counted in the first table only" in text
    for breach_pct in totals[2:5]:
        assert f"{breach_pct:.2f}%" in text
    assert wording.time_taken(totals[5]) in text
    for name, met, breached_clocks, still_open, kept_pct in promises:
        late = breached_clocks + still_open
        assert f"{name} {kept_pct:.2f}% met by {met:,} of {met + late:,} clocks with a verdict {late:,} breached, {still_open:,} of them still open" in text
        assert f"{name} target" in text
        assert f"{kept_pct:.2f}% {met:,} {late:,} {still_open:,}" in text
    for breach_pct, cases in cells:
        assert f"{breach_pct:.1f}% {cases:,}" in text
    for (p95,) in stages:
        assert wording.time_taken(p95) in text
    assert f"Open clocks breached already {breached[0]:,} of" in text


def test_every_section_is_there_with_its_finding_and_its_mart(page: str) -> None:
    assert sections_of(page) == SECTIONS
    for section in SECTIONS:
        assert finding(page, section).endswith(".")
    for table in ("mart.sla_daily", "mart.driver_stage_durations", "mart.open_clocks", "mart.scenario_results"):
        assert f"<code>{table}</code>" in page


def test_page_needs_nothing_but_itself(page: str) -> None:
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#|data:,)', page)
    assert "url(" not in page
    assert "default-src 'none'" in page


def test_drawings_have_a_title_and_ids_are_unique(page: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 10
    for drawing in drawings:
        title, description = re.findall(r'aria-labelledby="(\S+) (\S+)"', drawing)[0]
        assert re.search(rf'<title id="{title}">[^<]+</title><desc id="{description}">[^<]+</desc>', drawing)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_same_marts_give_the_same_bytes(marts: Path, page: str, tmp_path: Path) -> None:
    again = write_report(marts, summary_of(marts), tmp_path / "again.html", SETTINGS)
    assert again.read_text(encoding="utf-8") == page


ANY_LOGS = {
    "one day": replace(SMALL, cases=150, days=1, start=date(2025, 7, 2)),
    "a dozen cases": replace(SMALL, cases=12),
    "no case": replace(SMALL, cases=0, days=1),
    "no SLA case": replace(SMALL, has_sla_cases=False),
    "no staffing": replace(SMALL, has_staffing=False),
    "no reopens": replace(SMALL, has_reopens=False),
    "no tiers": replace(SMALL, tiers=(None,), case_types=(None,)),
    "nothing open": replace(SMALL, has_open_cases=False),
    "many types": replace(SMALL, tiers=("T1", "gold", None), case_types=tuple(f"type {n}" for n in range(30))),
}


@pytest.mark.parametrize(
    ("log", "with_summary"),
    [
        # Without a summary a page has less to say, of whatever log: one of many cases and one of none show it.
        pytest.param(log, with_summary, id=f"{name}, {with_summary}", marks=[] if with_summary or name in ("no case", "many types") else [takes_minutes])
        for name, log in ANY_LOGS.items() for with_summary in (True, False)
    ],
)  # fmt: skip
def test_any_log_gives_a_whole_page(log: Log, with_summary: bool, tmp_path: Path) -> None:
    page = written(tmp_path, log, with_summary=with_summary)
    for section in sections_of(page):
        assert finding(page, section).endswith(".")
    assert not re.search(r"\b(None(?! of the)|nan|inf|undefined)\b", text_of(page))
    assert "NaN" not in page


@pytest.mark.parametrize(
    ("log", "missing"),
    [
        (replace(SMALL, cases=0, days=1), {"breaks", "trend", "heat-map", "stages", "reopens", "scenarios", "open-clocks"}),
        (replace(SMALL, has_sla_cases=False), {"trend", "heat-map", "stages", "reopens", "scenarios"}),
        (replace(SMALL, has_reopens=False), {"reopens", "scenarios"}),
        (replace(SMALL, has_open_cases=False), {"open-clocks"}),
        (replace(SMALL, tiers=(None,), case_types=(None,)), {"heat-map"}),
    ],
    ids=["no case", "no SLA case", "no reopens", "nothing open", "no tiers"],
)
def test_what_has_no_data_has_neither_a_section_nor_a_place_in_the_navigation(log: Log, missing: set[str], tmp_path: Path) -> None:
    page = written(tmp_path, log)
    assert sections_of(page) == [section for section in SECTIONS if section not in missing]
    assert ("Bottleneck" in page) is not bool(missing & {"stages"})
    assert ("Open clocks breached already" in page) is not bool(missing & {"open-clocks"})


def test_without_tiers_types_and_staffing_nobody_speaks_of_them(tmp_path: Path) -> None:
    bare = Log(
        cases=600, days=30, tiers=(None,), case_types=(None,), has_staffing=False, has_reopens=False, has_open_cases=False
    )
    page = written(tmp_path, bare, with_summary=False)
    assert sections_of(page) == ["promises", "breaks", "trend", "stages", "flow"]
    assert "had not ended for good at the end of 30 Jul 2025, the last intake date loaded" in finding(page, "flow")
    text = text_of(page)
    for word in ("staff", "Heads", "ongestion", "No tier", "no case type", "Checks"):
        assert word not in text


def test_log_without_judged_cases_has_no_empty_chart(tmp_path: Path) -> None:
    page = written(tmp_path, replace(SMALL, has_sla_cases=False))
    assert "those both touched and resolved" not in text_of(page)
    assert "breach-wide" not in page


def test_the_page_is_named_by_the_intake_dates_that_are_loaded_as_the_run_is(tmp_path: Path) -> None:
    """No case came in on the last four of them: title, run and backlog end on one date all the same."""
    marts = write_marts(tmp_path / "marts.duckdb", SMALL)
    with duckdb.connect(str(marts)) as connection:
        for day in range(40, 44):
            connection.execute("insert into ops.refreshed_partitions values ('simulation', date '2025-07-01' + cast(? as integer), 0, 0)", [day])
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    with duckdb.connect(str(marts)) as connection:
        last = connection.execute("select max(intake_date) from ops.refreshed_partitions").fetchone()
    assert last == (date(2025, 8, 13),)
    assert "<title>opsla: SLA report, intake 1 Jul 2025 to 13 Aug 2025</title>" in page
    assert "<h1>Service levels, intake 1 Jul 2025 to 13 Aug 2025</h1>" in page


def test_hours_saved_are_told_to_what_they_tell(tmp_path: Path) -> None:
    marts = write_marts(tmp_path / "marts.duckdb", SMALL)
    with duckdb.connect(str(marts)) as connection:
        connection.execute("update mart.scenario_results set hours_saved = 0.75, sla_a_incl_wait_breaches_avoided = 0")
        measured = headline(connection, SETTINGS)
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert "would have saved 0.75 business hours" in finding(page, "scenarios")
    assert [wording.hours_saved(hours, measured) for hours in (0.0, 0.75, 1.0, 1.04, 1.5, 9.96, 10.4, 421.0, 1_234.5)] == [
        f"{told} business {'hour' if told == '1' else 'hours'}" for told in ("0", "0.75", "1", "1", "1.5", "10", "10", "421", "1,235")
    ]


def test_a_few_cases_make_no_line(tmp_path: Path) -> None:
    page = written(tmp_path, replace(SMALL, cases=24))
    assert "heat-map" not in sections_of(page)  # nothing but grey cells
    trend = page[page.index('<section id="trend"') : page.index('<section id="stages"')]
    assert "<svg" not in trend
    assert "Too few days or cases for a line" in trend
    assert finding(page, "trend").startswith("Breached of ")


def test_sparse_days_neither_draw_nor_stretch_the_scale(tmp_path: Path) -> None:
    marts = write_marts(tmp_path / "marts.duckdb", Log(cases=8_000, days=120))
    with duckdb.connect(str(marts)) as connection:
        # From October on a case a day comes in, and each one breaches.
        connection.execute(
            "update mart.sla_daily set opened_cases = 1, sla_cases = 1, sla_b_breached_cases = 1, sla_b_breach_pct = 100 "
            "where intake_date >= date '2025-10-01'"
        )
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    trend = page[page.index('<section id="trend"') : page.index('<section id="heat-map"')]
    assert ">100%</text>" not in trend
    assert 'class="end' not in trend  # no line reaches the right edge


def test_the_source_s_own_verdicts_stand_beside_ours(tmp_path: Path) -> None:
    page = written(tmp_path, replace(SMALL, has_source_verdicts=True))
    assert finding(page, "sources") == (
        "servicenow calls 36.58% of 24,918 cases breached, opsla 30.80%; "
        "of 24,905 cases judged by both the two agree on 21,859 (87.8%)."
    )
    assert "148.5" in text_of(page)


def test_unsettled_days_are_tinted_and_left_out_of_the_comparison(tmp_path: Path) -> None:
    marts = write_marts(tmp_path / "marts.duckdb", Log(cases=8_000, days=120, has_open_cases=False))
    settled = write_report(marts, None, tmp_path / "settled.html", SETTINGS).read_text(encoding="utf-8")
    with duckdb.connect(str(marts)) as connection:
        # The last three days: one case in two is still open, and none of the slow ones is among those resolved.
        connection.execute(
            "update mart.sla_daily set sla_cases = sla_cases // 2, sla_a_incl_wait_breached_cases = 0, "
            "sla_a_incl_wait_breach_pct = 0 where intake_date >= (select max(intake_date) - 2 from mart.sla_daily)"
        )
    unsettled = write_report(marts, None, tmp_path / "unsettled.html", SETTINGS).read_text(encoding="utf-8")
    assert 'class="shade"' not in settled
    assert 'class="shade"' in unsettled
    assert "settled intake days" in finding(unsettled, "trend")
    assert "settled" not in finding(settled, "trend")


def test_findings_follow_the_data(tmp_path: Path) -> None:
    marts = write_marts(tmp_path / "marts.duckdb", Log(cases=8_000, days=120, has_open_cases=False))
    with duckdb.connect(str(marts)) as connection:
        connection.execute(
            "update mart.sla_daily set sla_b_breached_cases = case when intake_date < date '2025-08-15' then sla_cases // 4 "
            "else sla_cases // 10 end"
        )
        connection.execute("update mart.driver_stage_durations set p95_business_minutes = 60")
        connection.execute(
            "update mart.driver_stage_durations set p95_business_minutes = 6000 "
            "where tier = 'T1' and stage = 'triage_to_investigation'"
        )
        connection.execute("update mart.driver_reopen_impact set sla_a_incl_wait_breach_pct = if(is_reopened, 1, 9)")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert re.search(r"From the first 28 intake days to the last 28, breaches fell from 2\d\.\d% to 9\.\d% \(SLA B: first touch\)", finding(page, "trend"))
    assert finding(page, "stages").startswith(
        "Tier 1’s longest stage is triage → investigation: one case in twenty takes more than 100 h, or 10.0 business days (10 h) of open time"
    )
    assert "less often than the other cases of the same tiers and case types: 1.0% against 9.0%" in finding(page, "reopens")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (10.0, 12.0, "rose from 10.0% to 12.0%"),
        (12.0, 10.0, "fell from 12.0% to 10.0%"),
        (10.0, 10.2, "stayed at 10.2%"),
        (None, 10.0, "cannot be compared"),
    ],
)
def test_move_in_words(before: float | None, after: float, words: str) -> None:
    assert move(before, after) == words


def test_a_desk_with_promises_of_its_own_sees_them_and_nothing_else(tmp_path: Path) -> None:
    marts = write_own_marts(tmp_path / "marts.duckdb")
    page = write_report(marts, None, tmp_path / "report.html", own_promises()).read_text(encoding="utf-8")
    text = text_of(page)
    promises = text_of(page[page.index('<section id="promises"') : page.index('<section id="breaks"')])
    assert "First reply Priority 1, target 15m 75.00% 30 10 1 2 3" in promises
    assert "First reply rest, target 8h 95.00% 190 10 0 0 0" in promises
    assert "Resolution, waits paused rest, target 3d – 0 0 0 0 0" in promises
    assert "Next reply Gold (acme), targets of the source 100.00% 5 0 0 0 0" in promises
    assert finding(page, "promises") == "“First reply” of Priority 1 was met least often: in 75.0% of the 40 clocks with a verdict."
    assert "First reply 91.67% met by 220 of 240 clocks with a verdict, 2 policies together 20 breached, 1 of them still open; 3 unknown, 2 running" in text
    assert sections_of(page) == ["promises", "breaks", "flow"]
    for word in ("SLA A", "SLA B", "touch"):
        assert word not in text.replace("touched", "")


def test_promises_break_by_what_has_several_values_and_by_root_cause(tmp_path: Path) -> None:
    marts = write_own_marts(tmp_path / "marts.duckdb")
    page = write_report(marts, None, tmp_path / "report.html", own_promises()).read_text(encoding="utf-8")
    breaks = text_of(page[page.index('<section id="breaks"') : page.index('<section id="flow"')])
    assert finding(page, "breaks") == "“First reply” is breached most often for no queue: 8.7% of 208 clocks."
    assert "By the queue that had the case last First reply Billing 6.3% 32 no queue 8.7% 208" in breaks
    assert "By region" not in breaks
    # Of all 20 breaches of the promise, and adding up to them: 10 stopped without a stage that is known, 1 is still open.
    assert "customer wait 9 45% no stage known 10 50% still open, no cause yet 1 5%" in breaks
    with duckdb.connect(str(marts)) as connection:
        connection.execute("delete from mart.sla_overview where dimension <> 'all'")
    page = write_report(marts, None, tmp_path / "report.html", own_promises()).read_text(encoding="utf-8")
    assert "breaks" not in sections_of(page)


def test_the_owners_of_root_causes_add_up_to_the_breaches(tmp_path: Path) -> None:
    marts = write_own_marts(tmp_path / "marts.duckdb")
    with duckdb.connect(str(marts)) as connection:
        connection.execute(
            "insert into mart.sla_overview by name select 'log' as source, 'vip' as policy, 'first_reply' as metric, false as is_source_promise, "
            "'root_cause_owner' as dimension, 'agent.' || number as dimension_value, 0 as met_clocks, 1 as breached_clocks, 0 as open_breached_clocks, "
            "0 as running_clocks, 0 as unknown_clocks, 0 as incomplete_clocks, 0.0 as attainment_pct from range(7) as numbers(number)"
        )
    page = write_report(marts, None, tmp_path / "report.html", own_promises()).read_text(encoding="utf-8")
    breaks = page[page.index('<section id="breaks"') : page.index('<section id="flow"')]
    owners = text_of(breaks[breaks.index("Root cause: the owner") : breaks.index("</table>", breaks.index("Root cause: the owner"))])
    assert owners.endswith("agent.4 1 5% 2 others 2 10% nobody known 12 60% still open, no cause yet 1 5% ")
    assert sum(int(count) for count in re.findall(r" (\d+) \d+%", owners)) == 20, "all breaches of the promise"
    assert "root cause owner nobody known First reply 12 0 12 0" in text_of(breaks)


def test_the_two_figures_of_a_cell_are_two_words(tmp_path: Path) -> None:
    """Read aloud, or copied as text, a cell without a space says 6.3%32."""
    for page in (write_own_marts(tmp_path / "own.duckdb"), write_account_marts(tmp_path / "account.duckdb")):
        text = write_report(page, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
        assert re.search(r"\d%? <small>\d", text)
        assert not re.search(r"[^\s>]<small>", text)


def test_why_clocks_are_unknown_stands_where_their_number_does(page: str) -> None:
    """Below the tiles and below the list of promises."""
    text = text_of(page)
    assert len(re.findall(r"Why [\d,]+ clocks are unknown: [\d,]+ of cases that ended without what stops the clock\.", text)) == 2
    assert text.index("clocks are unknown: ") < text.index("those both touched and resolved")


def test_an_account_s_own_promises_are_its_only_ones(tmp_path: Path) -> None:
    marts = write_account_marts(tmp_path / "marts.duckdb")
    text = text_of(page := write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8"))
    for title in ("SLA A: first resolution", "SLA B: first touch", "24h"):
        assert title not in text
    assert "First reply 90.00% met by 90 of 100 clocks with a verdict 10 breached" in text
    assert "Time taken by the clocks that have stopped" in text
    assert re.search(r"Gold: First reply|First reply 100 42 min 3\.2 h 117 h", text)
    assert "3 promises of sla_policies.yml are in the tables only" in text
    assert finding(page, "breaks") == "“First reply” is breached most often for queue Sales: 25.0% of 40 clocks."
    assert "By product line First reply no product line 0.0% 40 Router 16.7% 60" in text
    assert "open-clocks" not in sections_of(page)
    assert finding(page, "sources") == (
        "acme calls 12.00% of 100 cases breached, opsla 11.50%; of 96 cases judged by both the two agree on 95 (99.0%)."
    )
    assert "acme gives one verdict on all its promises of a case, and so does opsla here: breached if any clock is, met if all are." in text


def test_a_source_s_verdicts_are_told_clock_by_clock_with_cases_to_look_at(tmp_path: Path) -> None:
    marts = write_account_marts(tmp_path / "marts.duckdb")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    section = text_of(page[page.index('<section id="clock-comparison"') : page.index('<section id="schedule-rules"')])
    assert finding(page, "clock-comparison") == (
        "Of 96 verdicts that can be compared, 80 (83.3%) agree, to the minute; 7 others cannot be compared."
    )
    assert "15 15.0% another time The same verdict, but the times are a minute or more apart" in section
    assert "Half of them are at most 2.2 h apart. opsla explain A-7 source 3:20:00, opsla 0:10:00 opsla explain A-2 source 0:10:00, opsla 0:12:00" in section
    assert "opsla explain '<b>9' source breached, opsla met" in section
    assert "opsla explain A-4 source met, opsla no clock" in section
    assert "3 100.0% nothing compared The source gives no verdict here and no time on the same calendar, so whether the two agree is unknown." in section
    assert "A-1" not in section
    with duckdb.connect(str(marts)) as connection:
        connection.execute("delete from mart.source_clock_comparison where comparison <> 'nothing_compared'")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert "agree is unknown" in finding(page, "clock-comparison")


def test_the_schedule_rule_that_a_source_follows_is_told(tmp_path: Path) -> None:
    marts = write_account_marts(tmp_path / "marts.duckdb")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert finding(page, "schedule-rules") == (
        "acme counts the whole clock by the last schedule before its end: that meets 41 of the 42 clocks during which the schedule changed."
    )
    with duckdb.connect(str(marts)) as connection:
        connection.execute("update mart.schedule_rule_agreement set is_applied_rule = not is_applied_rule")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert finding(page, "schedule-rules").endswith("`schedule_change: last` in sources.yml makes them go by this one.")
    with duckdb.connect(str(marts)) as connection:
        connection.execute("update mart.schedule_rule_agreement set agreeing_clocks = compared_clocks")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert finding(page, "schedule-rules").endswith("no rule meets more of them than another.")
    with duckdb.connect(str(marts)) as connection:
        connection.execute("update mart.schedule_rule_agreement set agreeing_clocks = case schedule_rule when 'last' then 3 else 0 end")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert finding(page, "schedule-rules").endswith("no rule meets half of them, so none is the one it follows.")


def test_promises_that_are_copies_are_told_once(tmp_path: Path) -> None:
    marts = write_marts(tmp_path / "marts.duckdb", replace(SMALL, has_open_cases=False))
    with duckdb.connect(str(marts)) as connection:
        for table in ("sla_overview", "promise_durations"):
            columns = "* replace ('first_resolution_paused' as metric)"
            connection.execute(f"delete from mart.{table} where metric = 'first_resolution_paused'")
            connection.execute(f"insert into mart.{table} select {columns} from mart.{table} where metric = 'first_resolution'")
    text = text_of(write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8"))
    assert (
        "“SLA A: first resolution, customer wait counted” also stands for “SLA A: first resolution, paused in customer wait”: no clock was "
        "paused, so their figures are the same." in text
    )
    assert text.count("paused in customer wait") == 1
    with duckdb.connect(str(marts)) as connection:
        connection.execute("update mart.promise_durations set elapsed_p95_business_minutes = 1 where metric = 'first_resolution_paused'")
    text = text_of(write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8"))
    assert "stands for" not in text
    assert text.count("paused in customer wait") > 1


def test_thousands_of_groups_stay_a_small_page(tmp_path: Path) -> None:
    marts = write_marts(tmp_path / "marts.duckdb", SMALL)
    with duckdb.connect(str(marts)) as connection:
        connection.execute(
            "insert into mart.sla_overview by name select 'simulation' as source, 'desk' as policy, 'first_touch' as metric, "
            "false as is_source_promise, 'queue' as dimension, 'queue ' || range as dimension_value, 5 as met_clocks, range % 9 as breached_clocks, "
            "0 as open_breached_clocks, 0 as running_clocks, 0 as unknown_clocks, 0 as incomplete_clocks from range(5000)"
        )
        columns = "each.* replace ('a kind of case with quite a long name, number ' || range as case_type)"
        connection.execute(f"insert into mart.sla_by_tier_case_type select {columns} from mart.sla_by_tier_case_type as each, range(1000)")
        connection.execute(f"insert into mart.driver_reopen_impact select {columns} from mart.driver_reopen_impact as each, range(1000)")
    page = write_report(marts, summary_of(marts), tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert len(page.encode()) < 700_000
    assert re.search(r"The 200 largest of 5,\d{3} rows; all are in mart\.sla_overview\.", text_of(page))
    assert "The 200 largest of 9,009 rows; all are in mart.sla_by_tier_case_type." in text_of(page)
    assert re.search(r"The 200 largest of \d+,\d{3} rows; all are in mart\.driver_reopen_impact\.", text_of(page))


def test_many_policies_are_drawn_by_metric(tmp_path: Path) -> None:
    metrics = {"first_reply": {"title": "First reply", "start": ["INTAKE"], "stop": ["PUBLIC_REPLY"]}}
    policies = [
        {"name": f"p{number}", "title": f"Customer {number}", "when": {"customer": str(number)}, "calendar": "desk", "targets": {"first_reply": "15m"}}
        for number in range(300)
    ]
    settings = replace(SETTINGS, sla_policies=SlaPoliciesSettings.model_validate({"metrics": metrics, "policies": policies}))
    marts = write_marts(tmp_path / "marts.duckdb", SMALL)
    with duckdb.connect(str(marts)) as connection:
        connection.execute("delete from mart.sla_overview")
        connection.execute(
            "insert into mart.sla_overview by name select 'log' as source, 'p' || range as policy, 'first_reply' as metric, false as is_source_promise, "
            "'all' as dimension, 'all' as dimension_value, 9 as met_clocks, 1 as breached_clocks, 0 as open_breached_clocks, 0 as running_clocks, "
            "0 as unknown_clocks, 0 as incomplete_clocks from range(300)"
        )
    page = write_report(marts, None, tmp_path / "report.html", settings).read_text(encoding="utf-8")
    section = text_of(page[page.index('<section id="promises"') : page.index('<section id="flow"')])
    assert "First reply 300 policies 90.00% 2,700 300" in section
    assert "The 200 of most clocks of 300 promises; all are in mart.sla_overview." in section


def test_what_could_not_be_had_and_what_was_read_are_told(marts: Path, tmp_path: Path) -> None:
    summary = summary_of(marts).model_copy(update={
        "left_out": ("acme: sla_policies: the account does not offer it, or its API user may not see it (403)",),
        "reading_notes": ("log: 10 records read, 9 used, 1 rejected (raw.rejected_rows)",),
    })
    page = write_report(marts, summary, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert finding(page, "reading").startswith("1 part of an account was not to be had")
    section = text_of(page[page.index('<section id="reading"') :])
    assert "Left out acme: sla_policies: the account does not offer it" in section
    assert "log: 10 records read, 9 used, 1 rejected" in section


def test_marts_of_another_version_are_a_clear_error(tmp_path: Path) -> None:
    marts = write_marts(tmp_path / "marts.duckdb", SMALL)
    with duckdb.connect(str(marts)) as connection:
        connection.execute("alter table mart.sla_overview drop column is_source_promise")
    with pytest.raises(OpslaError, match=r"marts\.duckdb: these marts are from another version of opsla; run `opsla run`"):
        write_report(marts, None, tmp_path / "report.html", SETTINGS)


def test_next_to_run_out_are_due_on_the_desk_s_clocks(tmp_path: Path) -> None:
    marts = write_marts(tmp_path / "marts.duckdb", SMALL)
    with duckdb.connect(str(marts)) as connection:
        connection.execute("update mart.open_clocks set due_at = timestamp '2025-08-14 02:30:00' where not is_paused")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    section = text_of(page[page.index('<section id="open-clocks"') :])
    assert "Due (America/New_York)" in section
    assert "Wed 13 Aug 22:30" in section


def test_names_from_the_source_are_text_not_markup(tmp_path: Path) -> None:
    page = written(tmp_path, replace(SMALL, case_types=("<script>alert(1)</script>", "a & b"), tiers=('"><img src=x>',)))
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_failed_checks_come_first_with_their_figures(marts: Path, tmp_path: Path) -> None:
    stopped = CheckResult(asset="raw.cases", check="gate_cases_per_day", passed=False, figures={"rate": 0.0, "error_below": 1})
    summary = summary_of(marts, (*some_checks(), stopped))
    page = write_report(marts, summary, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert finding(page, "quality") == (
        "2 of 29 checks failed (1 with severity ERROR): cases per day on raw.cases and drift daily volume on raw.events_log."
    )
    quality = text_of(page[page.index('<section id="quality"') :])
    assert quality.index("failed (ERROR)") < quality.index("failed (WARN)") < quality.index("Gates passed")
    assert "0 cases, error below 1 case" in quality
    assert "missing event ts (%) raw.events_log 59.4% 1.78% warns above 3%" in quality


def test_five_years_stay_under_two_megabytes(tmp_path: Path) -> None:
    page = written(tmp_path, Log(cases=20_000, days=1_800, start=date(2021, 1, 1)))
    assert len(page.encode()) < 2_000_000
    assert "trailing 28 days" in text_of(page)
    assert re.search(r"The last 400 of 1,\d{3} days; all are in mart\.sla_daily\.", text_of(page))


def test_percentiles_and_targets_come_from_the_run_where_the_marts_have_none(marts: Path, tmp_path: Path) -> None:
    summary = summary_of(marts)
    copy = tmp_path / "marts.duckdb"
    copy.write_bytes(marts.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute("drop table mart.sla_overall")
        connection.execute("delete from mart.open_clocks")
    assert summary.headline is not None
    p90 = wording.time_taken(summary.headline.slas[1].p90)
    alone = text_of(write_report(copy, None, tmp_path / "alone.html", SETTINGS).read_text(encoding="utf-8"))
    completed = text_of(write_report(copy, summary, tmp_path / "completed.html", SETTINGS).read_text(encoding="utf-8"))
    row = "SLA A: first resolution, customer wait counted [0-9,]+ [0-9.]+% [0-9.]+ (?:min|h) "
    assert re.search(row + re.escape(p90), completed)
    assert not re.search(row + re.escape(p90), alone)
    assert "target 24.0 h" in completed
    assert "target 24.0 h" not in alone


def test_ratings_and_bots_have_their_sections_where_the_source_tells_them(tmp_path: Path) -> None:
    marts = write_account_marts(tmp_path / "marts.duckdb")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert finding(page, "satisfaction") == (
        "Of 120 rated cases 75.0% were rated good and 16.7% bad; the least satisfied are those without a queue: 54.0% of 50 rated cases good."
    )
    ratings = text_of(page[page.index('<section id="satisfaction"') : page.index('<section id="bots"')])
    assert "Satisfied 75.0% Rated cases 120 Good 90 Neither 10 Bad 20 Mean rating, 1 to 5 4.10" in ratings
    assert "By queue Satisfied Billing 90.0% 70 no queue 54.0% 50 By priority Satisfied P1 11.1% 9 P2 80.2% 111" in ratings
    assert "By channel" not in ratings, "everything without a channel is no group"
    assert finding(page, "bots") == (
        "A bot took part in 200 of 300 cases and resolved 80; of those with one 85.0% are resolved, of those without 70.0%."
    )
    involved = text_of(page[page.index('<section id="bots"') : page.index('<section id="sources"')])
    assert "With a bot 200 55.0% 85.0% 40.0% Without a bot 100 90.0% 70.0% –" in involved.replace("—", "–")
    with duckdb.connect(str(marts)) as connection:
        connection.execute("update mart.satisfaction set rated_cases = 3, good_cases = 1, bad_cases = 2, rating_mean_number = null")
        connection.execute("update mart.bot_involvement set bot_resolved_cases = 0, cases = cases // 10")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert finding(page, "satisfaction") == "3 cases were rated, 1 of them good: too few to tell more than chance."
    assert finding(page, "bots") == "A bot took part in 20 of 30 cases."
    assert "Mean rating" not in page
    with duckdb.connect(str(marts)) as connection:
        connection.execute("delete from mart.satisfaction")
        connection.execute("delete from mart.bot_involvement")
    page = write_report(marts, None, tmp_path / "report.html", SETTINGS).read_text(encoding="utf-8")
    assert not {"satisfaction", "bots"} & set(sections_of(page))


def test_no_marts_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OpslaError, match=r"marts\.duckdb: no published marts yet; `opsla run`"):
        write_report(tmp_path / "marts.duckdb", None, tmp_path / "report.html", SETTINGS)
    (tmp_path / "text.duckdb").write_text("not a database", encoding="utf-8")
    with pytest.raises(OpslaError, match=r"text\.duckdb: expected published marts"):
        write_report(tmp_path / "text.duckdb", None, tmp_path / "report.html", SETTINGS)
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    with pytest.raises(OpslaError, match=r"empty\.duckdb: .*no table mart\.sla_daily"):
        write_report(tmp_path / "empty.duckdb", None, tmp_path / "report.html", SETTINGS)
    assert not (tmp_path / "report.html").exists()


def test_a_page_that_cannot_be_written_leaves_the_old_one(marts: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.mkdir()
    (target / "kept").write_text("old", encoding="utf-8")
    with pytest.raises(OpslaError, match=r"report\.html: cannot be written"):
        write_report(marts, None, target, SETTINGS)
    assert (target / "kept").read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_backlog_of_the_last_day_is_told_beside_what_was_open_then(marts: Path) -> None:
    """Two figures of one evening, 1,247 and 1,055, want to be told apart where they stand."""
    with duckdb.connect(str(marts), read_only=True) as connection:
        measured = headline(connection, SETTINGS)
        ((day, many),) = connection.execute("select calendar_date, open_backlog_cases from mart.backlog_daily_proxy order by 1 desc limit 1").fetchall()
        midnight = datetime.combine(day + timedelta(days=1), time()).replace(tzinfo=ZoneInfo(measured.zone)).astimezone(UTC).replace(tzinfo=None)

        def told(now_at: datetime) -> str:
            now = OpenCases(open_cases=many - 3, breached_open_cases=0, now_at=now_at, now_reason="end of the last intake date loaded")
            section = flow(connection, measured.model_copy(update={"open_cases": now}))
            assert section is not None
            return section.finding

        both = f" ({many - 3:,} were open, the other 3 resolved and reopened later), "
        assert both in told(midnight)
        assert both not in told(midnight + timedelta(hours=5)), "of another instant"
