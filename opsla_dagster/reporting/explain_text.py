"""An explained case on a screen.

Belongs here: words and tables for people. Does not belong here: any figure that explain.py has not worked out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from datetime import datetime
from functools import partial

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from opsla_dagster.figures import counted
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.comparisons import way
from opsla_dagster.reporting.explain_links import told
from opsla_dagster.reporting.explain_stints import NOBODY, held_at_the_end, held_by_agents, stints_table, summary
from opsla_dagster.reporting.explanation import MOST_REJECTED, Clock, Explanation, Piece, Verdict, listed
from opsla_dagster.terminal import ruled_table

Say = Callable[[str | Table | Text], None]

_OUTCOME_STYLES = {"met": "green", "breached": "red", "running": "yellow", "unknown": "dim"}
_REASONS = {
    "stopped_before_start": "it stopped before it started (a timestamp is wrong), so nothing can be counted",
    "outside_calendar_horizon": "it reaches beyond the calendar (calendars.yml: horizon), so nothing can be counted",
    "cancelled": "the case was cancelled before the clock was stopped",
    "ended_without_stop": "the case ended without the event that would have stopped the clock",
    "policy_changed": "another policy came into force before the clock was stopped",
    "withdrawn": "the promise was withdrawn before the clock was stopped",
    "merged": "the case was merged into another one before the clock was stopped",
}


NARROW = 110
#: A status that lasts longer than this many pieces is told week by week: nobody reads four hundred nights.
MOST_PIECES = 16
#: A clock that more signals start, stop or pause names those of them that the case had.
MOST_SIGNALS = 3


def render(explanation: Explanation, console: Console) -> None:
    """Print the case: who it is, what happened, and an account of every clock."""
    words = _Words(explanation)
    say = partial(console.print, markup=True, emoji=False, highlight=False)
    _header(explanation, words, say)
    _events(explanation, words, say, is_narrow=console.width < NARROW)
    if explanation.stints:
        say(f"\n[bold]Who held it[/bold]: {escape(summary(explanation.stints, explanation.is_open))}")
        say(stints_table(explanation, words.short))
    elif at_the_end := held_at_the_end(explanation):
        say(f"\n[bold]Who held it[/bold]: {escape(at_the_end)}.")
    _links(explanation, words, say)
    had = {event.status for event in explanation.events}
    for clock in explanation.clocks:
        _clock(clock, explanation.verdict_on(clock), had, words, say)
    for judged in explanation.verdicts_without_clock():
        say(f"\n[bold]{escape(judged.title)}[/bold]: {escape(source_verdict(judged, words.zone))}")
    for name in explanation.promised_but_not_started:
        say(f"\n[bold]{escape(name)}[/bold]: never started")
    _rejected(explanation, say)
    _not_yet(explanation, say)
    if not explanation.is_consistent:
        say(
            "\n[red bold]A clock above does not agree with staging.sla_clocks. Refresh the case's intake date "
            f"({explanation.intake_date}); if that does not help, it is a bug in opsla: please report it.[/red bold]"
        )


def _links(explanation: Explanation, words: _Words, say: Say) -> None:
    """The cases and tickets that it is linked to, and those that are linked to it."""
    if explanation.links:
        say("\n[bold]Linked[/bold]")
    for link in explanation.links:
        say(escape(f"  {told(link, words.long)}"))


def _rejected(explanation: Explanation, say: Say) -> None:
    """The records of the case that no figure above knows of."""
    many = len(explanation.rejected)
    if not many:
        return
    say(f"\n[bold yellow]{counted(many, 'record')} of this case {'was' if many == 1 else 'were'} rejected[/], and {'is' if many == 1 else 'are'} in no figure above:")
    for line in listed(explanation.rejected):
        say(escape(f"  {line}"))


def _not_yet(explanation: Explanation, say: Say) -> None:
    """The records of the case that lie after its last look."""
    many = len(explanation.not_yet)
    if not many:
        return
    say(
        f"\n[bold yellow]{counted(many, 'record')} of this case {'lies' if many == 1 else 'lie'} after its last look[/] "
        f"({when(explanation.as_of_at, explanation.zone)}), and {'counts' if many == 1 else 'count'} when that time has come, unless said otherwise; a mistyped stamp is to be mended in the source:"
    )
    for record in explanation.not_yet[:MOST_REJECTED]:
        say(escape(f"  {record.sentence(explanation.zone)}"))
    if many > MOST_REJECTED:
        say(f"  and {many - MOST_REJECTED:,} more")


def render_ownership(explanation: Explanation, console: Console) -> None:
    """Print who held the case: a bar as wide as each stint lasted, and what it added."""
    words = _Words(explanation)
    say = partial(console.print, markup=True, emoji=False, highlight=False)
    _header(explanation, words, say)
    if not explanation.stints:
        _agents(explanation, words, say)
        _links(explanation, words, say)
        return
    say(f"\n[bold]Who held it[/bold]: {escape(summary(explanation.stints, explanation.is_open))}\n")
    end = explanation.ended_at or explanation.as_of_at
    length = max((end - explanation.intake_at).total_seconds(), 1.0)
    names = max(len(stint.team) for stint in explanation.stints)
    room = max(10, min(console.width, 160) - names - 6)

    def column(at: datetime | None) -> int:
        return min(max(round(((at or end) - explanation.intake_at).total_seconds() / length * room), 0), room)

    for stint in explanation.stints:
        first = min(column(stint.started_at), room - 1)
        bar = ["█"] * max(column(stint.ended_at) - first, 1)
        for span in explanation.ownership_spans:
            if span.stint == stint.stint and span.state == "done":
                bar[column(span.started_at) - first : column(span.ended_at) - first] = "░" * (column(span.ended_at) - column(span.started_at))
        say(Text(f"{stint.stint:>3} {stint.team:<{names}} " + " " * first + "".join(bar)))
    if any(span.state == "done" for span in explanation.ownership_spans):
        say("[dim]░ after completion: of no share[/dim]")
    say(stints_table(explanation, words.short))
    _links(explanation, words, say)


def _agents(explanation: Explanation, words: _Words, say: Say) -> None:
    """Who held a case of which no team is told, or which is told of its end alone."""
    if at_the_end := held_at_the_end(explanation):
        say(f"\n[bold]Who held it[/bold]: {escape(at_the_end)}. An audit log beside it (form: changes) would tell.")
        return
    held = held_by_agents(explanation.ownership_spans)
    if not held:
        say("\nNobody is told to have held this case: no record gives it to a team or an agent.")
        return
    say("\n[bold]Which agents held it[/bold]: its records name no team, and stints and hand-offs are of teams, so there are none\n")
    table = ruled_table()
    for heading in ("Agent", "From", "To"):
        table.add_column(heading)
    end = "now" if explanation.is_open else "the end"
    for agent, started_at, ended_at in held:
        table.add_row(Text(agent or NOBODY), words.short(started_at), words.short(ended_at) if ended_at else end)
    say(table)


class _Words:
    """How instants are written, in the desk's zone, and how events are numbered."""

    def __init__(self, explanation: Explanation) -> None:
        self.zone = explanation.zone
        self._year = self._at(explanation.intake_at).year
        self._numbers = {event.event_id: number for number, event in enumerate(explanation.events, start=1)}
        seen = [event.at for event in explanation.events]
        seen += [stint.started_at for stint in explanation.stints]
        seen += [at for clock in explanation.clocks for at in (clock.started_at, clock.until)]
        # An hour in autumn comes twice: only the name of the offset tells which.
        self._names_offset = len({self._at(at).utcoffset() for at in seen}) > 1

    def long(self, at: datetime) -> str:
        return when(at, self.zone)

    def short(self, at: datetime) -> str:
        """`Sat 5 Jul 00:00`, with the year where it is another than the intake's."""
        moment = self._at(at)
        year = "" if moment.year == self._year else f" {moment.year}"
        offset = f" {moment:%Z}" if self._names_offset else ""
        return f"{moment:%a} {moment.day:>2} {moment:%b}{year} {_time(moment)}{offset}"

    def by_week(self, pieces: Sequence[Piece]) -> list[Piece]:
        """The pieces of one status as one a calendar week, with how often and why it did not count."""
        weeks: dict[tuple[int, int], list[Piece]] = {}
        for piece in pieces:
            weeks.setdefault(self._at(piece.started_at).isocalendar()[:2], []).append(piece)
        return [_as_one(week) for week in weeks.values()]

    def number_of(self, event_id: str | None) -> str:
        """The event's line in the table of events; nothing for what no event began."""
        return str(self._numbers.get(event_id, "")) if event_id else ""

    def _at(self, at: datetime) -> datetime:
        return wording.local(at, self.zone)


