"""Cases that failed: a stop before the opening record, a removed tag, a bot's reply, due dates of one's own, one row a ticket."""

from __future__ import annotations

from pathlib import Path

from case_home import CASES, config_of, made

CLOCKS = "staging.sla_clocks"
VERDICT = "elapsed_seconds, target_seconds, outcome"


def test_a_stop_before_the_opening_record(tmp_path: Path) -> None:
    home = made(CASES / "a_stop_before_the_opening_record" / "config", tmp_path / "home", CLOCKS)
    assert home.clocks("metric, elapsed_seconds, outcome, reason") == [("n-1", "first_resolution", None, "unknown", "stopped_before_start")]


def test_a_tag_that_was_removed(tmp_path: Path) -> None:
    home = made(CASES / "a_tag_that_was_removed" / "config", tmp_path / "home", CLOCKS)
    assert home.clocks(f"policy, {VERDICT}") == [("tag-1", "rest", 10_800, 28_800, "met"), ("tag-2", "rest", 10_800, 28_800, "met")]


def test_the_reply_of_a_bot(tmp_path: Path) -> None:
    home = made(CASES / "the_reply_of_a_bot" / "config", tmp_path / "home", CLOCKS)
    assert home.clocks(VERDICT) == [("b-1", 14_400, 3_600, "breached")]
    assert home.rows("select signal, author_kind, agent from raw.messages order by sent_ts") == [
        ("BOT_REPLY", "bot", "Answer Bot"), ("PUBLIC_REPLY", "person", "ann"),
    ]


def test_the_reply_of_a_bot_that_a_metric_counts(tmp_path: Path) -> None:
    metrics = {"first_reply": {"title": "First reply", "start": ["INTAKE"], "stop": ["PUBLIC_REPLY", "BOT_REPLY"]}}
    home = made(config_of("the_reply_of_a_bot", tmp_path, policies={"metrics": metrics}), tmp_path / "home", CLOCKS)
    assert home.clocks(VERDICT) == [("b-1", 60, 3_600, "met")]


def test_requests_with_their_own_due_dates(tmp_path: Path) -> None:
    home = made(CASES / "requests_with_their_own_due_dates" / "config", tmp_path / "home", CLOCKS, "mart.source_sla_comparison")
    assert home.clocks(f"policy, {VERDICT}, cast(due_at as varchar)") == [
        ("R-1", "requests:due", 100_200, 172_800, "met", "2025-07-09 12:10:00"),
        ("R-2", "requests:due", 261_000, 86_400, "breached", "2025-07-08 13:00:00"),
        ("R-3", "requests:due", None, 1_209_600, "running", "2025-07-21 14:00:00"),
        ("R-5", "requests:due", 21_600, 21_600, "met", "2025-07-07 22:00:00"),
    ]
    assert home.clocks("early_seconds", "case_id = 'R-2'") == [("R-2", -174_600)]
    assert home.rows("select cases, source_verdict_cases, our_verdict_cases, both_verdict_cases, agreeing_cases from mart.source_sla_comparison") == [
        (5, 4, 3, 3, 3),
    ]


def test_one_row_a_ticket(tmp_path: Path) -> None:
    home = made(CASES / "one_row_a_ticket" / "config", tmp_path / "home", CLOCKS)
    assert [row[1] / 60 for row in home.clocks("elapsed_seconds", "metric = 'first_reply'")] == [60, 420, 5]
    assert [row[1] / 3600 for row in home.clocks("elapsed_seconds", "metric = 'first_resolution'")] == [7, 17, 16]
    assert home.notes() == ["tickets: 3 records read, 3 used, 0 rejected"]
