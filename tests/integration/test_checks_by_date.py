"""Each date shows what its checks found last, and a run leaves one row a check, of however many dates it was."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from checks_toy import PARTITIONS, cases, feed
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.test_utils import in_process_test_workspace
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_graphql.test.utils import execute_dagster_graphql
from storage_toy import QUIET, days

from opsla_dagster.instance.check_rows import dates_of, dates_text
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.retention import Forgetful
from opsla_dagster.window import DATES_TAG

CHECK = """query($check: String!, $date: String!) {
  assetNodeOrError(assetKey: {path: ["cases"]}) { ... on AssetNode { assetCheckOrError(checkName: $check) { ... on AssetCheck {
    partitionStatuses { ... on AssetCheckTimePartitionStatuses { ranges { startKey endKey status } } }
    executionForLatestMaterialization { status runId partition evaluation { description partition } } } } } }
  assetCheckExecutions(assetKey: {path: ["cases"]}, checkName: $check, partition: $date, limit: 9) { status partition }
}"""


class Desk:
    """An instance, what the UI is told of its checks, and runs of it."""

    def __init__(self, instance: dg.DagsterInstance, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.instance, self._context, self._monkeypatch = instance, context, monkeypatch

    def run(self, first: int, last: int | None = None, *, bad: bool = False, dead: bool = False) -> None:
        start, end = (f"2026-01-{day:02}" for day in (first, last or first))
        self._monkeypatch.setenv("TOY_BAD", start if bad else "")
        self._monkeypatch.setenv("TOY_DEAD", start if dead else "")
        dates: dict[str, Any] = {"partition_key": start} if last is None else {"tags": days(start, end)}
        result = dg.materialize([feed, cases], instance=self.instance, run_config=QUIET, raise_on_error=False, **dates)
        assert result.success is not (bad or dead)

    def ask(self, check: str = "holds", day: int = 1) -> Any:
        return execute_dagster_graphql(self._context(), CHECK, variables={"check": check, "date": f"2026-01-{day:02}"}).data

    def check(self, check: str = "holds") -> Any:
        return self.ask(check)["assetNodeOrError"]["assetCheckOrError"]

    def by_status(self, check: str = "holds") -> dict[str, str]:
        ranges = self.check(check)["partitionStatuses"]["ranges"]
        return {f"{each['startKey'][-2:]}-{each['endKey'][-2:]}": each["status"] for each in ranges}

    def looks(self, day: int) -> list[tuple[str, str]]:
        """What was found about one date, the latest first."""
        return [(each["status"], each["partition"].replace("2026-01-", "")) for each in self.ask(day=day)["assetCheckExecutions"]]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    here = Path(__file__).parent
    origin = LoadableTargetOrigin(python_file=str(here / "checks_toy.py"), working_directory=str(here))
    with open_instance(tmp_path) as instance, in_process_test_workspace(instance, origin) as context:
        yield Desk(instance, lambda: context, monkeypatch)


def rows(tmp_path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(tmp_path / "dagster" / "history" / "runs" / "index.db") as connection:
        return connection.execute("select execution_status, partition from asset_check_executions where check_name = 'holds' order by id").fetchall()


def test_a_failed_check_shows_for_its_dates_until_they_are_made_again(desk: Desk, tmp_path: Path) -> None:
    desk.run(1, 6)
    assert desk.by_status() == {"01-06": "SUCCEEDED"}
    assert desk.by_status("drifts") == {"01-06": "FAILED"}

    desk.run(5)  # the table's latest good date is another one than that which fails
    desk.run(2, bad=True)
    shown = desk.check()["executionForLatestMaterialization"]
    assert (shown["status"], shown["partition"]) == ("FAILED", "2026-01-02")
    assert shown["evaluation"] == {"description": "3 found, none may be.", "partition": "2026-01-02"}

    desk.run(6)
    assert desk.by_status() == {"01-01": "SUCCEEDED", "02-02": "FAILED", "03-06": "SUCCEEDED"}

    desk.run(3, 4, bad=True)  # a range: one row
    assert desk.by_status() == {"01-01": "SUCCEEDED", "02-04": "FAILED", "05-06": "SUCCEEDED"}
    assert desk.check()["executionForLatestMaterialization"]["partition"] == "2026-01-03...2026-01-04"
    assert desk.looks(3) == [("FAILED", "03...04"), ("SUCCEEDED", "01...06")]
    assert desk.looks(2) == [("FAILED", "02"), ("SUCCEEDED", "01...06")]

    desk.run(2, 4)
    assert desk.by_status() == {"01-06": "SUCCEEDED"}
    assert rows(tmp_path) == [
        ("SUCCEEDED", "2026-01-01...2026-01-06"), ("SUCCEEDED", "2026-01-05"), ("FAILED", "2026-01-02"), ("SUCCEEDED", "2026-01-06"),
        ("FAILED", "2026-01-03...2026-01-04"), ("SUCCEEDED", "2026-01-02...2026-01-04"),
    ]  # fmt: skip


def test_a_date_in_the_gap_of_a_later_run_keeps_its_verdict(desk: Desk) -> None:
    """The UI asks for the latest look alone, which was not at this date."""
    desk.run(1, 6)
    key = dg.AssetCheckKey(dg.AssetKey("cases"), "holds")
    for _ in range(3):
        run = dg.DagsterRun("a_job", tags={DATES_TAG: "2026-01-01..2026-01-02 2026-01-05..2026-01-06"}, status=dg.DagsterRunStatus.SUCCESS)
        desk.instance.add_run(run)
        evaluation = dg.AssetCheckEvaluation(key.asset_key, key.name, passed=False, metadata={}, partition="2026-01-01...2026-01-02, 2026-01-05...2026-01-06")
        desk.instance.report_dagster_event(DagsterEvent(DagsterEventType.ASSET_CHECK_EVALUATION.value, "a_job", event_specific_data=evaluation), run.run_id)

    def latest(day: int, limit: int) -> list[str]:
        date = PartitionKeyFilter(key=f"2026-01-{day:02}")
        return [record.status.value for record in desk.instance.event_log_storage.get_asset_check_execution_history(key, limit, partition_filter=date)]

    assert latest(3, 1) == ["SUCCEEDED"]
    assert latest(5, 1) == ["FAILED"]
    assert latest(5, 9) == ["FAILED"] * 3 + ["SUCCEEDED"]


def test_a_check_that_was_never_reached_is_told_for_its_dates_in_one_row(desk: Desk, tmp_path: Path) -> None:
    desk.run(1, 6)
    desk.run(4, 5, dead=True)

    assert desk.by_status() == {"01-03": "SUCCEEDED", "04-05": "EXECUTION_FAILED", "06-06": "SUCCEEDED"}
    assert rows(tmp_path) == [("SUCCEEDED", "2026-01-01...2026-01-06"), ("PLANNED", "2026-01-04...2026-01-05")]


def test_a_check_that_was_never_reached_stays_failed_when_its_run_is_forgotten(desk: Desk) -> None:
    desk.run(1, 6)
    desk.run(4, 5, dead=True)
    (failed,) = desk.instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    desk.instance.run_storage.delete_run(failed.run_id)
    assert desk.by_status() == {"01-03": "SUCCEEDED", "04-05": "EXECUTION_FAILED", "06-06": "SUCCEEDED"}


def test_retention_gives_no_verdict_to_rows_that_were_told_of_without_one(desk: Desk) -> None:
    """Old verdicts become one row, which is later than those rows."""
    desk.run(1, 6)
    desk.instance.report_runless_asset_event(dg.AssetMaterialization("cases", partition="2026-01-03"))
    desk.run(5, 6)
    before = desk.by_status()
    assert before == {"01-02": "SUCCEEDED", "04-06": "SUCCEEDED"}
    storage = desk.instance.event_log_storage
    assert isinstance(storage, Forgetful)
    storage.forget_replaced(datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1))
    assert desk.by_status() == before


def test_rows_made_without_their_checks_have_no_verdict(desk: Desk) -> None:
    desk.run(1, 6)
    desk.instance.report_runless_asset_event(dg.AssetMaterialization("cases", partition="2026-01-03"))

    assert desk.by_status() == {"01-02": "SUCCEEDED", "04-06": "SUCCEEDED"}


def test_dates_are_written_as_the_fewest_ranges_and_read_back() -> None:
    keys = ["2026-02-28", "2026-03-01", "2026-03-03", "2026-03-02", "2026-03-05", "2026-03-07", "2026-03-08"]
    text = dates_text(keys)
    assert text == "2026-02-28...2026-03-03, 2026-03-05, 2026-03-07...2026-03-08"
    assert list(dates_of(text)) == sorted(keys)
    assert dates_text([]) is None
    assert list(dates_of("2026-01-01")) == ["2026-01-01"]
    assert len(list(dates_of(dates_text(PARTITIONS.get_partition_keys()) or ""))) == 40
