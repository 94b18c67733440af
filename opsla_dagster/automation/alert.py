"""What an alert is, and its text.

Belongs here: the record, its title and body, its identity. Does not belong here: what happened (failures.py, missed.py,
freshness.py), remembering alerts (ledger.py) and sending them (delivery.py).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import dagster as dg

#: A message is read on a telephone; the rest is a click away.
_TITLE_LENGTH = 160
_TEXT_LENGTH = 1_000
_FIGURE_LENGTH = 300
_FIGURES_SHOWN = 20
#: Metadata that Dagster draws better than a message can.
_NOT_FIGURES = (dg.TableMetadataValue, dg.TableSchemaMetadataValue, dg.TableColumnLineageMetadataValue)

ERROR, WARN = "ERROR", "WARN"


@dataclass(frozen=True)
class Alert:
    """One cause that somebody should know of, whatever failed because of it.

    `alert_id` is a function of what failed, not of who noticed it or when: the same failure always has the same one.
    `statement` is the cause, `effect` what came of it, `also` what else failed for it. Instants are ISO texts in UTC.
    """

    alert_id: str
    title: str
    severity: str
    job: str
    occurred_at: str
    statement: str | None
    effect: str | None = None
    run_id: str | None = None
    asset: str | None = None
    check: str | None = None
    partitions: str | None = None
    as_of: str | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    look_first: str | None = None
    check_url: str | None = None
    run_url: str | None = None
    ui_url: str | None = None

    def to_record(self) -> dict[str, Any]:
        """The alert as plain JSON values; docs/alerts.md names the fields."""
        return {**asdict(self), "also": list(self.also)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Alert:
        """The inverse of `to_record`."""
        return cls(**{**record, "also": tuple(record.get("also", ()))})

    def body(self) -> str:
        """Every field a person needs, one a line, without any markup."""
        lines = [f"{name}: {value}" for name, value in self._named_lines() if value]
        if self.figures:
            lines.append("Figures:")
            lines.extend(f"  {name}: {_shown(value)}" for name, value in list(self.figures.items())[:_FIGURES_SHOWN])
        if self.also:
            lines.append("Also failed:")
            lines.extend(f"  {told}" for told in self.also)
        if self.look_first:
            lines.append(f"Where to look first: {self.look_first}")
        urls = [("Check", self.check_url), ("Run", self.run_url), ("Dagster UI", self.ui_url)]
        lines.extend(f"{name}: {url}" for name, url in urls if url)
        lines.append(f"Alert id: {self.alert_id}")
        return "\n".join(lines)

    def _named_lines(self) -> Iterable[tuple[str, str | None]]:
        yield "Cause", self.statement
        yield "Effect", self.effect
        yield "Job", self.job
        yield "Intake dates", self.partitions
        yield "As of", self.as_of
        yield "When", self.occurred_at


def title(severity: str, cause: str) -> str:
    """The cause's first line, so that a list of messages can be read without opening one."""
    return f"opsla {severity}: {cut(cause.strip().splitlines()[0], _TITLE_LENGTH)}"


def alert_id(*parts: str) -> str:
    """The identity of what the parts name."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def daily_id(what: str, cause: str, at: datetime) -> str:
    """One identity a cause and UTC day, for what fails again and again; numbers in the cause (attempts, ids) do not tell two apart."""
    return alert_id(what, re.sub(r"\d+", "0", cause), at.astimezone(UTC).date().isoformat())


def figures_of(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[str, Any]:
    """What a check measured, as JSON values short enough for a message."""
    return {name: _plain(value.value) for name, value in metadata.items() if not isinstance(value, _NOT_FIGURES)}


def text(value: str) -> str:
    """A text of a length that a message can hold."""
    return cut(value.strip(), _TEXT_LENGTH)


def cut(value: str, length: int) -> str:
    """At most `length` characters of it; an ellipsis where there were more."""
    return value if len(value) <= length else value[: length - 1] + "…"


def instant(seconds: float) -> str:
    """Seconds since 1970 as an ISO text in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def run_url(ui_url: str, run_id: str) -> str:
    """The run's page in the UI at `ui_url`."""
    return f"{ui_url}/runs/{run_id}"


def check_url(ui_url: str, key: dg.AssetCheckKey) -> str:
    """The check's page in the UI at `ui_url`."""
    path = "/".join(quote(part, safe="") for part in key.asset_key.path)
    return f"{ui_url}/assets/{path}?view=checks&checkDetail={quote(key.name, safe='')}"


def _plain(value: object) -> Any:
    """A JSON value: what JSON cannot hold, or a reader would not read, as a short text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return cut(value, _FIGURE_LENGTH)
    told = json.dumps(value, default=str)
    return json.loads(told) if len(told) <= _FIGURE_LENGTH else cut(told, _FIGURE_LENGTH)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)
