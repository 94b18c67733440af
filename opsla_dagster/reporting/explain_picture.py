"""An explained case as a picture: a page of its own with one time line a clock, drawn as SVG.

Belongs here: where things lie on the time line, and the words beside them. Does not belong here: any figure that explain.py has not
worked out, and what the page looks like (templates/explain.html.j2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from opsla_dagster.reporting.explain import Clock, Explanation, Piece
from opsla_dagster.reporting.explain_text import duration, minutes, verdict, when
from opsla_dagster.reporting.files import write_whole
from opsla_dagster.reporting.report import environment

#: Design units of the drawing; it scales with the page.
WIDTH = 1000.0
#: Nobody can tell more dates apart on one line.
_MOST_TICKS = 10
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Bar:
    """A stretch from `x` on, `width` wide, of a `kind` that the page colours; `words` tell it in full."""

    x: float
    width: float
    kind: str
    label: str
    words: str


@dataclass(frozen=True)
class TimeLine:
    """One clock: its verdict, its bars, and where its target is reached (None: not on this line)."""

    title: str
    verdict: str
    outcome: str
    bars: tuple[Bar, ...]
    due_x: float | None
    due: str
    sums: tuple[tuple[str, str, str], ...]


def write_picture(explanation: Explanation, target: Path) -> Path:
    """Writes the page to `target`: self-contained, it opens offline. Raises OpslaError when it cannot be written."""
    scale = _Scale.around(explanation)
    page = environment().get_template("explain.html.j2").render(
        case=explanation,
        intake=when(explanation.intake_at, explanation.zone),
        as_of=when(explanation.as_of_at, explanation.zone),
        ended=when(explanation.ended_at, explanation.zone) if explanation.ended_at else None,
        width=WIDTH,
        ticks=list(scale.ticks()),
        statuses=list(_statuses(explanation, scale)),
        clocks=[_time_line(clock, explanation.zone, scale) for clock in explanation.clocks],
        events=[(when(event.at, explanation.zone), event.status, event.event_id, "; ".join(event.flags)) for event in explanation.events],
    )
    write_whole(target, page)
    return target


@dataclass(frozen=True)
class _Scale:
    """Instants (UTC) on the drawing, from the case's intake to its end or to what is known."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    @classmethod
    def around(cls, explanation: Explanation) -> _Scale:
        ends = [at for clock in explanation.clocks for at in (clock.until, clock.due_at) if at is not None]
        latest = max([explanation.intake_at + timedelta(hours=1), *ends, *(event.at for event in explanation.events)])
        known = explanation.ended_at or explanation.as_of_at
        # A target that is reached long after the end would squeeze everything that happened.
        lived = max(known, *(clock.until for clock in explanation.clocks)) if explanation.clocks else known
        lived = max(lived, explanation.intake_at + timedelta(hours=1))
        return cls(explanation.intake_at, min(latest, lived + (lived - explanation.intake_at) / 4), ZoneInfo(explanation.zone))

    def x(self, at: datetime) -> float:
        share = (at - self.start) / (self.end - self.start)
        return round(min(max(share, 0.0), 1.0) * WIDTH, 2)

    def holds(self, at: datetime) -> bool:
        return self.start <= at <= self.end

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Local midnights (every so many days), or hours where there are none."""
        day = self.start.replace(tzinfo=UTC).astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        step = max(1, round((self.end - self.start) / _DAY / _MOST_TICKS))
        number = 0
        while (at := (day + number * _DAY).astimezone(UTC).replace(tzinfo=None)) <= self.end:
            if self.holds(at):
                moment = day + number * _DAY
                yield self.x(at), f"{moment:%a} {moment.day} {moment:%b}"
            number += step


def _statuses(explanation: Explanation, scale: _Scale) -> Iterator[Bar]:
    """The statuses of the case, as its longest clock saw them."""
    clocks = sorted(explanation.clocks, key=lambda clock: (clock.until, clock.metric))
    pieces = clocks[-1].pieces if clocks else ()
    merged: list[Piece] = []
    for piece in pieces:
        if merged and (merged[-1].status, merged[-1].event_id) == (piece.status, piece.event_id):
            merged[-1] = replace(merged[-1], ended_at=piece.ended_at)
        else:
            merged.append(piece)
    for piece in merged:
        yield _bar(piece, "status", piece.status or "", piece.status or "no status", explanation.zone, scale)


def _time_line(clock: Clock, zone: str, scale: _Scale) -> TimeLine:
    bars = []
    for piece in clock.pieces:
        kind = _kind(piece)
        counted = f"{minutes(piece.counted_seconds)} min counted" if piece.counted_seconds else (piece.why_not or "nothing counted")
        bars.append(_bar(piece, kind, "", f"{piece.status or 'no status'}: {counted}", zone, scale))
    due_x = scale.x(clock.due_at) if clock.due_at is not None and scale.holds(clock.due_at) else None
    cycle = f", cycle {clock.cycle}" if clock.cycle > 1 else ""
    return TimeLine(
        title=f"{clock.metric}: {duration(clock.target_seconds)} of calendar {clock.calendar} (policy {clock.policy}{cycle})",
        verdict=verdict(clock, zone),
        outcome=clock.outcome,
        bars=tuple(bars),
        due_x=due_x,
        due=when(clock.due_at, zone) if clock.due_at else "",
        sums=tuple(_sums(clock.pieces)),
    )


def _kind(piece: Piece) -> str:
    if piece.kind != "running":
        return piece.kind
    if piece.why_not is None:
        return "counted"
    return "holiday" if piece.why_not.startswith("holiday") else "closed"


def _sums(pieces: Sequence[Piece]) -> Iterator[tuple[str, str, str]]:
    """(kind, words, time) of what the clock's time was made of, all of it by the clock on the wall but what counted."""
    words = {"counted": "counted", "paused": "paused", "closed": "outside hours", "holiday": "holidays", "policy_switch": "before its policy"}
    for kind, name in words.items():
        of_kind = [piece for piece in pieces if _kind(piece) == kind]
        if of_kind:
            seconds = sum(int((piece.ended_at - piece.started_at).total_seconds()) for piece in of_kind)
            yield kind, name, duration(seconds)


def _bar(piece: Piece, kind: str, label: str, words: str, zone: str, scale: _Scale) -> Bar:
    x = scale.x(piece.started_at)
    span = f"{when(piece.started_at, zone)} to {when(piece.ended_at, zone)}"
    return Bar(x, max(round(scale.x(piece.ended_at) - x, 2), 0.6), kind, label, f"{words} ({span})")
