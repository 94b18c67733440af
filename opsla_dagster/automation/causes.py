"""Why something failed, in words for a person: what Dagster wraps around an error is taken off.

Belongs here: reading a cause off errors and events. Does not belong here: whether anybody is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dagster import DagsterEventType, EventLogEntry
from dagster_shared.error import SerializableErrorInfo

#: Wrappers of Dagster whose names do not begin with its own.
_WRAPPERS = re.compile(r"(Dagster|Schedule|Sensor|RunStatusSensor|Partition|Job).*Error|Failure")
#: Errors whose words are enough; of others the kind is told too.
_TOLD = re.compile(r"(Opsla|Passing|NoSuchFile|NoAnswer|Http)Error|Failure|.*(IO|Connection|Permission|NotFound|Timeout)\w*")
PROCESS_GONE = (
    "the process that carried out the run ended without finishing it (killed, out of memory, or the machine restarted); tables it "
    "had written are whole, the others are as before"
)
INTERRUPTED = "the run's process was asked to stop (the service or the machine was shut down)"


def cause_of(error: SerializableErrorInfo | None) -> str:
    """The first error in the chain that is not Dagster's own, without its class where the words are enough; None: that nothing was told."""
    if error is None:
        return "it failed without an error message"
    while error.cause is not None and _WRAPPERS.fullmatch(error.cls_name or ""):
        error = error.cause
    name = error.cls_name or ""
    words = re.sub(rf"^(?:\w+\.)*{re.escape(name)}(?::\s+|$)", "", error.message.strip(), count=1)
    if not words:
        return f"unexpected {name}"
    return words if _TOLD.fullmatch(name) or "[Errno" in words or " Error: " in words else f"unexpected {name}: {words}"


def step_cause(entry: EventLogEntry) -> str:
    """Why a step failed: what it said itself, else its error."""
    failure = entry.get_dagster_event().step_failure_data
    said = failure.user_failure_data.description if failure.user_failure_data is not None else None
    if said:
        return str(said)
    return cause_of(failure.error)


def ending_cause(ending: EventLogEntry, engine: Iterable[EventLogEntry]) -> str:
    """Why a run ended as it did where no step of it failed: it could not start, its process is gone, somebody cancelled it."""
    event = ending.get_dagster_event()
    if event.event_type is DagsterEventType.RUN_CANCELED:
        return "the run was cancelled by a person, or with the process that carried it out"
    for entry in engine:
        told = entry.get_dagster_event().engine_event_data
        if told is not None and told.error is not None:
            return cause_of(told.error)
    data = event.job_failure_data if event.event_type is DagsterEventType.RUN_FAILURE else None
    if data is not None and data.error is not None:
        return cause_of(data.error)
    message = (event.message or "").strip()
    if "run worker" in message:
        return PROCESS_GONE
    if any("interrupt" in (entry.get_dagster_event().message or "") for entry in engine):
        return INTERRUPTED
    return message or "the run ended without saying why"
