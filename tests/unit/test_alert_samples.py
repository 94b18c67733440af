"""The samples in docs/alerts.md are what the code sends. Run as a program it writes them anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorTick, InstigatorType, TickData, TickStatus
from dagster_shared.error import SerializableErrorInfo
from test_freshness import publish
from test_gates_of_few_rows import judged

from opsla_dagster.automation.alert import Alert
from opsla_dagster.automation.delivery import FileChannel
from opsla_dagster.automation.failures import Graph, alerts_of_run
from opsla_dagster.automation.freshness import record_missed_night
from opsla_dagster.automation.ledger import Ledger, Waiting
from opsla_dagster.automation.missed import alert_of_command, alert_of_tick
from opsla_dagster.automation.receiving import alert_of_refusal
from opsla_dagster.build import build_definitions
from opsla_dagster.settings import load_settings
from opsla_dagster.settings.quality_gates import Bounds
from opsla_dagster.sources.drops.receipts import Refusal

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "alerts.md"
UI = "https://dagster.example.com"
#: What differs from run to run.
_MASKS = [
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "0b9c6c1e-5f1d-4c39-8d0e-3d1f2f3a4b5c"),
    (r"(When: ).*", r"\g<1>2025-07-11T05:00:41+00:00"),
    (r'("occurred_at": )"[^"]*"', r'\1"2025-07-11T05:00:41+00:00"'),
    (r"(Alert id: ).*", r"\g<1>3f6d85a3491fd0d2433e"),
    (r'("alert_id": )"[^"]*"', r'\1"3f6d85a3491fd0d2433e"'),
]


def gate() -> Alert:
    """A gate that stops a refresh, and a warning on a table that is made from the same rows."""
    stopping = judged(26_800, 6_459, Bounds(warn_above=3, error_above=20))
    key = dg.AssetKey(["raw", "events_log"])

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec(stopping.check, asset=key), dg.AssetCheckSpec("drift_events_per_case", asset=key)])
    def events_log() -> Iterator[dg.AssetCheckResult]:
        yield stopping.to_dagster(list(key.path))
        yield dg.AssetCheckResult(
            check_name="drift_events_per_case", passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"this_week": 7.1, "usual": 9.4}
        )
        raise dg.Failure("raw.events_log: the gate failed")

    tags = {
        "dagster/asset_partition_range_start": "2025-07-01", "dagster/asset_partition_range_end": "2025-07-10",
        "opsla/as_of": "2025-07-11T05:00:00+00:00", "opsla/refresh_dates": "10",
    }  # fmt: skip
    with dg.DagsterInstance.ephemeral() as instance, TemporaryDirectory() as home:
        run_id = dg.materialize([events_log], instance=instance, raise_on_error=False, tags=tags).run_id
        settings = load_settings(REPOSITORY / "config", Path(home))
        graph = Graph.of(build_definitions(settings).get_repository_def())
        (alert,) = alerts_of_run(instance, run_id, lambda: graph, UI) or []
    return alert


def tick() -> Alert:
    """01:00, and the log is not where it was."""
    error = SerializableErrorInfo(
        "opsla_dagster.errors.OpslaError: sources.yml: sources.0.files: /srv/export/log.csv: no such file\n", [], "OpslaError"
    )
    at = datetime(2025, 7, 11, 5, tzinfo=UTC).timestamp()
    data = TickData("o", "daily_refresh", InstigatorType.SCHEDULE, TickStatus.FAILURE, at, end_timestamp=at + 41, error=error)
    return alert_of_tick(InstigatorTick(1, data), UI)


def night() -> Alert:
    """The machine was off."""
    with dg.DagsterInstance.ephemeral() as instance, TemporaryDirectory() as home:
        settings = load_settings(REPOSITORY / "config", Path(home))
        publish(settings, {date(2025, 7, 8): datetime(2025, 7, 9, 5)})
        ledger = Ledger(Path(home) / "alerts")
        ledger.watching_since(datetime(2025, 7, 1, tzinfo=UTC).timestamp())
        now, seen = datetime(2025, 7, 11, 12, tzinfo=UTC), datetime(2025, 7, 10, 21, 14, 5, tzinfo=UTC)
        record_missed_night(instance, settings, ["chat"], UI, now, seen.timestamp())
        (waiting,) = ledger.due("chat", 1e12)
    return waiting.alert


def command() -> Alert:
    """A typo, in a refresh by cron."""
    cause = "config/sources.yml: desk.timezone: unknown time zone 'Mars'; use an IANA name such as America/New_York or UTC"
    return alert_of_command("opsla refresh", "refresh", cause, UI, datetime(2025, 7, 11, 5, tzinfo=UTC))


def drop() -> Alert:
    """A manifest names a file that is not there."""
    problem = "releases 2 files, of which tickets/0001_part_00 is missing in s3://esc-dw/unload"
    seen_at = datetime(2025, 7, 11, 5, tzinfo=UTC).timestamp()
    return alert_of_refusal(Refusal("esc", "tickets.ready", "1752210000-311", problem, "", seen_at, seen_at + 41), UI)


def line(alert: Alert) -> str:
    """The alert as the file in the home has it."""
    with TemporaryDirectory() as directory:
        channel = FileChannel(Path(directory) / "alerts.jsonl")
        channel.send(Waiting(alert, 0, is_interrupted=False))
        return channel.path.read_text(encoding="utf-8").strip()


def samples() -> dict[str, str]:
    """The text of each sample by its name in the page."""
    texts = {made.__name__: f"{made().title}\n{made().body()}" for made in (gate, tick, night, command, drop)}
    texts["line"] = line(command())
    for pattern, shown in _MASKS:
        texts = {name: re.sub(pattern, shown, text) for name, text in texts.items()}
    return texts


def with_samples(page: str) -> str:
    for name, text in samples().items():
        page, found = re.subn(
            rf"(<!-- sample {name} -->\n```\w+\n).*?(\n```)", lambda match, text=text: f"{match[1]}{text}{match[2]}", page, flags=re.DOTALL
        )
        assert found == 1, f"docs/alerts.md has no sample {name}"
    return page


def test_the_page_shows_what_is_sent() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_samples(page), "docs/alerts.md is stale: .venv/bin/python tests/unit/test_alert_samples.py"



if __name__ == "__main__":
    PAGE.write_text(with_samples(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
