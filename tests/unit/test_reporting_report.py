"""report.html: what it says is what the marts hold, whatever the log is like."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reporting_marts import SETTINGS, Log, own_promises, some_checks, summary_of, write_marts, write_own_marts

from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting.report import write_report
from opsla_dagster.reporting.run_summary import CheckResult
from opsla_dagster.reporting.sections.common import move

SECTIONS = [
    "headline", "promises", "breaks", "trend", "heat-map", "stages", "flow", "reopens", "scenarios", "open-clocks", "quality", "sources",
]
SMALL = Log(cases=2_000, days=40)


def text_of(page: str) -> str:
    """What a reader sees of a page, spaces collapsed."""
    body = re.sub(r"<(style|title|desc)\b.*?</\1>", " ", page[max(page.find("<body>"), 0) :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def finding(page: str, section: str) -> str:
    found = re.search(rf'<h2 id="{section}-finding"[^>]*>(.*?)</h2>', page, re.DOTALL)
    assert found, f"no finding in {section}"
    return unescape(found[1])


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
    assert f"Cases taken in {totals[0]:,} {totals[1]:,} both touched and resolved" in text
    for breach_pct in totals[2:5]:
        assert f"{breach_pct:.2f}%" in text
    assert f"{totals[5]:,.0f}" in text
    for name, met, breached_clocks, still_open, kept_pct in promises:
        broken = breached_clocks + still_open
        share = f"{100 * broken / (met + broken):.2f}%"
        assert f"Every clock with a verdict: {broken:,} of {met + broken:,} broken ({share}), {still_open:,} of them open" in text
        assert f"{name} target" in text
        assert f"{kept_pct:.2f}% {met:,} {breached_clocks:,} {still_open:,}" in text
    for breach_pct, cases in cells:
        assert f"{breach_pct:.1f}% {cases:,}" in text
    for (p95,) in stages:
        assert f"{p95:,.0f}" in text
    assert f"Running clocks past target {breached[0]:,} of" in text


def test_every_section_is_there_with_its_finding_and_its_mart(page: str) -> None:
    for section in SECTIONS:
        assert f'<section id="{section}"' in page
    for section in SECTIONS[1:]:
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


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(replace(SMALL, cases=150, days=1, start=date(2025, 7, 2)), id="one day"),
        pytest.param(replace(SMALL, cases=12), id="a dozen cases"),
        pytest.param(replace(SMALL, cases=0, days=1), id="no case"),
        pytest.param(replace(SMALL, has_sla_cases=False), id="no SLA case"),
        pytest.param(replace(SMALL, has_staffing=False), id="no staffing"),
        pytest.param(replace(SMALL, has_reopens=False), id="no reopens"),
        pytest.param(replace(SMALL, tiers=(None,), case_types=(None,)), id="no tiers"),
        pytest.param(replace(SMALL, has_open_cases=False), id="nothing open"),
        pytest.param(
            replace(SMALL, tiers=("T1", "gold", None), case_types=tuple(f"type {n}" for n in range(30))), id="many types"
        ),
    ],
)
@pytest.mark.parametrize("with_summary", [True, False], ids=["summary", "no summary"])
def test_any_log_gives_a_whole_page(log: Log, with_summary: bool, tmp_path: Path) -> None:
    page = written(tmp_path, log, with_summary=with_summary)
    for section in SECTIONS[1:]:
        assert finding(page, section).endswith(".")
    assert not re.search(r"\b(None(?! of the)|nan|inf|undefined)\b", text_of(page))
    assert "NaN" not in page


def test_what_is_missing_is_said_in_a_sentence(tmp_path: Path) -> None:
    bare = Log(
        cases=600, days=30, tiers=(None,), case_types=(None,), has_staffing=False, has_reopens=False, has_open_cases=False
    )
    page = written(tmp_path, bare, with_summary=False)
    assert finding(page, "heat-map").startswith("All judged cases share one tier and case type")
    assert finding(page, "reopens").endswith("judged cases was reopened.")
    assert finding(page, "open-clocks") == "No clock was running as of 2026-11-20 23:59 UTC."
    assert "open at the end of 30 Jul 2025, the last day loaded" in finding(page, "flow")
    assert "The source knows no staffing" in text_of(page)
    assert "published marts alone" in finding(page, "quality")
    assert "no SLA verdicts" in finding(page, "sources")
    assert "No tier" not in text_of(page[page.index('id="stages"') : page.index('id="flow"')])


def test_log_without_judged_cases_has_no_empty_chart(tmp_path: Path) -> None:
    page = written(tmp_path, replace(SMALL, has_sla_cases=False))
    trend = page[page.index('<section id="trend"') : page.index('<section id="heat-map"')]
    assert "<svg" not in trend
    assert "cannot be judged" in finding(page, "trend")


def test_a_few_cases_make_no_line(tmp_path: Path) -> None:
    page = written(tmp_path, replace(SMALL, cases=24))
    trend = page[page.index('<section id="trend"') : page.index('<section id="heat-map"')]
    assert "<svg" not in trend
    assert "Too few days or cases for a line" in trend
    assert finding(page, "trend").startswith("Of ")


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
    assert re.search(r"first 28 intake days against the last 28: breaches fell from 2\d\.\d% to 9\.\d% \(SLA B: first touch\)", finding(page, "trend"))
    assert finding(page, "stages").startswith(
        "Tier 1’s longest stage is triage → investigation: one case in twenty takes more than 6,000 business minutes (100.0 h)"
    )
    assert "less often than the others, in 1.0% of cases against 9.0%" in finding(page, "reopens")


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
    assert "First reply Priority 1, target 15m 75.00% 30 9 1 2 3" in promises
    assert "First reply rest, target 8h 95.00% 190 10 0 0 0" in promises
    assert "Resolution, waits paused rest, target 3d – 0 0 0 0 0" in promises
    assert "next reply acme:Gold, targets of the source 100.00% 5 0 0 0 0" in promises
    assert finding(page, "promises") == "“First reply” of Priority 1 was kept least often: in 75.0% of the 40 clocks with a verdict."
    assert "Promise kept least 75.00%" in text
    for section in ("trend", "heat-map", "stages", "reopens", "scenarios"):
        assert finding(page, section) == (
            "This needs targets for the metrics first_touch, first_resolution and first_resolution_paused (sla_policies.yml), "
            "which this desk does not promise."
        )
    assert "SLA A" not in text
    assert "SLA B" not in text


def test_promises_break_by_what_has_several_values_and_by_root_cause(tmp_path: Path) -> None:
    marts = write_own_marts(tmp_path / "marts.duckdb")
    page = write_report(marts, None, tmp_path / "report.html", own_promises()).read_text(encoding="utf-8")
    breaks = text_of(page[page.index('<section id="breaks"') : page.index('<section id="trend"')])
    assert finding(page, "breaks") == "“First reply” breaks most for no queue: 8.7% of 208 clocks."
    assert "By queue First reply Billing 6.2% 32 no queue 8.7% 208" in breaks
    assert "By region" not in breaks
    assert "customer wait 9 100%" in breaks
    with duckdb.connect(str(marts)) as connection:
        connection.execute("delete from mart.sla_overview where dimension <> 'all'")
    page = write_report(marts, None, tmp_path / "report.html", own_promises()).read_text(encoding="utf-8")
    assert finding(page, "breaks") == "No clock has broken, and there are no groups of cases to set side by side."


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
    p90 = summary.headline.slas[1].p90
    alone = text_of(write_report(copy, None, tmp_path / "alone.html", SETTINGS).read_text(encoding="utf-8"))
    completed = text_of(write_report(copy, summary, tmp_path / "completed.html", SETTINGS).read_text(encoding="utf-8"))
    assert f"p90 {p90:,.0f} p95" in completed
    assert f"p90 {p90:,.0f} p95" not in alone
    assert "target 1,440" in completed
    assert "target 1,440" not in alone


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
