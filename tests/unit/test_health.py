"""`opsla health`, and who may read a home."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._daemon.types import DaemonHeartbeat

from opsla_dagster.assets.scope import REFRESH_TAG
from opsla_dagster.automation.freshness import last_night
from opsla_dagster.automation.ledger import FOLDER, Ledger
from opsla_dagster.automation.unattended import note_command, note_nothing_to_refresh
from opsla_dagster.catalog import PUBLISHED
from opsla_dagster.errors import OpslaError
from opsla_dagster.health import CHECKS, check_health
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.instance.lease import PROCESS_TAG, process_tags
from opsla_dagster.instance.permissions import keep_private
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.warehouse.schema_version import SCHEMA_VERSION, VERSION_TABLE

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    keep_private(home)
    return load_settings(Path(__file__).parents[2] / "config", home)


def verdict(settings: Settings, name: str, webserver: str = NOWHERE) -> tuple[bool, str]:
    (finding,) = check_health(settings, webserver, [name])
    return finding.is_healthy, finding.text


@contextmanager
def answering(body: str) -> Iterator[str]:
    """The address of a server that answers everything with `body`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Not told."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_home_that_was_never_used_fails_by_name(settings: Settings) -> None:
    findings = {finding.check: finding for finding in check_health(settings, NOWHERE, [])}
    assert list(findings) == [name for name in CHECKS if name != "drops"], "of drop folders where there is one"
    assert {name for name, finding in findings.items() if finding.is_healthy is False} == {"webserver", "last_refresh", "freshness"}
    assert "never seen; start `opsla daemon`" in verdict(settings, "daemon")[1]
    assert "`opsla run`" in findings["last_refresh"].text


def test_services_that_a_home_never_had_are_no_failure_unless_they_are_named(settings: Settings) -> None:
    """A desk that cron refreshes has no webserver and no daemon; one that once had them and has them no more is told."""

    def judged() -> dict[str, bool | None]:
        return {finding.check: finding.is_healthy for finding in check_health(settings, None, []) if finding.check in ("webserver", "daemon")}

    assert judged() == {"webserver": None, "daemon": None}
    assert [verdict(settings, name)[0] for name in ("webserver", "daemon")] == [False, False]
    settings.home.remember_ui_url(NOWHERE)
    with open_instance(settings.home.root) as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(datetime(2025, 7, 1, tzinfo=UTC).timestamp(), "SCHEDULER", "one", []))
    assert judged() == {"webserver": False, "daemon": False}


def webserver_of(home: Path) -> str:
    """What Dagster's webserver says of itself (both documents in one), of the instance of this home."""
    info = f"local_artifact_storage:\n  config:\n    base_dir: {home / 'dagster'}\n"
    return json.dumps({"dagster_webserver_version": "1.2.3", "data": {"instance": {"info": info}}})


def test_the_webserver_answers_as_dagsters(settings: Settings) -> None:
    with answering(webserver_of(settings.home.root)) as address:
        assert verdict(settings, "webserver", address) == (True, f"{address} answers (Dagster 1.2.3)")
    with answering("<html>another program</html>") as address:
        assert not verdict(settings, "webserver", address)[0]


def test_the_webserver_of_another_home_is_not_this_ones(settings: Settings, tmp_path: Path) -> None:
    with answering(webserver_of(tmp_path / "other")) as address:
        healthy, text = verdict(settings, "webserver", address)
    assert (healthy, text) == (False, f"{address} answers, for another home than {settings.home.root}; --webserver names the address of this one's UI")


def test_the_ui_is_where_this_home_s_listened_last(settings: Settings) -> None:
    with answering(webserver_of(settings.home.root)) as address:
        settings.home.remember_ui_url(address)
        (finding,) = check_health(settings, None, ["webserver"])
    assert finding.is_healthy, finding.text


def test_a_daemon_that_reports_in_time_is_healthy(settings: Settings) -> None:
    with open_instance(settings.home.root) as instance:
        daemons = instance.get_required_daemon_types()
        for name in daemons:
            instance.add_daemon_heartbeat(DaemonHeartbeat(datetime.now(UTC).timestamp(), name, "one", []))
    assert verdict(settings, "daemon") == (True, f"{len(daemons)} daemons report in time")


@pytest.mark.parametrize(("status", "is_healthy"), [(dg.DagsterRunStatus.SUCCESS, True), (dg.DagsterRunStatus.FAILURE, False), (dg.DagsterRunStatus.STARTED, True)])
def test_the_last_refresh_counts_and_not_another_run(settings: Settings, status: dg.DagsterRunStatus, is_healthy: bool) -> None:
    with open_instance(settings.home.root) as instance:
        instance.add_run(dg.DagsterRun("job", tags={REFRESH_TAG: "a"}, status=status))
        instance.add_run(dg.DagsterRun("job", status=dg.DagsterRunStatus.FAILURE))
    found, text = verdict(settings, "last_refresh")
    assert (found, status.value in text) == (is_healthy, True)


def test_a_refresh_whose_process_is_gone_has_not_started(settings: Settings) -> None:
    with open_instance(settings.home.root) as instance:
        alive = process_tags(instance)
        instance.add_run(dg.DagsterRun("job", tags={REFRESH_TAG: "a", **alive}, status=dg.DagsterRunStatus.STARTED))
        assert verdict(settings, "last_refresh")[0]
        (settings.home.root / "dagster" / "processes" / "killed.lock").touch()
        run = dg.DagsterRun("job", tags={REFRESH_TAG: "b", PROCESS_TAG: "killed"}, status=dg.DagsterRunStatus.STARTED)
        instance.add_run(run)
    found, text = verdict(settings, "last_refresh")
    assert not found
    assert text.startswith(f"run {run.run_id}, of ")
    assert text.endswith(", was killed: its process is gone; `opsla refresh` makes what is missing")


