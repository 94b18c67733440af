"""Alerts on their way: a real HTTP receiver that refuses and hangs, senders that are killed, a real Dagster daemon."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import ScheduleInstigatorData, TickStatus
from effort import takes_minutes

from opsla_dagster.automation.alert import Alert
from opsla_dagster.automation.delivery import deliver_alerts, send_waiting
from opsla_dagster.automation.ledger import Ledger
from opsla_dagster.settings.alerts import AlertSettings, Channel

REPOSITORY = Path(__file__).parents[2]
VARIABLE = "OPSLA_TEST_HOOK_URL"
SECRET = "pa55word"
SETTINGS = AlertSettings(channels=(Channel(name="hook", url_variable=VARIABLE),))


class Receiver:
    """A web hook. `answer` decides on each request: a status, or None to hang until the receiver closes."""

    def __init__(self) -> None:
        self.answer: Callable[[], int | None] = lambda: 200
        self.accepted: list[dict[str, str]] = []
        self.refused = 0
        self.hanging = 0
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"json://someone:{SECRET}@127.0.0.1:{self._server.server_port}/{SECRET}/hook"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = receiver.answer()
                if status is None:
                    receiver.hanging += 1
                    receiver._closing.wait()
                    return
                if status == 200:
                    receiver.accepted.append(message)
                else:
                    receiver.refused += 1
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def ids(self) -> Counter[str]:
        """How often each alert was accepted."""
        found = [re.search(r"Alert id: (\w+)", message["message"]) for message in self.accepted]
        return Counter(match.group(1) for match in found if match)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    receiver = Receiver()
    monkeypatch.setenv(VARIABLE, receiver.url)
    yield receiver
    receiver.close()


def wait_until(condition: Callable[[], object], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def alert(number: int) -> Alert:
    return Alert(
        alert_id=f"id{number}", title=f"title {number}", severity="ERROR", run_id="r1", job="j", asset="a/b", check="c",
        partitions="2025-07-01", as_of=None, occurred_at="2025-07-01T00:00:00+00:00", statement="said so",
        figures={"rows": number}, look_first="the log", check_url=None, run_url="http://127.0.0.1:3000/runs/r1",
    )  # fmt: skip


def record(home: Path, count: int) -> None:
    Ledger(home / "alerts").record("r1", [alert(number) for number in range(count)], ["hook"])


def let_pauses_pass(home: Path) -> None:
    with sqlite3.connect(home / "alerts" / "ledger.sqlite") as connection:
        connection.execute("update deliveries set due_at = 0")


# --- one process


def test_refused_twice_then_accepted_is_delivered_once(receiver: Receiver, tmp_path: Path) -> None:
    answers = iter([500, 500, 200])
    receiver.answer = lambda: next(answers)
    record(tmp_path, 1)

    outcomes = []
    for _ in range(4):
        outcomes.append(send_waiting(tmp_path, SETTINGS, 10))
        assert send_waiting(tmp_path, SETTINGS, 10).sent == 0, "sent before its pause was over"
        let_pauses_pass(tmp_path)

    assert [outcome.sent for outcome in outcomes] == [0, 0, 1, 0]
    assert "HTTP 500" in outcomes[1].problems[0]
    assert "attempt 2" in outcomes[1].problems[0]
    assert outcomes[1].waiting == ("1 waiting for channel hook: the receiver did not accept it (HTTP 500)",)
    (message,) = receiver.accepted
    assert message["title"] == "title 0"
    assert message["type"] == "failure"
    assert "Attempt 3" in message["message"]


def test_refused_alert_holds_up_no_other_and_a_dead_channel_no_other_channel(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSLA_TEST_DEAD_URL", "json://127.0.0.1:1/nobody")
    both = AlertSettings(channels=(*SETTINGS.channels, Channel(name="dead", url_variable="OPSLA_TEST_DEAD_URL")))
    Ledger(tmp_path / "alerts").record("r1", [alert(number) for number in range(4)], ["hook", "dead"])
    answers = iter([413, 200, 200, 200])
    receiver.answer = lambda: next(answers)

    outcome = send_waiting(tmp_path, both, 10)

    assert sorted(receiver.ids()) == ["id1", "id2", "id3"]
    assert [problem.split(": ")[-1] for problem in outcome.problems] == [
        "the receiver did not accept it (HTTP 413)",
        *["the receiver did not accept it (no connection)"] * 3,
    ]
    assert sorted(line.split(":")[0] for line in outcome.waiting) == [
        "1 waiting for channel hook", "4 waiting for channel dead",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "is not set"),
        (f"nonsense {SECRET}", "must hold exactly one Apprise URL"),
        (f"unknown://{SECRET}@host", "must hold exactly one Apprise URL"),
        (f"json://a/{SECRET}, json://b/{SECRET}", "must hold exactly one Apprise URL"),
        (f"json://{SECRET}:x@127.0.0.1:1/{SECRET}", "no connection"),
    ],
)
def test_no_secret_in_logs_or_errors(
    value: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if value is None:
        monkeypatch.delenv(VARIABLE, raising=False)
    else:
        monkeypatch.setenv(VARIABLE, value)
    record(tmp_path, 1)
    with caplog.at_level(logging.DEBUG):
        for name in ("apprise", "urllib3.connectionpool"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        outcome = send_waiting(tmp_path, SETTINGS, 10)
    assert said in outcome.problems[0]
    assert SECRET not in repr(outcome) + caplog.text
    assert SECRET.encode() not in (tmp_path / "alerts" / "ledger.sqlite").read_bytes()


def test_receiver_that_accepts_leaves_no_secret_in_debug_logs(
    receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record(tmp_path, 1)
    with caplog.at_level(logging.DEBUG):
        assert send_waiting(tmp_path, SETTINGS, 10).sent == 1
    assert SECRET not in caplog.text


def test_pass_begins_nothing_new_when_its_time_is_over(receiver: Receiver, tmp_path: Path) -> None:
    record(tmp_path, 3)
    assert send_waiting(tmp_path, SETTINGS, 0).sent == 0
    assert send_waiting(tmp_path, SETTINGS, 10).sent == 3


# --- several processes

_SENDER = """
import sys
from pathlib import Path
from opsla_dagster.automation.delivery import send_waiting
from opsla_dagster.settings.alerts import AlertSettings, Channel
settings = AlertSettings(channels=[Channel(name="hook", url_variable=sys.argv[2])])
print(send_waiting(Path(sys.argv[1]), settings, 20).sent)
"""


def sender(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _SENDER, str(home), VARIABLE]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_senders_at_the_same_time_send_each_alert_once(receiver: Receiver, tmp_path: Path) -> None:
    record(tmp_path, 20)
    senders = [sender(tmp_path) for _ in range(2)]
    assert sum(int(process.communicate(timeout=120)[0]) for process in senders) == 20
    assert receiver.ids() == Counter(f"id{number}" for number in range(20))


def test_alert_of_a_sender_killed_while_sending_is_sent_by_the_next(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answer = lambda: None
    record(tmp_path, 2)
    process = sender(tmp_path)
    wait_until(lambda: receiver.hanging)
    process.kill()
    process.communicate()

    receiver.answer = lambda: 200
    assert send_waiting(tmp_path, SETTINGS, 10).sent == 2
    assert receiver.ids() == Counter(["id0", "id1"])
    assert sum("Attempt 2" in message["message"] for message in receiver.accepted) == 1


# --- a real daemon

_LOCATION = f'''
from pathlib import Path
import dagster as dg
from opsla_dagster.automation.alerts import alert_sensors
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.alerts import AlertSettings, Channel

def warned(count):
    @dg.asset(
        name=f"warned_{{count}}",
        check_specs=[
            dg.AssetCheckSpec(f"check_{{number}}", asset=f"warned_{{count}}", description="Look at the gates first.")
            for number in range(count)
        ],
    )
    def _asset():
        yield dg.MaterializeResult()
        for number in range(count):
            yield dg.AssetCheckResult(
                check_name=f"check_{{number}}",
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={{"rows": 41}},
            )
    return _asset

@dg.asset
def broken():
    raise RuntimeError("the source is gone")

HOME = Path(__file__).parent
if (HOME / "typo").exists():
    raise OpslaError("calendars.yml: line 3, column 7: not valid YAML")

@dg.asset
def late():
    pass

@dg.schedule(cron_schedule="0 1 * * *", target=[late], default_status=dg.DefaultScheduleStatus.RUNNING)
def daily_refresh():
    raise OpslaError("/data/log.csv: no such file") from FileNotFoundError("gone")

@dg.sensor(target=[late], minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def launcher():
    # The code server has read the configuration before the typo; the run's process will not.
    return dg.RunRequest(run_key="once") if (HOME / "typo").exists() else dg.SkipReason("not yet")

@dg.sensor(target=[late], minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def reports():
    raise KeyError("mart")

settings = AlertSettings(channels=[Channel(name="hook", url_variable="{VARIABLE}")])
sensors = alert_sensors(settings, Path(__file__).parent, every_seconds=1)
warned_1, warned_2 = warned(1), warned(2)
defs = dg.Definitions(
    assets=[warned_1, warned_2, broken, late], sensors=[*sensors, launcher, reports], schedules=[daily_refresh]
)
'''


#: Dagster's daemon, whose sensors are looked at twice a second, not every five seconds.
_DAEMON = "from dagster._daemon import cli, sensor; sensor.MIN_INTERVAL_LOOP_TIME = 0.5; cli.main()"


@contextmanager
def daemon(home: Path) -> Iterator[None]:
    """A daemon of its own session, killed with everything it started."""
    with (home / "daemon.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _DAEMON, "run", "-f", str(home / "location.py")],
            env={**os.environ, "DAGSTER_HOME": str(home / "dagster"), "PYTHONPATH": str(REPOSITORY)},
            cwd=home,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def ticks(instance: dg.DagsterInstance, *statuses: TickStatus) -> dict[str, list[str]]:
    """Each sensor's ticks of these statuses: what each said."""
    return {
        state.instigator_name: [
            str(tick.error or tick.skip_reason)
            for tick in instance.get_ticks(
                state.instigator_origin_id, state.selector_id, statuses=list(statuses) or None
            )
        ]
        for state in instance.all_instigator_state()
    }


