"""The comparison finds what is wrong, and says what it did not look at."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.compare import main
from conformance.documents import Clock, read_documents, write_results
from conformance.oracle import judge


@pytest.fixture(scope="module")
def clocks() -> list[Clock]:
    return [clock for document in read_documents() for clock in judge(document)]


def compared(folder: Path, clocks: list[Clock], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    write_results(clocks, folder / "results.csv", folder / "spans.csv")
    code = main(["--results", str(folder / "results.csv"), "--spans", str(folder / "spans.csv")])
    told = capsys.readouterr()
    return code, told.out + told.err


def test_the_right_answers_agree(tmp_path: Path, clocks: list[Clock], capsys: pytest.CaptureFixture[str]) -> None:
    code, told = compared(tmp_path, clocks, capsys)
    assert code == 0, told
    assert f"{len(clocks)} of {len(clocks)} clocks agree (100.00 %)" in told


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("elapsed_seconds", 7199), ("outcome", "breached"), ("due_at", None), ("stopped_at", None), ("paused_seconds", 1),
        ("target_seconds", 7201), ("reason", "cancelled"), ("seconds", None), ("cycle", 2), ("policy", "another"),
        ("seconds", {"running": 7200, "paused": 0, "closed_hours": 1, "holiday": 0, "policy_switch": 0}),
    ],
)
def test_one_wrong_value_is_found(
    column: str, value: object, tmp_path: Path, clocks: list[Clock], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [replace(clock, **{column: value}) if clock.case_id == "at_target" else clock for clock in clocks]
    code, told = compared(tmp_path, wrong, capsys)
    assert code == 1
    assert "exactly_at_target_is_met: Breached is strictly more than the target" in told
    assert f"{len(clocks) - 1} of" in told


def test_a_missing_and_an_invented_clock_are_found(
    tmp_path: Path, clocks: list[Clock], capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = compared(tmp_path, [clock for clock in clocks if clock.case_id != "at_target"], capsys)
    assert code == 1
    assert "at_target, all, first_touch, cycle 1: row: expected a clock, found none" in told
    invented = replace(clocks[0], case_id="other_brand")
    code, told = compared(tmp_path, [*clocks, invented], capsys)
    assert code == 1
    assert "row: expected none, found a clock" in told


def test_what_an_engine_does_not_tell_is_not_compared_and_said(
    tmp_path: Path, clocks: list[Clock], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case_id", "policy", "metric", "cycle", "outcome", "elapsed_seconds"])
        for clock in clocks:
            is_told = clock.stopped_at is not None
            elapsed = "" if clock.elapsed_seconds is None else clock.elapsed_seconds
            writer.writerow([*clock.key, clock.outcome, elapsed if is_told else "?"])
    assert main(["--results", str(path)]) == 0
    told = capsys.readouterr().out
    assert "not compared, since the engine does not tell: started_at, stopped_at, paused_seconds" in told
    assert "running_seconds" in told


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("case_id,policy,metric\n", "are the key"),
        ("case_id,policy,metric,cycle,due_at\nat_target,all,first_touch,1,yesterday\n", "is not an instant"),
        ("case_id,policy,metric,cycle\nat_target,all,first_touch,1\nat_target,all,first_touch,1\n", "stands there twice"),
        ("case_id,policy,metric,cycle\nnobody,all,first_touch,1\n", "no case of the suite is called 'nobody'"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(
    content: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.csv"
    path.write_text(content)
    assert main(["--results", str(path)]) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert told.count("\n") == 1
