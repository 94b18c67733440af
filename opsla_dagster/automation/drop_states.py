"""How drop folders stand, for `opsla status` and `opsla health`.

Belongs here: the last receipt, and what is refused, away, late or waiting. Does not belong here: taking anything in, and alerts (receiving.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from opsla_dagster.automation.receiving import overdue
from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted
from opsla_dagster.settings import Settings
from opsla_dagster.sources.drops.receipts import Receipt, Receipts, ReceivedFile
from opsla_dagster.sources.drops.receiving import waiting_files
from opsla_dagster.window import ranges_of

_SHOWN = 5


@dataclass(frozen=True)
class DropState:
    """One folder: its last receipt with the files of it, what is wrong, and what waits for a marker; each a sentence."""

    folder: str
    receipt: Receipt | None
    files: tuple[ReceivedFile, ...] = ()
    problems: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What was received last, and what came of it."""
        if self.receipt is None:
            return f"Drop folder {self.folder}: nothing was received yet"
        told = self.receipt
        size = sum(file.size for file in self.files)
        return (
            f"Drop folder {self.folder}: receipt {told.number}, {told.marker}, received {_utc(told.received_at)}, "
            f"{counted(len(self.files), 'file')}, {size:,} bytes; {_refreshed(told)}"
        )


def _refreshed(receipt: Receipt) -> str:
    if receipt.dates is None:
        return "the sensor has asked for no refresh of it"
    if not receipt.dates:
        return "it changed nothing that was not refreshed already"
    return f"a refresh of {', '.join(map(str, ranges_of(set(receipt.dates))))} was asked for"


def drop_states(settings: Settings, now: datetime, *, looks_into: bool = False) -> list[DropState]:
    """Every drop folder of sources.yml, as of `now` (with its offset); without `looks_into`, by what is remembered of the last look alone."""
    if not settings.sources.drop_folders:
        return []
    if not Receipts.there(settings.home.drops):
        return [DropState(name, None, problems=(f"Drop folder {name}: was never looked into; `opsla refresh`, or the service, does",)) for name in settings.sources.drop_folders]
    store = Receipts(settings.home.drops)
    return [_state(settings, store, name, now, looks_into) for name in settings.sources.drop_folders]


def _state(settings: Settings, store: Receipts, name: str, now: datetime, looks_into: bool) -> DropState:
    receipt, look = store.latest(name), store.look(name)
    problems = [f"Drop folder {name}: {each.marker} is refused: {each.problem}" for each in store.refusals(name) if each.refused_at is not None]
    if look is not None and look.trouble is not None and look.trouble_since is not None:
        problems.append(f"Drop folder {name}: cannot be looked into since {_utc(look.trouble_since)}: {look.trouble}")
    deadline = overdue(settings, name, now)
    if deadline is not None:
        problems.append(f"Drop folder {name}: no drop has come since {deadline.since:%Y-%m-%d %H:%M}; it was due by {deadline.by:%Y-%m-%d %H:%M}")
    waiting: list[str] = []
    if looks_into:
        try:
            names = waiting_files(settings, name)
        except OpslaError as error:
            problems = [*problems, str(error)] if look is None or look.trouble is None else problems
        else:
            if names:
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                waiting.append(f"Drop folder {name}: {counted(len(names), 'file')} no marker has released: {', '.join(names[:_SHOWN])}{more}")
    files = tuple(store.files_of(receipt.number)) if receipt else ()
    return DropState(name, receipt, files, tuple(problems), tuple(waiting))


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"