def when(at: datetime, zone: str) -> str:
    """A naive UTC instant in `zone`: `Sat 5 Jul 2025 00:00 EDT`."""
    moment = wording.local(at, zone)
    return f"{moment:%a} {moment.day} {moment:%b %Y} {_time(moment)} {moment:%Z}"


def _time(moment: datetime) -> str:
    return f"{moment:%H:%M}" if moment.second == 0 else f"{moment:%H:%M:%S}"


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _header(explanation: Explanation, words: _Words, say: Say) -> None:
    say(f"[bold]Case {escape(explanation.case_id)}[/bold]  source {escape(explanation.source)}")
    facts = {
        "tier": explanation.tier,
        "type": explanation.case_type,
        "priority": explanation.priority,
        "team": explanation.team,
        "agent": explanation.agent,
    }
    say("  ".join(f"{name} {escape(value)}" for name, value in facts.items() if value))
    say(f"intake {words.long(explanation.intake_at)}, {_utc(explanation.intake_at)}")
    if explanation.ended_at is None:
        say(f"open as of {words.long(explanation.as_of_at)}, {_utc(explanation.as_of_at)}")
    else:
        say(f"ended {words.long(explanation.ended_at)}, {_utc(explanation.ended_at)}")
    if explanation.merged_into is not None:
        say(f"merged into case {escape(explanation.merged_into)}")
    if explanation.reopen_count:
        say(f"reopened: {explanation.reopen_count}")
    counts = "clocks run around the clock" if _never_closes(explanation) else "clocks count business time, the open hours of their calendars"
    say(f"Times are local to {explanation.zone}; {counts}, as h:mm:ss.")


