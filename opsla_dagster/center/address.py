"""The state of a page is its address: reading it, refusing what is none, and writing the address of another page.

Belongs here: parameters and their bounds. Does not belong here: what is shown for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(:\d{2})?)?(Z|[+-]\d{2}:?\d{2})?")
_INSTANT_SHOWN = "2025-12-20T14:30, of the desk's zone, or with Z or an offset of its own"


class RefusedAddress(Exception):
    """An address that names nothing: `status` is 400 for what cannot be read, 404 for what is not there."""

    def __init__(self, problem: str, status: int = 400) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status


@dataclass(frozen=True)
class State:
    """What every page takes from its address: the instant shown (UTC, naive; None: now) and the queue (None: all)."""

    at: datetime | None = None
    queue: str | None = None
    root: str = ""

    def url(self, path: str, **parameters: Any) -> str:
        """The address of `path` with this state and these parameters; a parameter that is None is left out, of the state too."""
        own: dict[str, Any] = {"at": f"{self.at:%Y-%m-%dT%H:%M:%S}Z" if self.at else None, "queue": self.queue}
        given = {name: value for name, value in {**own, **parameters}.items() if value is not None and value != ""}
        query = urlencode(given, doseq=True, quote_via=quote)
        return f"{self.root}{path}" + (f"?{query}" if query else "")

    def case_url(self, case_id: str) -> str:
        """The explanation of a case; a case may be called anything, so it is a parameter."""
        return self.url("/case", id=case_id, queue=None)

    def with_(self, **changes: Any) -> State:
        return replace(self, **changes)


def parse_instant(text: str, zone: str) -> datetime:
    """The instant (UTC, naive, whole seconds) that `text` writes; of the desk's `zone` unless it says otherwise."""
    if _INSTANT.fullmatch(text.strip()) is None:
        raise RefusedAddress(f"at={text}: is no instant; write {_INSTANT_SHOWN}")
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        return moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise RefusedAddress(f"at={text}: there is no such instant; write {_INSTANT_SHOWN}") from None


def parse_day(name: str, text: str) -> date:
    """The date that a parameter writes as 2025-12-20."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise RefusedAddress(f"{name}={text}: is no date; write 2025-12-20")


def parse_choice(name: str, text: str, choices: Mapping[str, Any]) -> str:
    """One of the `choices`, which the refusal names."""
    if text not in choices:
        raise RefusedAddress(f"{name}={text}: is not known; one of: {', '.join(choices)}")
    return text


def parse_number(name: str, text: str, least: int, most: int) -> int:
    """A whole number within its bounds."""
    if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
        raise RefusedAddress(f"{name}={text}: expected a whole number from {least:,} to {most:,}")
    return int(text)
