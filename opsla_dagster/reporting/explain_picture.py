"""An explained case as a picture: a page of its own with one time line a clock, drawn as SVG.

Belongs here: where things lie on the time line, and the words beside them. Does not belong here: any figure that explain.py has not
worked out, and what the page looks like (templates/explain.html.j2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.explain_links import link_cells
from opsla_dagster.reporting.explain_stints import (
    NOBODY,
    STATES,
    entered,
    held_at_the_end,
    held_by_agents,
    parts,
    summary,
)
from opsla_dagster.reporting.explain_text import source_verdict, verdict, when
from opsla_dagster.reporting.explanation import KINDS, SOURCE_VERDICT, Clock, Explanation, Piece, Verdict
from opsla_dagster.reporting.files import write_whole
from opsla_dagster.reporting.report import environment

#: Design units of the drawing for a desk's screen and for a phone's, which shows one of the two: (width, most ticks).
SIZES = {"wide": (1000.0, 10), "narrow": (360.0, 3)}
#: Room that a tick's label takes.
_LABEL = 80.0
#: What lasted is seen, however short it was.
_THINNEST = 2.0
#: A clock that takes less of the case's time line than this has one of its own.
_TOO_SHORT = 0.1
_MINUTE = timedelta(minutes=1)
_DAY = 24 * 60
#: Minutes between ticks; beyond them whole days.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)


@dataclass(frozen=True)
class Bar:
    """A stretch from `x` on, `width` wide, of a `kind` that the page colours; `words` tell it in full."""

    x: float
    width: float
    kind: str
    label: str
    words: str


@dataclass(frozen=True)
class Drawing:
    """One line: its bars, its ticks (x, label, where the label ends or starts), where its target is reached, if on it, and its marks
    (x, kind, words): changes of what is promised, and the source's breach."""

    width: float
    ticks: tuple[tuple[float, str, str], ...]
    bars: tuple[Bar, ...]
    due_x: float | None = None
    marks: tuple[tuple[float, str, str], ...] = ()


@dataclass(frozen=True)
class TimeLine:
    """One clock: its verdict, and its drawings by size (none of a clock without pieces), with dates of their own where it is too short for those of the case
    (`enlarged_from` is then its start, else empty)."""

    title: str
    promise: str
    verdict: str
    outcome: str
    drawings: Mapping[str, Drawing]
    enlarged_from: str
    due: str
    source_verdict: str
    sums: tuple[tuple[str, str, str], ...]


def write_picture(explanation: Explanation, target: Path) -> Path:
    """Writes the page to `target`: self-contained, it opens offline. Raises OpslaError when it cannot be written."""
    write_whole(target, environment().get_template("explain.html.j2").render(picture(explanation)))
    return target


def picture(explanation: Explanation) -> dict[str, Any]:
    """What the templates explain.html.j2 and explained.html.j2 draw."""
    scale = _Scale.around(explanation)
    by_agent = [] if explanation.stints else held_by_agents(explanation.ownership_spans)
    return {
        "case": explanation,
        "intake": when(explanation.intake_at, explanation.zone),
        "as_of": when(explanation.as_of_at, explanation.zone),
        "ended": when(explanation.ended_at, explanation.zone) if explanation.ended_at else None,
        "stages": [
            (when(span.started_at, explanation.zone), span.status, _lasted(span.started_at, span.ended_at)) for span in explanation.spans
        ],
        "statuses": {size: _statuses(explanation, scale, size) for size in SIZES},
        "holders": {size: _holders(explanation, scale, size) for size in SIZES} if explanation.stints or by_agent else {},
        "holder": "agent" if by_agent else "team",
        "held_at_the_end": held_at_the_end(explanation),
        "ownership": summary(explanation.stints, explanation.is_open) if explanation.stints else "by agent: its records name no team",
        "stints": [
            *((stint.team, when(stint.started_at, explanation.zone), "; ".join(filter(None, (entered(stint), parts(stint, explanation.inactive_after_seconds))))) for stint in explanation.stints),
            *((agent or NOBODY, when(started_at, explanation.zone), _lasted(started_at, ended_at)) for agent, started_at, ended_at in by_agent),
        ],
        "links": [link_cells(link, lambda at: when(at, explanation.zone)) for link in explanation.links],
        "states": STATES,
        "clocks": [_time_line(clock, explanation.verdict_on(clock), explanation.zone, scale) for clock in explanation.clocks],
        "changes": _changes(explanation),
        "unmatched": [f"{judged.title}: {source_verdict(judged, explanation.zone)}" for judged in explanation.verdicts_without_clock()],
        "rejected": [record.sentence() for record in explanation.rejected],
        "not_yet": [record.sentence(explanation.zone) for record in explanation.not_yet],
        "events": [(when(event.at, explanation.zone), event.status, event.event_id, "; ".join(event.flags)) for event in explanation.events],
    }