def let_a_day_pass(instance: dg.DagsterInstance) -> None:
    """For the schedule: as if it had been on for two days, and nobody there at 01:00."""
    (state,) = [each for each in instance.all_instigator_state() if each.instigator_name == "daily_refresh"]
    instance.update_instigator_state(state.with_data(ScheduleInstigatorData("0 1 * * *", time.time() - 2 * 86_400)))


@takes_minutes
def test_daemon_killed_and_restarted_delivers_each_failure_exactly_once(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (tmp_path / "location.py").write_text(_LOCATION)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    location: dict[str, object] = {"__file__": str(tmp_path / "location.py")}
    exec(_LOCATION, location)

    with dg.DagsterInstance.get() as instance:

        def run(name: str) -> str:
            return dg.materialize([location[name]], instance=instance, raise_on_error=False).run_id  # type: ignore[list-item]

        with daemon(tmp_path):
            wait_until(lambda: len([name for name in ticks(instance, TickStatus.SKIPPED) if name.startswith("alerts")]) == 4)
            # A sensor that fails every second is told once.
            wait_until(lambda: len(receiver.accepted) == 1)
            assert receiver.accepted.pop()["title"] == "opsla ERROR: reports: unexpected KeyError: 'mart'"
            # In-process, as `opsla run` does it: the daemon belongs to another process and has never seen the job.
            warned = run("warned_1")
            wait_until(lambda: len(receiver.accepted) == 1)
            receiver.answer = lambda: 500
            failed = run("broken")
            wait_until(lambda: receiver.refused >= 1)
            # By the sensor of failed runs, or by the one that finds what no other has seen: whichever ticked first.
            wait_until(lambda: "HTTP 500" in str(ticks(instance, TickStatus.FAILURE)))
            receiver.answer = lambda: None
            twice = run("warned_2")
            wait_until(lambda: receiver.hanging)

        # Killed in the middle of a send. Meanwhile 01:00 goes by, a run is cancelled, and the receiver comes back.
        let_a_day_pass(instance)
        cancelled = instance.create_run_for_job(
            dg.Definitions(assets=[location["broken"]]).resolve_implicit_global_asset_job_def()  # type: ignore[list-item]
        )
        instance.report_run_canceled(cancelled)
        receiver.answer = lambda: 200
        let_pauses_pass(tmp_path)

        with daemon(tmp_path):
            wait_until(lambda: len(receiver.ids()) == 5)
            (tmp_path / "typo").touch()
            wait_until(lambda: len(receiver.ids()) == 6)
            # The command line that ran them asks for the same alerts again, and everything ticks a few times more.
            for run_id in (warned, failed, twice, cancelled.run_id):
                assert deliver_alerts(instance, [run_id], tmp_path, SETTINGS).sent == 0
            time.sleep(3)

        said = [text for texts in ticks(instance).values() for text in texts]

    assert set(receiver.ids().values()) == {1}
    titles = sorted(message["title"] for message in receiver.accepted)
    assert titles == [
        "opsla ERROR: refresh: /data/log.csv: no such file",
        "opsla ERROR: run: broken: unexpected RuntimeError: the source is gone",
        "opsla ERROR: run: calendars.yml: line 3, column 7: not valid YAML",
        "opsla ERROR: run: the run was cancelled",
        "opsla WARN: warned_1: check_0 failed (rows 41)",
        "opsla WARN: warned_2: check_0 failed (rows 41)",
    ]
    first = receiver.accepted[0]["message"]
    assert "rows: 41" in first
    assert "Look at the gates first." in first
    assert f"/runs/{warned}" in first
    both = next(message["message"] for message in receiver.accepted if "warned_2" in message["title"])
    assert "  warned_2, check_1: check_1 failed (rows 41)" in both
    # Nothing of how Dagster names things.
    assert not re.search(r"__\w+|STEP_|Execution of|Steps failed|dagster\._core|OpslaError", "".join(m["message"] for m in receiver.accepted))
    assert SECRET not in "".join(said) + (tmp_path / "daemon.log").read_text()
