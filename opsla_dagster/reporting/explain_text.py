"""An explained case on a screen.

Belongs here: words and tables for people. Does not belong here: any figure that explain.py has not worked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from opsla_dagster.reporting.explain import Clock, Explanation, Piece

_OUTCOME_STYLES = {"met": "green", "breached": "red", "running": "yellow", "unknown": "dim"}
_REASONS = {
    "stopped_before_start": "its stop lies before its start (a stamp is wrong), so nothing can be counted",
    "outside_calendar_horizon": "it reaches beyond the calendar (calendars.yml: horizon), so nothing can be counted",
    "cancelled": "the case was cancelled before the clock was stopped",
    "ended_without_stop": "the case ended without what would have stopped the clock",
}


def render(explanation: Explanation, console: Console) -> None:
    """Print the case: who it is, what happened, and an account of every clock."""
    words = _Words(explanation.zone)
    _header(explanation, words, console)
    _events(explanation, words, console)
    for clock in explanation.clocks:
        _clock(clock, words, console)
    for name in explanation.clocks_not_started:
        console.print(f"\n[bold]{escape(name)}[/bold]: never started")
    if not explanation.is_consistent:
        console.print(
            "\n[red bold]An account above does not add up to staging.sla_clocks. Refresh the case's intake date "
            f"({explanation.intake_date}); if it stays so, it is a fault of opsla: please report it.[/red bold]"
        )


class _Words:
    """How instants are written: in the desk's zone, named, because an hour in autumn comes twice."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)

    def local(self, at: datetime) -> str:
        moment = at.replace(tzinfo=UTC).astimezone(self.zone)
        time = f"{moment:%H:%M}" if moment.second == 0 else f"{moment:%H:%M:%S}"
        return f"{moment:%a} {moment.day} {moment:%b %Y} {time} {moment:%Z}"

    def utc(self, at: datetime) -> str:
        return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _header(explanation: Explanation, words: _Words, console: Console) -> None:
    console.print(f"[bold]Case {escape(explanation.case_id)}[/bold]  (source {escape(explanation.source)})")
    facts = {
        "tier": explanation.tier,
        "type": explanation.case_type,
        "priority": explanation.priority,
        "team": explanation.team,
        "agent": explanation.agent,
    }
    console.print("  ".join(f"{name} {escape(value)}" for name, value in facts.items() if value))
    console.print(f"intake   {words.local(explanation.intake_at)}  ({words.utc(explanation.intake_at)})")
    if explanation.ended_at is None:
        console.print(f"open as of {words.local(explanation.as_of_at)}  ({words.utc(explanation.as_of_at)})")
    else:
        console.print(f"ended    {words.local(explanation.ended_at)}  ({words.utc(explanation.ended_at)})")
    if explanation.reopen_count:
        console.print(f"reopened {explanation.reopen_count} times")


def _events(explanation: Explanation, words: _Words, console: Console) -> None:
    table = Table("when", "UTC", "status", "in the source", "event", "remarks", title="Events", title_justify="left")
    for event in explanation.events:
        cells = (event.status, event.source_status or "", event.event_id, "; ".join(event.flags))
        table.add_row(words.local(event.at), words.utc(event.at), *map(escape, cells))
    console.print()
    console.print(table)


def _clock(clock: Clock, words: _Words, console: Console) -> None:
    console.print()
    console.print(
        f"[bold]{escape(clock.clock)}[/bold]: {' or '.join(clock.starts)} to {' or '.join(clock.stops)}"
        + (f", paused in {', '.join(clock.pauses)}" if clock.pauses else "")
        + f"; target {_duration(clock.target_seconds)} of calendar {escape(clock.calendar)}"
    )
    started = f"started {words.local(clock.started_at)}" + _by(clock.started_by, "the case record")
    if clock.stopped_at is None:
        console.print(f"{started}; still on as of {words.local(clock.until)}")
    else:
        console.print(
            f"{started}; stopped {words.local(clock.stopped_at)}{_by(clock.stopped_by, 'the end of the case')}"
        )
    if clock.pieces:
        console.print(_pieces(clock, words))
    console.print(f"[{_OUTCOME_STYLES[clock.outcome]}]{escape(_verdict(clock, words))}[/]")
    if not clock.is_consistent:
        stored = "none" if clock.stored_elapsed_seconds is None else _minutes(clock.stored_elapsed_seconds)
        console.print(f"[red bold]staging.sla_clocks has another figure: {stored}[/red bold]")


def _by(event_id: str | None, otherwise: str) -> str:
    return f" (by {escape(event_id or otherwise)})"


def _pieces(clock: Clock, words: _Words) -> Table:
    table = Table(show_footer=True)
    table.add_column("from")
    table.add_column("to", footer="counted" if not clock.paused_seconds else "counted\nleft out while paused")
    table.add_column("status")
    table.add_column("event")
    footer = _minutes(clock.counted_seconds)
    if clock.paused_seconds:
        footer += f"\n{_minutes(clock.paused_seconds)}"
    table.add_column("minutes", justify="right", footer=footer)
    table.add_column("why not counted")
    for status_pieces in _by_status(clock.pieces):
        for piece in status_pieces:
            table.add_row(*_piece_cells(piece, words), style=None if piece.why_not is None else "dim")
        if len(status_pieces) > 1:
            subtotal = sum(piece.counted_seconds for piece in status_pieces)
            table.add_row("", "", f"{status_pieces[0].status or ''} in all", "", _minutes(subtotal), "", style="italic")
        table.add_section()
    return table


def _piece_cells(piece: Piece, words: _Words) -> tuple[str, ...]:
    cells = (piece.status or "(no status)", piece.event_id or "", _minutes(piece.counted_seconds), piece.why_not or "")
    return (words.local(piece.started_at), words.local(piece.ended_at), *map(escape, cells))


def _by_status(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces of each stretch in one status."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        if groups and (groups[-1][0].status, groups[-1][0].event_id) == (piece.status, piece.event_id):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def _verdict(clock: Clock, words: _Words) -> str:
    if clock.outcome == "unknown" or clock.margin_seconds is None:
        return f"unknown: {_REASONS.get(clock.reason or '', clock.reason)}"
    margin = _duration(abs(clock.margin_seconds))
    due = f" (used up {words.local(clock.due_at)})" if clock.due_at else ""
    if clock.outcome == "met":
        return f"met, {margin} early" if clock.margin_seconds else "met, exactly at its target"
    if clock.outcome == "breached":
        return f"breached, {margin} late{due}" + ("; still open" if clock.is_open else "")
    if clock.is_paused:
        return f"running, paused now; {margin} left"
    return f"running, {margin} left" + (f"; due {words.local(clock.due_at)}" if clock.due_at else "")


def _minutes(seconds: int) -> str:
    """Minutes and seconds, `605:30`: exact, and a column of them adds up."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def _duration(seconds: int) -> str:
    """`1 h 02 min 03 s` of open time; there are no days in it, a business day has no fixed length."""
    hours, rest = divmod(seconds, 3600)
    parts = [(hours, "h"), (rest // 60, "min"), (rest % 60, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