def _never_closes(explanation: Explanation) -> bool:
    return bool(explanation.clocks) and all(clock.is_always_open for clock in explanation.clocks)


def _events(explanation: Explanation, words: _Words, say: Say, *, is_narrow: bool) -> None:
    table = ruled_table()
    for name in ("#", "when", "status"):
        table.add_column(name, no_wrap=True)
    # A narrow terminal has no room for what is said elsewhere: the instant in UTC, the source's word where it is ours.
    names = {event.source_status for event in explanation.events if event.source_status != event.status}
    shown = {"UTC": not is_narrow, "in the source": bool(names - {None}), "event": True, "remarks": True}
    for name in (name for name, is_shown in shown.items() if is_shown):
        table.add_column(name, overflow="fold")
    for number, event in enumerate(explanation.events, start=1):
        cells = {
            "UTC": _utc(event.at), "in the source": event.source_status or "", "event": event.event_id,
            "remarks": "; ".join(event.flags),
        }
        told = (Text(cell) for name, cell in cells.items() if shown[name])
        table.add_row(str(number), words.short(event.at), Text(event.status), *told)
    say("\n[bold]Events[/bold]")
    say(table)


def _clock(clock: Clock, judged: Verdict | None, had: Set[str], words: _Words, say: Say) -> None:
    say(
        f"\n[bold]{escape(_name(clock))}[/bold]: {_any_of(clock.starts, had)} to {_any_of(clock.stops, had)}"
        + (f", paused in {_any_of(clock.pauses, had)}" if clock.pauses else "")
        + f"; target {wording.exact(clock.target_seconds)} on calendar {escape(clock.calendar)}"
    )
    started = f"started {words.long(clock.started_at)}{_by(clock.started_by, 'the case record')}"
    if clock.stopped_at is None:
        say(f"{started}; still open as of {words.long(clock.until)}")
    else:
        say(f"{started}; stopped {words.long(clock.stopped_at)}{_by(clock.stopped_by, 'the end of the case')}")
    if clock.schedule_rule is not None:
        say(f"the schedule changed: {schedule_rule(clock)}")
    say(f"[{_OUTCOME_STYLES[clock.outcome]}]{escape(verdict(clock, words.zone))}[/]")
    if judged is not None:
        say(escape(source_verdict(judged, words.zone)))
    if clock.pieces:
        say(_parts_table(clock, words))
    if not clock.is_consistent:
        stored = "none" if clock.stored_elapsed_seconds is None else wording.clock_time(clock.stored_elapsed_seconds)
        say(f"[red bold]staging.sla_clocks says otherwise: {stored}[/red bold]")


def _any_of(signals: Sequence[str], had: Set[str]) -> str:
    """`RESOLVED or CLOSED`; where they are many, those that the case `had`, and how many there are: `INVESTIGATION (of 11 in sla_policies.yml)`."""
    if len(signals) <= MOST_SIGNALS:
        return " or ".join(signals)
    named = [signal for signal in signals if signal in had]
    return f"{' or '.join(named)} (of {len(signals)} in sla_policies.yml)" if named else f"any of {len(signals)} (sla_policies.yml)"


def _name(clock: Clock) -> str:
    """`SLA A: first resolution (first_resolution, policy p1)`, with the cycle where there are several."""
    cycle = f", cycle {clock.cycle}" if clock.cycle > 1 else ""
    return f"{clock.title} ({clock.metric}, policy {clock.policy}{cycle})"


