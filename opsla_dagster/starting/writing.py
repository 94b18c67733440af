"""The config directory as text, from one set of templates; examples/zendesk and examples/intercom are made of the same ones.

Belongs here: putting answers into templates, and files onto the disk. Does not belong here: finding the answers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
import yaml

from opsla_dagster import shipped
from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.sources import CsvSettings, Written
from opsla_dagster.settings.tickets import IntercomSettings, ZendeskSettings
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.sources.zendesk.advanced import answered_by_notes, settings_told
from opsla_dagster.starting.column_names import REPLY_DUE, RESOLUTION_DUE
from opsla_dagster.starting.columns import Due
from opsla_dagster.starting.dropped import Dropped
from opsla_dagster.starting.meanings import MOST_UNPLACED_PCT
from opsla_dagster.starting.proposing import LogProposal
from opsla_dagster.status import Signal

_TEMPLATES = Path(__file__).parent / "templates"
#: The one document that is the same for everybody.
_ALERTS = shipped.CONFIG / "alerts.yml"
_SHARED = ("calendars", "quality_gates", "scenarios")
#: What shows that somebody touched a case. The metric lists all of them, whatever the log has now: a status that is added to sources.yml
#: later is a touch from then on.
TOUCHES = (
    Signal.TRIAGE, Signal.ASSIGNED, Signal.INVESTIGATION, Signal.ESCALATED, Signal.CUSTOMER_WAIT, Signal.VENDOR_WAIT, Signal.ON_HOLD,
    Signal.REVIEW_QA, Signal.PUBLIC_REPLY, Signal.RESOLVED, Signal.CLOSED,
)
_ENDS = (Signal.RESOLVED, Signal.CLOSED)


@dataclass(frozen=True)
class LogFiles:
    """How a log is found and written."""

    name: str
    paths: tuple[Path, ...]
    written: Written
    missing_values: tuple[str, ...]
    rows: int
    example_case: str
    #: The drop folder in which they lie.
    dropped: Dropped | None = None
    read: tuple[LogFile, ...] = ()


def log_documents(
    log: LogFiles, proposal: LogProposal, directory: Path, today: date, changes: tuple[LogFiles, LogProposal] | None = None
) -> dict[str, str]:
    """File name -> text of a config directory for a log, and for an audit log beside it."""
    folders = [item.dropped for item in (log, *(changes or ())[:1]) if isinstance(item, LogFiles) and item.dropped]
    answers = {
        **_source(log, proposal, directory), "vendor": None, "promises": promises_of(proposal), "touches": TOUCHES,
        "drop_folders": list(dict.fromkeys(_beside(folder.folder, directory) for folder in folders)),
        "example": {"case": log.example_case, **_example(proposal)},
        "log": _source(log, proposal, directory), "changes": _source(*changes, directory) if changes else None,
        **_horizon(proposal.start_date, max(today, proposal.start_date)),
    }
    return _documents({"sources": "sources_log", "sla_policies": "sla_policies_log"}, answers)


def _source(log: LogFiles, proposal: LogProposal, directory: Path) -> dict[str, Any]:
    """What a source of sources.yml says of a log."""
    return {
        **asdict(proposal), "columns": {field: proposal.joined.get(column, column) for field, column in proposal.columns.items()},
        "order_by": [proposal.joined.get(column, (column,))[0] for column in proposal.order_by],
        "name": log.name, "rows": log.rows, "files": [_beside(path, directory) for path in ([log.dropped.pattern] if log.dropped else log.paths)],
        "missing_values": log.missing_values, "csv": _differing(log.written.csv),
        "sheet": log.written.sheet, "records": log.written.records, "header_row": log.written.header_row, "due": _due_columns(proposal),
    }


def promises_of(proposal: LogProposal) -> dict[str, bool]:
    """Metric -> whether the desk is assumed to promise it to everybody; a metric that is missing would be a copy of another one.

    Where cases have due dates of their own, those are the promises, and none is invented beside them. Where no record says that a case came in, the first one
    is its opening and mostly its first touch too.
    """
    signals = proposal.signals
    touches = signals & {*TOUCHES} - {*_ENDS}
    assumed = not proposal.due
    promises = {"first_touch": bool(touches) and assumed and proposal.tells_openings}
    if Signal.PUBLIC_REPLY in signals:
        promises["first_reply"] = False
    promises["first_resolution"] = assumed
    if Signal.CUSTOMER_WAIT in signals:
        promises["first_resolution_paused"] = assumed
    return promises


def _due_columns(proposal: LogProposal) -> dict[str, Due]:
    """Metric -> the column with the promise to the single case."""
    reply = "first_reply" if Signal.PUBLIC_REPLY in proposal.signals else "first_touch"
    metrics = {RESOLUTION_DUE: "first_resolution", REPLY_DUE: reply}
    return {metrics[about]: due for about, due in proposal.due.items()}


def _example(proposal: LogProposal) -> dict[str, str]:
    """A word or a column of the log, and what it says."""
    said = proposal.milestones if proposal.form == "cases" else proposal.statuses
    word, signal = next(iter(said.items()))
    return {"word": word, "signal": signal}


def account_documents(
    account: ZendeskSettings | IntercomSettings, timezone: str, start_date: date, today: date, schedule: tuple[str, Calendar] | None = None,
    policies: Sequence[Mapping[str, Any]] = (),
) -> dict[str, str]:
    """File name -> text of a config directory for an account of a ticket system; the desk goes by `schedule` where it has one.

    The metrics follow the advanced settings of Zendesk's SLA `policies`, as far as all of them agree.
    """
    default_address = IntercomSettings.model_fields["base_url"].default
    answers: dict[str, Any] = {
        **account.model_dump(), "vendor": account.type, "timezone": timezone, "start_date": start_date, "statuses": account.all_statuses,
        "base_url": None if account.base_url == default_address else account.base_url, **_horizon(start_date, today),
        "schedule": None if schedule is None else {"name": schedule[0], "calendar": schedule[1], "seen_on": today},
        "answered_by_notes": answered_by_notes(policies), "settings_told": settings_told(policies),
    }
    return _documents({"sources": "sources_account", "sla_policies": "sla_policies_account"}, answers)


def _differing(csv: CsvSettings) -> dict[str, str]:
    usual = CsvSettings()
    return {name: value for name, value in csv if value != getattr(usual, name)}


def _beside(path: Path, directory: Path) -> str:
    """Relative where the log lies near the directory, so that both can move together."""
    log, home = path.resolve(), directory.resolve()
    return os.path.relpath(log, home) if log.is_relative_to(home.parent) else str(log)


def _horizon(first: date, last: date) -> dict[str, date]:
    """A year before and two after: dates of clocks that run on need a calendar too."""
    return {"horizon_start": date(max(first.year - 1, 1980), 1, 1), "horizon_end": date(min(last.year + 3, 2100), 1, 1)}


def _documents(own: Mapping[str, str], answers: Mapping[str, Any]) -> dict[str, str]:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,
    )
    environment.filters.update(yaml=_scalar, quoted=_quoted)
    values = {"schedule": None, "form": None, **answers, "most_rejected_pct": MOST_UNPLACED_PCT}
    templates = {**own, **{name: name for name in _SHARED}}
    documents = {f"{name}.yml": environment.get_template(f"{template}.yml.j2").render(values) for name, template in templates.items()}
    return {**documents, "alerts.yml": _ALERTS.read_text(encoding="utf-8")}


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _scalar(text: str | Sequence[str]) -> str:
    """Plain where YAML reads it as this very text, else in quotes; several as a list."""
    if not isinstance(text, str):
        return f"[{', '.join(_scalar(each) for each in text)}]"
    is_plain = text.isprintable() and not set(text) & set("\"'#:{}[],&*!|>%@`\\?") and text == text.strip()
    try:
        return text if is_plain and yaml.safe_load(text) == text else _quoted(text)
    except yaml.YAMLError:
        return _quoted(text)