@dataclass(frozen=True)
class _Scale:
    """Instants (UTC) on a drawing."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    @classmethod
    def around(cls, explanation: Explanation) -> _Scale:
        """From the case's intake to its end, or to what is known, and on to where a target is reached soon after."""
        ends = [at for clock in explanation.clocks for at in (clock.until, clock.due_at) if at is not None]
        lived = [explanation.ended_at or explanation.as_of_at, *(clock.until for clock in explanation.clocks)]
        known = [*lived, *ends, *(event.at for event in explanation.events)]
        return cls._from(explanation.intake_at, max(lived), max(known), timedelta(hours=1), explanation.zone)

    @classmethod
    def around_clock(cls, clock: Clock, zone: str) -> _Scale:
        return cls._from(clock.started_at, clock.until, max(clock.until, clock.due_at or clock.until), _MINUTE, zone)

    @classmethod
    def _from(cls, start: datetime, lived: datetime, latest: datetime, least: timedelta, zone: str) -> _Scale:
        # A target that is reached long after the end would squeeze everything that happened.
        lived = max(lived, start + least)
        return cls(start, max(lived, min(latest, lived + (lived - start) / 4)), ZoneInfo(zone))

    def share(self, at: datetime) -> float:
        return min(max((at - self.start) / (self.end - self.start), 0.0), 1.0)

    def holds(self, at: datetime) -> bool:
        return self.start <= at <= self.end

    def ticks(self, most: int) -> Iterator[tuple[datetime, str]]:
        """At most about `most` instants: local midnights with their date, every so many days, or times of day between them."""
        step = self._step(most)
        day = self.start.replace(tzinfo=UTC).astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        number = 0
        while (at := (moment := day + number * step * _MINUTE).astimezone(UTC).replace(tzinfo=None)) <= self.end:
            if self.holds(at):
                is_date = step >= _DAY or (moment.hour, moment.minute) == (0, 0)
                yield at, f"{moment:%a} {moment.day} {moment:%b}" if is_date else f"{moment:%H:%M}"
            number += 1

    def _step(self, most: int) -> int:
        minutes = (self.end - self.start) / _MINUTE
        days = max(1, round(minutes / _DAY / most))
        return next((step for step in _STEPS if minutes / step <= most), days * _DAY)


def _drawn(
    scale: _Scale, size: str, pieces: Sequence[tuple[datetime, datetime, str, str, str]], due_at: datetime | None = None,
    marks: Sequence[tuple[datetime, str, str]] = (),
) -> Drawing:
    """The pieces (from, to, kind, label, words) on the scale."""
    width, most = SIZES[size]
    bars = []
    for start, end, kind, label, words in pieces:
        x = scale.share(start) * width
        bars.append(Bar(round(x, 2), round(max(scale.share(end) * width - x, _THINNEST), 2), kind, label, words))
    return Drawing(
        width=width,
        ticks=tuple(_placed([(round(scale.share(at) * width, 2), label) for at, label in scale.ticks(most)], width)),
        bars=tuple(bars),
        due_x=round(scale.share(due_at) * width, 2) if due_at is not None and scale.holds(due_at) else None,
        marks=tuple((round(scale.share(at) * width, 2), kind, words) for at, kind, words in marks if scale.holds(at)),
    )


def _placed(ticks: Sequence[tuple[float, str]], width: float) -> Iterator[tuple[float, str, str]]:
    """Each tick with its label and whether that starts or ends there; at the edge it ends, or is left out where the one before is near."""
    previous = -width
    for x, label in ticks:
        side = "end" if x > width - _LABEL else "start"
        yield x, "" if side == "end" and x - previous < 2 * _LABEL else label, side
        previous = x


def _lasted(start: datetime, end: datetime | None) -> str:
    """How long a stage lasted by the clock on the wall; of the last one, which has no end, nothing."""
    return "" if end is None else wording.calendar_time((end - start) / _MINUTE)


