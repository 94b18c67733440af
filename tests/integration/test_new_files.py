"""Log files as external assets, and the sensor that refreshes from a new one as soon as it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from small_desk import desk_settings, july, load_states, log_of, with_sources

from opsla_dagster.assets.log_files import log_file_key, log_file_specs, observations
from opsla_dagster.automation.new_files import build_file_sensor
from opsla_dagster.build import build_definitions
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import build_desk

HEAD = "number,state,at\n"
FIRST = HEAD + "A1,New,2025-07-01 14:00:00\nA1,Done,2025-07-01 16:00:00\n"
LATER = "A2,New,2025-07-02 14:00:00\n"
LOADED_AT = datetime(2025, 7, 4, 5)


class Watched:
    """A desk whose log is watched, and its sensor as the daemon ticks it: cursor and run keys are kept, the process is not."""

    def __init__(self, directory: Path, instance: dg.DagsterInstance) -> None:
        self.log, self.instance = directory / "exports" / "log.csv", instance
        self.log.parent.mkdir()
        self.log.write_text(FIRST, encoding="utf-8")
        settings = desk_settings(directory, cases=100, gates=False)
        source = log_of(directory / "exports" / "*.csv", refresh_on_new_files=True)
        self.settings: Settings = with_sources(settings, source)
        self.cursor: str | None = None
        load_states(self.settings, [july(1, 3)], LOADED_AT)
        self.restart()

    def restart(self) -> None:
        (self._sensor,) = build_file_sensor(self.settings)

    def tick(self) -> str | dg.RunRequest:
        found = self._sensor.evaluate_tick(dg.build_sensor_context(self.instance, cursor=self.cursor))
        self.cursor = found.cursor
        return found.run_requests[0] if found.run_requests else str(found.skip_message)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    # The desk's present is the summer of its log: nothing else is due.
    monkeypatch.setattr("opsla_dagster.automation.new_files.datetime", Clock)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Watched(tmp_path, instance)


class Clock(datetime):
    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime(2025, 7, 4, 12, tzinfo=UTC)


def test_a_new_version_is_asked_for_once_when_it_is_complete(watched: Watched) -> None:
    watched.tick()
    assert watched.tick() == "files of desk_log are complete, and change nothing that is not refreshed already"
    assert watched.tick() == "no file is new or changed"

    watched.log.write_text(FIRST + LATER, encoding="utf-8")
    being_written = watched.tick()
    watched.log.write_text(FIRST + LATER + "A2,Done,2025-07-02 15:00:00\n", encoding="utf-8")
    assert being_written == watched.tick() == "files of desk_log are new or changed; they are complete when they are the same at the next look"
    watched.restart()  # the daemon, or the code server, was restarted
    request = watched.tick()
    assert isinstance(request, dg.RunRequest)
    assert request.tags["dagster/asset_partition_range_start"] == request.tags["dagster/asset_partition_range_end"] == "2025-07-02"
    assert request.tags["opsla/as_of"] == "2025-07-04T12:00:00+00:00"
    assert watched.tick() == "no file is new or changed", "whether or not the run went well: the same version is not asked for again"


def test_a_daemon_that_died_before_it_remembered_asks_with_the_same_key(watched: Watched) -> None:
    watched.log.write_text(FIRST + LATER, encoding="utf-8")
    watched.tick()
    before = watched.cursor
    first = watched.tick()
    watched.cursor = before
    again = watched.tick()
    assert isinstance(first, dg.RunRequest)
    assert isinstance(again, dg.RunRequest)
    assert first.run_key == again.run_key, "Dagster starts no second run of one key"


def test_a_new_file_beside_the_others_counts_and_an_old_one_again_does_too(watched: Watched) -> None:
    watched.log.with_name("log_2.csv").write_text(HEAD + LATER, encoding="utf-8")
    watched.tick()
    first = watched.tick()
    assert isinstance(first, dg.RunRequest)
    os.utime(watched.log.with_name("log_2.csv"), (0, 0))
    watched.tick()
    # Written again with the same rows: looked at, and nothing to do once its dates are made of them.
    load_states(watched.settings, [july(1, 3)], LOADED_AT)
    assert watched.tick() == "files of desk_log are complete, and change nothing that is not refreshed already"


def test_nothing_piles_up_while_a_run_goes_on(watched: Watched) -> None:
    job = dg.Definitions(assets=[dg.asset(name="one")(lambda: None)]).resolve_implicit_global_asset_job_def()
    run = watched.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    watched.log.write_text(FIRST + LATER, encoding="utf-8")
    watched.tick()
    for _ in range(2):
        assert str(watched.tick()).startswith(f"files of desk_log are complete; waiting for run {run.run_id[:8]}")
    watched.instance.report_run_canceled(run)
    assert isinstance(watched.tick(), dg.RunRequest)


def test_a_log_that_is_away_or_cannot_be_used_is_said(watched: Watched) -> None:
    watched.log.rename(watched.log.with_suffix(".away"))
    assert "no file matches" in str(watched.tick())
    watched.log.write_text("number,at\n", encoding="utf-8")
    watched.tick()
    read = []
    for _ in range(2):
        with pytest.raises(OpslaError, match="column 'state' is missing") as told:
            watched.tick()
        read.append(told.value)
    assert read[0] is read[1], "read once, told at every look"


def test_it_is_off_by_default_and_is_no_part_of_the_mapping(watched: Watched) -> None:
    source = watched.settings.sources.sources[0]
    off = source.model_copy(update={"refresh_on_new_files": False})
    desk = watched.settings.sources.desk
    assert build_file_sensor(replace(watched.settings, sources=watched.settings.sources.model_copy(update={"sources": (off,)}))) == []
    assert source.mapping_fingerprint(desk) == off.mapping_fingerprint(desk)


def test_files_are_external_assets_above_the_raw_tables_and_their_reading_is_observed(watched: Watched) -> None:
    pattern = watched.settings.sources.sources[0].files[0]
    (spec,) = log_file_specs(watched.settings)
    graph = build_definitions(watched.settings).resolve_asset_graph()
    assert not graph.get(spec.key).is_executable
    children = {key.to_user_string() for key in graph.get(spec.key).child_keys}
    assert {"raw/source_partitions", "raw/cases", "raw/events_log", "raw/rejected_rows"} <= children

    (observation,) = observations(build_desk(watched.settings).files_read())
    assert observation.asset_key == spec.key == log_file_key("desk_log", pattern)
    figures = {name: value.value for name, value in observation.metadata.items()}
    assert (figures["files"], figures["records"], figures["size_bytes"]) == (1, 2, len(FIRST))
    assert figures["names"] == [str(watched.log)]
    assert figures["modified_at"] == pytest.approx(watched.log.stat().st_mtime)
