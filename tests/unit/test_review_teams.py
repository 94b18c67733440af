"""Review teams (ownership.yml): what is refused, what is proposed where none is named, and what a name that nobody knows is answered with."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.checks.invariants import check_invariant
from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting.sections.ownership import hint_of, unknown_of
from opsla_dagster.settings import load_settings
from opsla_dagster.settings.ownership import OwnershipSettings, read_ownership, review_teams
from opsla_dagster.shipped import CONFIG
from opsla_dagster.warehouse.write import ensure_table, replace_whole


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("review_teams: [QA, QA]", "review_teams.1: is named twice; keep one; found 'QA'"),
        ("review_teams: [UNASSIGNED]", "review_teams.0: is nobody, no team: what comes back from nobody is no return; found 'UNASSIGNED'"),
        ("review_teams: QA", "review_teams: expected a list; found 'QA'"),
        ("review_team: [QA]", "review_team: no such setting; did you mean review_teams?"),
    ],
)
def test_what_is_no_team_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "ownership.yml"
    path.write_text(f"{text}\n", encoding="utf-8")
    with pytest.raises(OpslaError) as refused:
        read_ownership(path)
    assert str(refused.value) == f"{path}: {problem}"


def test_no_team_is_one_of_review_unless_it_is_named(tmp_path: Path) -> None:
    assert read_ownership(tmp_path / "missing.yml").review_teams == ()


def test_a_scenario_without_the_detours_to_a_review_team_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "config"
    shutil.copytree(CONFIG, directory)
    scenarios = directory / "scenarios.yml"
    scenarios.write_text(
        f"{scenarios.read_text(encoding='utf-8')}  no_review:\n    description: No detours to review\n    route_right_first: {{to_team: Quality Review}}\n", encoding="utf-8"
    )
    with pytest.raises(OpslaError, match=r"scenarios\.no_review\.route_right_first\.to_team: 'Quality Review' is a review team \(ownership\.yml: review_teams\)"):
        load_settings(directory, home=tmp_path / "home")


def test_a_name_that_no_case_went_to_is_a_warning() -> None:
    with duckdb.connect() as connection:
        for schema in ("staging", "mart"):
            connection.execute(f"create schema {schema}")
        ensure_table(connection, TABLES["mart.bounce_pairs"])
        connection.execute("insert into mart.bounce_pairs by name select * from (values ('Desk', 'Quality Review'), ('Quality Review', 'Desk')) as told (from_team, to_team)")
        for teams, told in ((("quality reveiw", "Desk"), ["quality reveiw", "Desk, Quality Review"]), (("Quality Review",), []), ((), [])):
            replace_whole(connection, TABLES["staging.review_teams"], review_teams(OwnershipSettings(review_teams=teams)))
            outcome = check_invariant(connection, "mart.bounce_pairs", "warn_no_case_went_to_a_review_team", None, datetime(2025, 7, 7))
            assert (outcome.passed, outcome.severity.value, outcome.figures) == (not told, "WARN", {"offending_rows": len(told) // 2})
            assert all(name in outcome.sample for name in told)


def test_the_page_says_which_team_was_probably_meant() -> None:
    pairs = [("Desk", "Quality Review", 5, 5), ("Quality Review", "Desk", 5, 0)]
    assert unknown_of(pairs, ["Quality Review", "Desk"]) == ""
    assert unknown_of(pairs, ["Quality Reveiw", "Legal"]) == (
        "ownership.yml names the review team Quality Reveiw, to which no case ever went: did you mean Quality Review? "
        "ownership.yml names the review team Legal, to which no case ever went."
    )


def test_a_team_from_which_nearly_all_comes_back_is_proposed() -> None:
    pairs = [("A", "QA", 20, 20), ("B", "QA", 20, 17), ("QA", "A", 20, 0), ("A", "First line", 100, 89), ("A", "Few", 29, 29)]
    assert hint_of(pairs) == (
        "92.5% of the 40 hand-offs to QA came straight back. If cases go there to come back (a review, an approval), add QA to the review_teams of ownership.yml "
        "(review_teams: [QA] where none are named yet). What comes back from there is then planned, and no ping-pong."
    )
    assert hint_of([("A", "QA", 40, 0)]) == ""