def _statuses(explanation: Explanation, scale: _Scale, size: str) -> Drawing:
    """The statuses of the case from intake on, the last one up to what is known."""
    pieces = []
    for span in explanation.spans:
        end = span.ended_at or max(explanation.as_of_at, span.started_at)
        words = f"{span.status} ({_span(span.started_at, end, explanation.zone)})"
        pieces.append((span.started_at, end, "status", span.status, words))
    return _drawn(scale, size, pieces, marks=[(at, "change", words) for at, words in _changes(explanation)])


def _holders(explanation: Explanation, scale: _Scale, size: str) -> Drawing:
    """Who held the case, coloured by what they did with it: the teams, or the agents of a case of which no team is told."""
    end = max(explanation.ended_at or explanation.as_of_at, explanation.intake_at)
    pieces: list[tuple[datetime, datetime, str, str, str]] = []
    before: int | str | None = None
    for span in explanation.ownership_spans:
        until = span.ended_at or max(end, span.started_at)
        holder, name = (span.stint, span.team) if explanation.stints else (span.agent, span.agent or NOBODY)
        agent = f", {span.agent}" if explanation.stints and span.agent else ""
        words = f"{name}{agent}: {STATES[span.state]} ({_span(span.started_at, until, explanation.zone)})"
        pieces.append((span.started_at, until, f"state-{span.state}", "" if pieces and holder == before else name, words))
        before = holder
    return _drawn(scale, size, pieces, marks=list(_taken(explanation)))


def _taken(explanation: Explanation) -> Iterator[tuple[datetime, str, str]]:
    """Where another team, or where none is told another agent, comes to hold the case."""
    if explanation.stints:
        for stint in explanation.stints[1:]:
            yield stint.started_at, "change", f"{stint.team}: {entered(stint)} ({when(stint.started_at, explanation.zone)})"
    else:
        for agent, started_at, _ in held_by_agents(explanation.ownership_spans)[1:]:
            yield started_at, "change", f"{agent or NOBODY} ({when(started_at, explanation.zone)})"


def _changes(explanation: Explanation) -> list[tuple[datetime, str]]:
    """What changed the promises on the way: schedules, policies, targets applied and withdrawn."""
    told = (*KINDS, "schedule")
    return [
        (event.at, f"{event.status}: {'; '.join(event.flags)} ({when(event.at, explanation.zone)})")
        for event in explanation.events
        if event.status in told and event.status != SOURCE_VERDICT
    ]


def _time_line(clock: Clock, judged: Verdict | None, zone: str, scale: _Scale) -> TimeLine:
    is_enlarged = scale.share(clock.until) - scale.share(clock.started_at) < _TOO_SHORT
    own = _Scale.around_clock(clock, zone) if is_enlarged else scale
    pieces = [(piece.started_at, piece.ended_at, _kind(piece), "", _counted_or_why(piece, zone)) for piece in clock.pieces]
    cycle = f", cycle {clock.cycle}" if clock.cycle > 1 else ""
    return TimeLine(
        title=clock.title,
        promise=f"{wording.exact(clock.target_seconds)} on calendar {clock.calendar} ({clock.metric}, policy {clock.policy}{cycle})",
        verdict=verdict(clock, zone),
        outcome=clock.outcome,
        drawings={size: _drawn(own, size, pieces, clock.due_at, _source_breach(judged, zone)) for size in SIZES if pieces},
        enlarged_from=when(clock.started_at, zone) if is_enlarged and pieces else "",
        due=when(clock.due_at, zone) if clock.due_at else "",
        source_verdict=source_verdict(judged, zone) if judged is not None else "",
        sums=tuple(_sums(clock.pieces)),
    )


def _source_breach(judged: Verdict | None, zone: str) -> list[tuple[datetime, str, str]]:
    if judged is None or judged.breached_at is None:
        return []
    return [(judged.breached_at, "source", f"breached, according to the source: {when(judged.breached_at, zone)}")]


def _counted_or_why(piece: Piece, zone: str) -> str:
    what = f"{wording.clock_time(piece.counted_seconds)} counted" if piece.counted_seconds else (piece.why_not or "nothing counted")
    return f"{piece.status or 'no status'}: {what} ({_span(piece.started_at, piece.ended_at, zone)})"


def _span(start: datetime, end: datetime, zone: str) -> str:
    return f"{when(start, zone)} to {when(end, zone)}"


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
            yield kind, name, wording.exact(seconds)
