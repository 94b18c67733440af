"""Stories of one Zendesk account, from its API pages to the clocks, the report and `explain`: every figure worked out by hand.

The account is loaded twice, under either rule of counting a schedule that changes: `acme` by the last one, `exact` by the one in force.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from html import unescape
from pathlib import Path

import duckdb
import pytest
from accounts import KEY, zendesk_settings
from fake_zendesk import EMAIL, TOKEN, FakeZendesk
from rich.console import Console
from stories import tell_stories

from opsla_dagster.instance.instance import open_instance
from opsla_dagster.reporting.explain import explain
from opsla_dagster.reporting.explain_text import render
from opsla_dagster.reporting.record import write_reports
from opsla_dagster.running import load_accounts, run_windows
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Answers, begin

AS_OF = datetime(2025, 7, 8, 12)
#: Case -> metric, cycle, seconds, outcome (why it is unknown), how the account's own verdict compares. Nothing else has a clock.
BY_THE_LAST_SCHEDULE = {
    # Saturday 10:00 to 13:00, all of it on the schedule that is always open.
    "101": [("first_reply", 1, 10_800, "breached", "agrees")],
    # Monday 9:00 to 9:30.
    "102": [("first_reply", 1, 1_800, "met", "agrees")],
    # The question after the policy went, or gave way to one without that metric, is owed nothing: the four hours until 16:00 are no clock.
    "103": [("next_reply", 1, 1_800, "met", "agrees")],
    "104": [("next_reply", 1, 1_800, "met", "agrees"), ("requester_wait", 1, None, "breached", "nothing_compared")],
    # Solved, or merged, without a reply: that fulfils it, in time or late.
    "105": [("first_reply", 1, 2_400, "met", "agrees")],
    "106": [("first_reply", 1, 7_200, "breached", "agrees")],
    "107": [("first_reply", 1, 3_600, "met", "agrees")],
    # An agent opened it: from the customer's answer on. 109 was never answered, and nothing was promised of it.
    "108": [("first_reply", 1, 1_800, "met", "agrees"), ("next_reply", 1, 2_700, "met", "agrees")],
    "110": [("first_reply", 1, None, "unknown (cancelled)", "nothing_compared")],
    # 13:20 to 15:00; the reply that solves begins no further update.
    "111": [("periodic_update", 1, 6_000, "met", "agrees")],
    # 13:00 to 13:40 and 13:40 to 14:30, each with its group's promise; the group that got it back has none.
    "112": [("group_ownership", 1, 2_400, "breached", "agrees"), ("group_ownership", 2, 3_000, "met", "agrees")],
}
#: Closed until 10:10, then 2 h 50 min; ten minutes of always, then half an hour of Monday.
IN_FORCE = {
    **BY_THE_LAST_SCHEDULE,
    "101": [("first_reply", 1, 10_200, "breached", "time_differs")],
    "102": [("first_reply", 1, 2_400, "met", "time_differs")],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, str]]:
    """Settings of the desk that `opsla init` writes for the account, with everything made, and the text of its report."""
    variables = {"ZD_EMAIL": EMAIL, "ZD_TOKEN": TOKEN, "OPSLA_KEY": KEY}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        fake = FakeZendesk()
        fake.page_size = 100
        tell_stories(fake)
        desk = tmp_path_factory.mktemp("stories") / "desk"
        with fake.running():
            yield _made(fake, desk)


def _made(fake: FakeZendesk, desk: Path) -> tuple[Settings, str]:
    said = Answers(
        files=[], zendesk="acme", intercom=False, directory=desk, name=None, timezone=None, start_date=None, time_format=None, columns=[], statuses=[],
        email_variable="ZD_EMAIL", token_variable="ZD_TOKEN", key_variable="OPSLA_KEY", base_url=fake.address,
    )
    begin(said, Asking(Console(file=io.StringIO()), is_allowed=False))
    written = load_settings(desk, desk / ".opsla")
    exact = zendesk_settings(fake.address, "exact", schedule_change="in_force", case_id_prefix="x")
    sources = (zendesk_settings(fake.address), exact)
    settings = replace(written, sources=SourcesSettings(
        desk=written.sources.desk.model_copy(update={"start_date": datetime(2025, 7, 1).date()}), sources=sources,
    ))
    with open_instance(settings.home.root) as instance:
        assert list(load_accounts(settings, instance, lambda _account, _step: None)) == [("acme", ""), ("exact", "")]
        window = build_desk(settings).window()
        finished = run_windows(settings, instance, [window], AS_OF, lambda _table, _rows: None, is_refresh=False)
        assert finished.succeeded, finished.error
        report = write_reports(instance, finished.run_ids, settings, command="opsla run").report
    assert report is not None
    plain = re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", " ", report.read_text(encoding="utf-8"), flags=re.DOTALL)
    return settings, " ".join(unescape(plain).split())


def rows(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.home.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(("source", "prefix", "expected"), [("acme", "", BY_THE_LAST_SCHEDULE), ("exact", "x", IN_FORCE)])
def test_every_clock_of_every_story(source: str, prefix: str, expected: dict[str, list[tuple[object, ...]]], made: tuple[Settings, str]) -> None:
    found: dict[str, list[tuple[object, ...]]] = {}
    for case_id, *clock in rows(made[0], f"""
        select
            clocks.case_id, clocks.metric, clocks.cycle, clocks.elapsed_seconds,
            case
                when clocks.outcome = 'unknown' then 'unknown (' || clocks.reason || ')'
                when clocks.outcome = 'running' and clocks.due_at <= timestamp '{AS_OF}' then 'breached'
                else clocks.outcome
            end,
            compared.comparison
        from staging.sla_clocks as clocks
        left join staging.source_clock_comparison as compared using (case_id, metric, cycle)
        where clocks.source = '{source}'
        order by clocks.case_id, clocks.metric, clocks.cycle
    """):
        found.setdefault(str(case_id), []).append(tuple(clock))
    assert found == {prefix + case_id: clocks for case_id, clocks in expected.items()}


def test_what_is_said_to_agree_was_compared(made: tuple[Settings, str]) -> None:
    """A verdict on both sides, or the same hours counted by both."""
    assert rows(made[0], """
        select count(*) from staging.source_clock_comparison
        where comparison in ('agrees', 'whole_minutes')
            and (source_is_breached is null or outcome not in ('met', 'breached')) and difference_seconds is null
    """) == [(0,)]
    assert rows(made[0], """
        select source, comparison, sum(verdicts) from mart.source_clock_comparison group by all order by all
    """) == [("acme", "agrees", 12), ("acme", "nothing_compared", 2), ("exact", "agrees", 10), ("exact", "nothing_compared", 2), ("exact", "time_differs", 2)]


def test_which_rule_fits_the_account_is_told_whatever_the_desk_goes_by(made: tuple[Settings, str]) -> None:
    assert rows(made[0], """
        select source, schedule_rule, is_applied_rule, compared_clocks, agreeing_clocks from mart.schedule_rule_agreement order by all
    """) == [("acme", "in_force", False, 2, 0), ("acme", "last", True, 2, 2), ("exact", "in_force", True, 2, 0), ("exact", "last", False, 2, 2)]
    assert "counts the whole clock by the last schedule before its end: that meets 2 of the 2 clocks during which the schedule changed." in made[1]
    assert "`schedule_change: last` in sources.yml makes them go by this one." in made[1]


def test_the_report_counts_each_promise_once(made: tuple[Settings, str]) -> None:
    """Of either account: 101 and 106 broken; 102, 105, 107 and 108 kept; the deleted 110 unknown."""
    text = made[1]
    assert "Of 24 verdicts that can be compared, 22 (91.7%) agree, to the minute; 4 others cannot be compared." in text
    assert "opsla explain x101 source 3:00:00, opsla 2:50:00" in text
    assert text.count("66.67% 4 2 0 1") == 2


EXPLAINED = {
    "101": [
        "2 h late (due Sat 5 Jul 2025 11:00 EDT)", "3:00:00 counted: agrees",
        "the schedule changed: all of it counts by the last schedule; by the schedule in force at each instant it would be 2:50:00",
    ],
    "x101": [
        "1 h 50 min of business time late (due Sat 5 Jul 2025 11:10 EDT)", "3:00:00 counted: another time",
        "the schedule changed: each second counts by the schedule in force at the time; by the last schedule alone it would be 3:00:00",
    ],
    "x102": ["met, 20 min of business time early", "by the last schedule alone it would be 0:30:00"],
    "103": ["SLA withdrawn", "Next reply: no longer promised"],
    "104": ["the source says neither a verdict nor a time: nothing compared"],
    "106": ["stopped Mon 7 Jul 2025 11:00 EDT", "breached, 1 h late", "breached since Mon 7 Jul 2025 10:00 EDT, 2:00:00 counted: agrees"],
    "107": ["merged into case 101", "goes on in case 101", "met, 1 h early"],
    "108": ["started Mon 7 Jul 2025 11:00 EDT", "met, 30 min early"],
    "112": [
        "Group ownership", "by policy Tech", "team Billing to Tech", "started Mon 7 Jul 2025 09:40 EDT",
        "breached, 10 min late", "met, 10 min early", "Group ownership: no longer promised",
    ],
    "110": ["unknown: the case was cancelled before the clock was stopped"],
}  # fmt: skip


@pytest.mark.parametrize("case_id", EXPLAINED)
def test_a_story_is_explained(case_id: str, made: tuple[Settings, str]) -> None:
    text = _explained(made[0], case_id)
    assert [words for words in EXPLAINED[case_id] if words not in text] == []


def test_what_comes_at_one_instant_is_told_in_the_order_of_the_source(made: tuple[Settings, str]) -> None:
    """The reply comes before the solving it was sent with, and intake before all."""
    with duckdb.connect(str(made[0].home.warehouse), read_only=True) as connection:
        told = [event.status for event in explain(connection, "111", made[0]).events]
    assert told == ["INTAKE", "CUSTOMER_MESSAGE", "PUBLIC_REPLY", "INVESTIGATION", "SLA applied", "PUBLIC_REPLY", "RESOLVED"]


def _explained(settings: Settings, case_id: str) -> str:
    output = io.StringIO()
    with duckdb.connect(str(settings.home.warehouse), read_only=True) as connection:
        render(explain(connection, case_id, settings), Console(file=output, width=240))
    return " ".join(output.getvalue().split())