def test_a_refresh_that_ended_before_its_run_is_the_last_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSLA_HOME", str(settings.home.root))

    def refreshed() -> None:
        with open_instance(settings.home.root) as instance:
            instance.add_run(dg.DagsterRun("job", tags={REFRESH_TAG: "a"}, status=dg.DagsterRunStatus.SUCCESS))

    refreshed()
    note_command("opsla run --start 2025-07-01", "run", "no such date")
    assert verdict(settings, "last_refresh")[0], "what was run by hand is no refresh"
    note_command("opsla refresh --wait", "refresh", "log.csv: the file is gone")
    found, text = verdict(settings, "last_refresh")
    assert (found, text.partition(": ")[2]) == (False, "`opsla refresh --wait` ended outside a run: log.csv: the file is gone")
    refreshed()
    assert verdict(settings, "last_refresh")[0]


def test_a_refresh_that_had_nothing_to_make_takes_that_back(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSLA_HOME", str(settings.home.root))
    with open_instance(settings.home.root) as instance:
        instance.add_run(dg.DagsterRun("job", tags={REFRESH_TAG: "a"}, status=dg.DagsterRunStatus.SUCCESS))
    note_command("opsla refresh", "refresh", "somebody works on the warehouse")
    assert not verdict(settings, "last_refresh")[0]
    with open_instance(settings.home.root) as instance:
        note_nothing_to_refresh(instance)
        told = len(instance.fetch_observations(dg.AssetKey(PUBLISHED), limit=9).records)
        note_nothing_to_refresh(instance)
        assert len(instance.fetch_observations(dg.AssetKey(PUBLISHED), limit=9).records) == told, "once is enough"
    assert verdict(settings, "last_refresh")[0]


def test_hourly_loads_do_not_hide_the_last_refresh(settings: Settings) -> None:
    with open_instance(settings.home.root) as instance:
        instance.add_run(dg.DagsterRun("refresh", tags={REFRESH_TAG: "a"}, status=dg.DagsterRunStatus.FAILURE))
        for _ in range(120):  # five accounts, a day
            instance.add_run(dg.DagsterRun("load_account", status=dg.DagsterRunStatus.SUCCESS))
    found, text = verdict(settings, "last_refresh")
    assert not found
    assert " is FAILURE, of " in text


def test_an_old_date_made_again_is_not_fresh(settings: Settings) -> None:
    """The same answer as the check of the published marts (test_freshness.py)."""
    now = datetime.now(UTC)
    Ledger(settings.home.root / FOLDER).watching_since((now - timedelta(days=9)).timestamp())
    due = last_night(now, settings.sources.desk.timezone).due

    def publish(day: date, as_of_at: datetime) -> tuple[bool, str]:
        with duckdb.connect(str(settings.home.marts_database)) as connection:
            connection.execute(f"create schema if not exists ops; create or replace table {VERSION_TABLE} as select {SCHEMA_VERSION} as schema_version, 'x' as opsla_version")
            connection.execute("create table if not exists ops.refreshed_partitions (intake_date date, as_of_at timestamp)")
            connection.execute("insert into ops.refreshed_partitions values (?, ?)", [day, as_of_at.replace(tzinfo=None)])
        return verdict(settings, "freshness")

    old = due - timedelta(days=300)
    assert publish(old, now) == (False, f"The newest complete intake date is {old}; {due} was due.")
    assert publish(due, now) == (True, f"The newest complete intake date is {due}; {due} was due.")


def test_a_home_open_to_everybody_is_told(settings: Settings) -> None:
    assert verdict(settings, "permissions")[0]
    settings.home.root.chmod(0o750)
    assert verdict(settings, "permissions")[0], "its owner let a group in"
    settings.home.root.chmod(0o755)
    found, text = verdict(settings, "permissions")
    assert not found
    assert f"chmod -R o= {settings.home.root}" in text


def test_a_disk_that_is_running_full_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict(settings, "disk")[0]
    monkeypatch.setattr("opsla_dagster.health._SPARE_BYTES", 1e18)
    assert not verdict(settings, "disk")[0]


def test_what_cannot_be_checked_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(OpslaError, match="no such check: warp; there are webserver, daemon"):
        check_health(settings, NOWHERE, ["warp"])
    nowhere = replace(settings, home=type(settings.home)(tmp_path / "none"))
    with pytest.raises(OpslaError, match="there is no such home"):
        check_health(nowhere, NOWHERE, [])
    assert not (tmp_path / "none").exists()


def made_modes(home: Path) -> tuple[int, int, int]:
    (home / "file").touch()
    (home / "directory").mkdir()
    return tuple((home / name).stat().st_mode & 0o777 for name in (".", "file", "directory"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("mode", "is_used", "modes"),
    [
        (None, False, (0o700, 0o600, 0o700)),  # not there yet
        (0o755, False, (0o700, 0o600, 0o700)),  # made by hand, and empty
        (0o750, True, (0o750, 0o640, 0o750)),  # opened by its owner for a group
        (0o755, True, (0o755, 0o644, 0o755)),
        (0o700, True, (0o700, 0o600, 0o700)),
    ],
)
def test_new_files_have_the_permissions_of_the_home(tmp_path: Path, mode: int | None, is_used: bool, modes: tuple[int, int, int]) -> None:
    home = tmp_path / "above" / "home"
    if mode is not None:
        home.mkdir(parents=True)
        home.chmod(mode)
    if is_used:
        (home / "marts.duckdb").touch()
    keep_private(home)
    assert made_modes(home) == modes