def _by(event_id: str | None, otherwise: str) -> str:
    return f" (by {escape(event_id or otherwise)})"


def _parts_table(clock: Clock, words: _Words) -> Table:
    table = ruled_table(show_footer=True, gap=1)
    table.add_column("from", no_wrap=True)
    table.add_column("to", no_wrap=True)
    table.add_column("status", footer="total", no_wrap=True)
    table.add_column("#", no_wrap=True)  # of the event that began the status
    table.add_column("counted", justify="right", no_wrap=True, footer=wording.clock_time(clock.counted_seconds))
    left_out = f"{wording.clock_time(clock.paused_seconds)} while paused" if clock.paused_seconds else ""
    table.add_column("reason", footer=left_out)
    for group in _by_status(clock.pieces):
        for piece in group if len(group) <= MOST_PIECES else words.by_week(group):
            table.add_row(*_piece_cells(piece, words), style="dim" if piece.counted_seconds == 0 else None)
        if len(group) > 1:
            subtotal = sum(piece.counted_seconds for piece in group)
            table.add_row("", "", f"{_status(group[0])}, sum", "", wording.clock_time(subtotal), "", style="italic")
    return table


def _as_one(pieces: Sequence[Piece]) -> Piece:
    reasons = Counter(piece.why_not for piece in pieces if piece.why_not)
    return replace(
        pieces[0],
        ended_at=pieces[-1].ended_at,
        why_not=", ".join(f"{count} x {why_not}" for why_not, count in reasons.items()) or None,
        open_seconds=sum(piece.open_seconds for piece in pieces),
        counted_seconds=sum(piece.counted_seconds for piece in pieces),
    )


def _piece_cells(piece: Piece, words: _Words) -> tuple[str | Text, ...]:
    why_not = piece.why_not or ""
    if piece.kind == "paused":
        why_not += f" ({wording.clock_time(piece.open_seconds)} open)"
    cells = (_status(piece), words.number_of(piece.event_id), wording.clock_time(piece.counted_seconds), why_not)
    return (words.short(piece.started_at), words.short(piece.ended_at), *map(Text, cells))


def _status(piece: Piece) -> str:
    return piece.status or "(no status)"


def _by_status(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces of each stretch in one status."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        if groups and (groups[-1][0].status, groups[-1][0].event_id) == (piece.status, piece.event_id):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def verdict(clock: Clock, zone: str) -> str:
    """How the clock ended or stands, in words; instants in `zone`."""
    due_at = when(clock.due_at, zone) if clock.due_at else ""
    if clock.outcome == "unknown" or clock.margin_seconds is None:
        return f"unknown: {_REASONS.get(clock.reason or '', clock.reason)}"
    margin = wording.exact(abs(clock.margin_seconds)) + ("" if clock.is_always_open else " of business time")
    due = f" (due {due_at})" if clock.due_at else ""
    if clock.outcome == "met":
        return f"met, {margin} early" if clock.margin_seconds else "met, exactly at its target"
    if clock.outcome == "breached":
        return f"breached, {margin} late{due}" + ("; still open" if clock.is_open else "")
    if clock.is_paused:
        return f"running, paused now; {margin} left"
    if not clock.margin_seconds:
        return f"running, its target used up to the second{due}: one more open second and it is breached"
    return f"running, {margin} left" + (f"; due {due_at}" if clock.due_at else "")


def schedule_rule(clock: Clock) -> str:
    """How a clock counts whose schedule changed, and what the other rule would have made of it."""
    rules = {"in_force": "each second counts by the schedule in force at the time", "last": "all of it counts by the last schedule"}
    if clock.other_rule_seconds is None:
        return rules[clock.schedule_rule or "last"]
    other = "by the last schedule alone" if clock.schedule_rule == "in_force" else "by the schedule in force at each instant"
    return f"{rules[clock.schedule_rule or 'last']}; {other} it would be {wording.clock_time(clock.other_rule_seconds)}"


def source_verdict(judged: Verdict, zone: str) -> str:
    """What the source says of a clock, and how that compares: `the source says breached since Mon ..., 1:05:00 counted: another time`."""
    verdict_words = {True: "breached", False: "met", None: ""}[judged.is_breached]
    since = f" since {when(judged.breached_at, zone)}" if judged.breached_at is not None else ""
    time = f"{wording.clock_time(judged.elapsed_seconds)} counted" if judged.elapsed_seconds is not None else ""
    said = ", ".join(filter(None, (f"{verdict_words}{since}", time))) or "neither a verdict nor a time"
    name, why = way(judged.comparison)
    return f"the source says {said}: {name}" + ("" if judged.comparison == "agrees" else f". {why}")
