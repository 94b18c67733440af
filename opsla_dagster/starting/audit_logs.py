"""An audit log, one row a changed field: recognised by its columns, and told as the source that reads it.

Belongs here: which columns and fields such a log has. Does not belong here: reading it (sources/event_log).
"""

from __future__ import annotations

from opsla_dagster.settings.sources import IGNORE
from opsla_dagster.starting.sniffing import Log
from opsla_dagster.starting.words import folded, signal_of

_FIELD = {"field", "field name", "fieldname", "changed field", "attribute", "property", "what changed"}
_OLD = {"old", "old value", "oldvalue", "previous", "previous value", "from", "from value", "before"}
_NEW = {"new", "new value", "newvalue", "to", "to value", "after"}
_CASE = {"case", "case id", "ticket", "ticket id", "number", "incident", "issue", "issue key", "key", "id"}
_WHEN = {"changed at", "changed on", "changed", "at", "time", "timestamp", "date", "created", "created at", "updated", "updated at", "sys created on"}
_ID = {"audit", "audit id", "change id", "event id", "history id"}
#: What a field is called, and what it is.
_MEANINGS = {
    "status": {"status", "state", "incident state"},
    "team": {"team", "group", "assignment group", "queue", "owner group", "resolver group", "department"},
    "agent": {"agent", "assignee", "assigned to", "owner", "technician"},
    "priority": {"priority", "severity", "urgency"},
    "tier": {"tier", "level", "support level"},
}


def audit_log_told(log: Log) -> str | None:
    """The source of sources.yml that reads the log, where it is an audit log; else None. What is not recognised is left for a person to fill in."""
    field, old, new = (_named(log, words) for words in (_FIELD, _OLD, _NEW))
    if field is None or old is None or new is None:
        return None
    case, when, audit = _named(log, _CASE), _named(log, _WHEN), _named(log, _ID)
    fields = {word: _meaning(word) for word in log.words(field)}
    is_status_told = "status" in fields.values()
    words = {word: signal_of(word) for column in (old, new) for word in log.words(column)} if is_status_told else {}
    statuses = ", ".join(f"{_quoted(word)}: {signal}" for word, signal in words.items() if signal is not None)
    identity = f", event_id: {_quoted(audit)}" if audit else ""
    lines = [
        "  - name: audit", "    type: event_log", "    form: changes", f"    files: {log.files[0]}", "    time: {format: ..., timezone: ...}",
        f"    columns: {{case_id: {_quoted(case or '...')}, event_ts: {_quoted(when or '...')}{identity}, field: {_quoted(field)}, "
        f"old_value: {_quoted(old)}, new_value: {_quoted(new)}}}",
        f"    fields: {{{', '.join(f'{_quoted(word)}: {meaning}' for word, meaning in fields.items())}}}",
        *([f"    statuses: {{{statuses or '...'}}}"] if is_status_told else ["    beside: ...   # the log that tells the statuses of these cases"]),
    ]
    return (
        f"{log.files[0]}: is an audit log, one row a changed field (columns {field!r}, {old!r}, {new!r}), and `init` does not write such a source by itself. "
        "Put it into sources.yml of a config directory (opsla init --demo writes one to begin with), fill in what is left open, and run "
        "`opsla run` (docs/add_a_source.md, Audit logs):\n\n" + "\n".join(lines)
    )  # fmt: skip


def _named(log: Log, names: set[str]) -> str | None:
    return next((column for column in log.columns if folded(column).replace("_", " ") in names), None)


def _meaning(word: str) -> str:
    plain = folded(word).replace("_", " ")
    return next((meaning for meaning, names in _MEANINGS.items() if plain in names), IGNORE)


def _quoted(word: str) -> str:
    return word if word.replace(" ", "").replace("_", "").isalnum() and not word[:1].isdigit() else f'"{word}"'
