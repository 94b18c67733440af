"""Which ticket is next, in each queue or for one agent: `opsla next`, and what the command centre and the report show of it.

Belongs here: reading the published order, and writing it as a table, JSON or CSV. Does not belong here: the order (worklist/).
"""

from __future__ import annotations

import difflib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
from rich.console import Console
from rich.text import Text

from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import rounded
from opsla_dagster.printable import visible_json
from opsla_dagster.queueing.orders import BY_DUE_DATE
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.backlog import desk_at
from opsla_dagster.reporting.marts import Row, has_table, published, rows
from opsla_dagster.reporting.promises import metric_title
from opsla_dagster.reporting.spreadsheet import write_csv
from opsla_dagster.reporting.unloaded import unloaded_dates
from opsla_dagster.settings import Settings
from opsla_dagster.terminal import ruled_table

TICKETS, POLICIES, RISK = "mart.next_best_ticket", "mart.worklist_policies", "mart.open_case_risk"
_SHOWN_NAMES = 12
#: How the two probabilities of one clock differ.
RISK_AND_CHANCE = "Risk: that the clock is breached as cases usually go, by the model or, where none serves, by the counted share of its target. Chance: that it is kept if the case is begun now, by the estimate of work; where the risk is by the model, never below 1 - risk."
#: What the instant means for whoever compares the list with the desk.
UNTIL_NOW = "The order holds for this instant: what happened later is not seen, so a case may be solved since."
_DUE_COLUMNS = ("source", "case_id", "waits_for", "next_policy", "next_metric", "next_due_at", "next_remaining_business_minutes", "breached_clocks", "age_calendar_minutes")
_RISK_COLUMNS = ("breach_probability", "probability_source", "reason_1", "reason_2", "reason_3")


@dataclass(frozen=True)
class Asked:
    """What is asked for: one queue (None: each), the cases that one agent holds (None: whoever holds them), how many of each, and when (naive UTC; None: now)."""

    queue: str | None
    agent: str | None
    limit: int
    at: datetime | None = None

    @property
    def position(self) -> str:
        return "position_for_agent" if self.agent is not None else "position_in_queue"


def tickets_sql(connection: duckdb.DuckDBPyConnection) -> str:
    """mart.next_best_ticket with the risk of the clock that makes it due: NULL where no such table is published."""
    if not has_table(connection, RISK):
        return f"select tickets.*, {', '.join(f'null as {name}' for name in _RISK_COLUMNS)} from {TICKETS} as tickets"
    return f"""
        select tickets.*, {', '.join(f'risk.{name}' for name in _RISK_COLUMNS)}
        from {TICKETS} as tickets
        left join {RISK} as risk
            on tickets.case_id = risk.case_id and tickets.due_policy = risk.policy and tickets.due_metric = risk.metric and tickets.due_cycle = risk.cycle
    """


def next_tickets(connection: duckdb.DuckDBPyConnection, asked: Asked) -> list[Row]:
    """The first tickets of each queue, or of the agent, in order. Raises OpslaError for a queue or an agent without any."""
    if not has_table(connection, TICKETS):
        raise OpslaError("these marts have no order of tickets yet; `opsla refresh` makes it")
    _require(connection, "queue", asked.queue)
    _require(connection, "agent", asked.agent)
    order = "queue, position_in_queue" if asked.agent is None else "position_for_agent"
    return rows(
        connection,
        f"select * from ({tickets_sql(connection)}) where ($queue is null or queue = $queue) and ($agent is null or agent = $agent) "
        f"qualify row_number() over (partition by {'queue' if asked.agent is None else 'agent'} order by {asked.position}) <= $limit order by {order}",
        parameters={"queue": asked.queue, "agent": asked.agent, "limit": asked.limit},
    )


def first_tickets(connection: duckdb.DuckDBPyConnection, queue: str | None, limit: int) -> list[Row]:
    """The first tickets of one queue; of several, the first of each alone, that which is due first before the others."""
    return rows(
        connection,
        f"select * from ({tickets_sql(connection)}) where ($queue is null or queue = $queue) "
        f"and (position_in_queue = 1 or $queue is not null or (select count(distinct queue) from {TICKETS}) = 1) "
        "order by position_in_queue, due_in_business_minutes nulls last, case_id limit $limit",
        parameters={"queue": queue, "limit": limit},
    )


def policies(connection: duckdb.DuckDBPyConnection) -> dict[str, Row]:
    """mart.worklist_policies by queue."""
    return {row["queue"]: row for row in rows(connection, f"select * from {POLICIES} order by queue", POLICIES)}


def replays(in_force: dict[str, Row]) -> list[Row]:
    """What happened in each queue beside what a replay of it has, in shares; the queues where nothing was replayed last."""
    shown = [
        {**row, **{f"{name}_breached_pct": 100 * row[f"{name}_breached_cases"] / row["past_due_cases"] if row["past_due_cases"] else None for name in ("past", "replayed")}}
        for row in in_force.values()
    ]  # fmt: skip
    return sorted(shown, key=lambda row: (not row["past_due_cases"], row["queue"]))


def why_by_due_date(in_force: dict[str, Row]) -> str:
    """Why the queues by due date are: `in 2 due dates can be kept; in 9 the simulation does not reproduce what happened`. Empty where none is."""
    rows = [row for row in in_force.values() if row["picking_policy"] == BY_DUE_DATE]
    kept = sum(1 for row in rows if row["is_replay_believed"])
    refused = sum(1 for row in rows if row["is_replay_believed"] is False)
    said = [
        (kept, "due dates can be kept, or the guarded index is not known to keep more"),
        (refused, "a simulation does not reproduce what happened, so it has no say"),
        (len(rows) - kept - refused, "too little is known to simulate"),
    ]
    return "; ".join(f"in {wording.count(count)} {text}" for count, text in said if count)


def _require(connection: duckdb.DuckDBPyConnection, what: str, name: str | None) -> None:
    """Raises OpslaError where no ticket that can be worked on is of the queue or agent."""
    if name is None:
        return
    known = [row["name"] for row in rows(connection, f"select distinct {what} as name from {TICKETS} where {what} is not null order by all")]
    if name in known:
        return
    if not known:
        raise OpslaError(f"--{what} {name}: no open case that waits for us has {'an agent' if what == 'agent' else 'a queue'}")
    near = known if len(known) <= _SHOWN_NAMES + 1 else difflib.get_close_matches(name, known, n=3) or known[:_SHOWN_NAMES]
    more = f" and {len(known) - len(near)} more" if len(known) > len(near) else ""
    raise OpslaError(f"--{what} {name}: no open case that waits for us is with this {what}; there are {', '.join(near)}{more}")


def due_reason(settings: Settings, row: Row) -> str:
    """Why an open case falls due next, where no order was made: what falls due, what is left, and whom it waits for. `row` is of mart.backlog_now."""
    left = wording.time_taken(row["next_remaining_business_minutes"])
    who = {"us": "it waits for us", "customer": "it waits for the customer", "vendor": "it waits for a vendor", "other": "it waits for others"}.get(row["waits_for"] or "", "")
    late = f"{wording.counted(row['breached_clocks'], 'other clock is', 'other clocks are')} past target already" if row["breached_clocks"] else ""
    return "; ".join(part for part in (f"{metric_title(settings.sla_policies, row['next_metric'])}: {left} of open time left", who, late) if part)


def _print_due(settings: Settings, asked: Asked, form: Literal["table", "json", "csv"], console: Console) -> str | None:
    """What fell due next at an instant of the past, for which no order was made: the same list as the command centre has."""
    with desk_at(settings, asked.at) as desk:
        held = "agent" if asked.agent is not None else "coalesce(team, 'none')"
        wanted = asked.agent if asked.agent is not None else asked.queue
        known = [str(row["name"]) for row in desk.rows("mart.backlog_now", f"distinct {held} as name", f"where {held} is not null order by all")]
        if wanted is not None and wanted not in known:
            raise OpslaError(f"--{'agent' if asked.agent else 'queue'} {wanted}: no case that was open then is with it; there are {', '.join(known[:_SHOWN_NAMES]) or 'none'}")
        found = desk.rows(
            "mart.backlog_now",
            f"coalesce(team, 'none') as queue, agent, priority, {', '.join(_DUE_COLUMNS)}",
            f"where next_due_at is not null and ($wanted is null or {held} = $wanted) and ($queue is null or coalesce(team, 'none') = $queue) "
            f"qualify row_number() over (partition by {'agent' if asked.agent is not None else 'queue'} order by next_due_at, case_id) <= $limit "
            f"order by {'next_due_at' if asked.agent is not None else 'queue, next_due_at'}, case_id",
            {"wanted": wanted, "queue": asked.queue, "limit": asked.limit},
        )
        said, unloaded = desk.sentence(), unloaded_dates(desk.connection)
    match form:
        case "json":
            at = _plain({"at": asked.at})["at"]
            return visible_json(json.dumps({"at": at, "queue": asked.queue, "agent": asked.agent, "tickets": [_plain(row) for row in found], "unloaded": unloaded or None}, indent=2, ensure_ascii=False))
        case "csv":
            return _as_csv(found)
    console.print(said, highlight=False, markup=False)
    if unloaded:
        console.print(unloaded, highlight=False, markup=False)
    console.print("No order was made for this instant; listed is what fell due next.", highlight=False, markup=False)
    if not found:
        console.print("No open clock is known to fall due.", highlight=False, markup=False)
        return None
    table = ruled_table()
    for heading in ("queue", "case", "priority", "due (UTC)", "why it is next"):
        table.add_column(heading, no_wrap=heading == "case")
    for row in found:
        table.add_row(*(Text(cell) for cell in (wording.told(row["queue"]), row["case_id"], row["priority"] or wording.MISSING, wording.instant(row["next_due_at"]), due_reason(settings, row))))
    console.print(table)
    return None


def print_next(settings: Settings, asked: Asked, form: Literal["table", "json", "csv"], console: Console) -> str | None:
    """Prints the tickets as tables; as JSON or CSV it returns the text to print. Raises OpslaError where nothing is published or nothing is of what is asked."""
    if asked.at is not None and asked.at != _now_at(settings):
        return _print_due(settings, asked, form, console)
    with published(settings.home.marts_database) as connection:
        found = next_tickets(connection, asked)
        in_force = policies(connection)
        now_at = rows(connection, "select now_at from mart.desk_now")
        unloaded = unloaded_dates(connection)
        match form:
            case "json":
                return visible_json(json.dumps({**_as_json(found, in_force, asked), "unloaded": unloaded or None}, indent=2, ensure_ascii=False))
            case "csv":
                return _as_csv(found)
    if not now_at:
        console.print("Nothing is loaded yet, so nothing is open; `opsla run` loads a first window.", markup=False)
        return None
    console.print(f"As of {wording.instant(now_at[0]['now_at'])}, which is now here. What waits for somebody else is left out.", highlight=False, markup=False)
    if unloaded:
        console.print(unloaded, highlight=False, markup=False)
    console.print(UNTIL_NOW, highlight=False, markup=False)
    if any(row["breach_probability"] is not None for row in found):
        console.print(RISK_AND_CHANCE, highlight=False, markup=False)
    if not found:
        console.print("No open case waits for us.", highlight=False, markup=False)
    for queue in dict.fromkeys(row["queue"] for row in found) if asked.agent is None else [None]:
        _print_line(settings, [row for row in found if queue is None or row["queue"] == queue], queue, in_force, console)
    return None


def _now_at(settings: Settings) -> datetime | None:
    """What now stands for, which an order was made for."""
    with desk_at(settings) as desk:
        return desk.at


def _print_line(settings: Settings, tickets: Sequence[Row], queue: str | None, in_force: dict[str, Row], console: Console) -> None:
    policy = in_force[queue] if queue is not None else None
    console.print()
    if policy is not None:
        console.print(Text.assemble((wording.queue(policy["queue"]), "bold"), f": by {policy['picking_policy']}, {wording.counted(policy['workable_cases'], 'case')} to work on"))
        console.print(f"{policy['picking_policy_reason'][0].upper()}{policy['picking_policy_reason'][1:]}.", highlight=False, markup=False)
    table = ruled_table()
    has_risk = any(row["breach_probability"] is not None for row in tickets)
    headings = ["", "case", *(["queue"] if queue is None else []), "priority", "promise", "why it stands there", *(["risk"] if has_risk else []), "defers"]
    for number, heading in enumerate(headings):
        # A case id that is cut short cannot be asked for.
        table.add_column(heading, justify="right" if number == 0 or heading == "risk" else "left", no_wrap=heading == "case")
    for row in tickets:
        place = row["position_in_queue"] if queue is not None else row["position_for_agent"]
        risk = [share(row["breach_probability"])] if has_risk else []
        table.add_row(*(Text(cell) for cell in (
            str(place), row["case_id"], *([wording.told(row["queue"])] if queue is None else []), row["priority"] or wording.MISSING,
            promise(settings, row), row["next_reason"], *risk, defers(row),
        )))  # fmt: skip
    console.print(table)


def promise(settings: Settings, row: Row) -> str:
    """The title of what makes a ticket due."""
    return wording.MISSING if row["due_metric"] is None else metric_title(settings.sla_policies, row["due_metric"])


def defers(row: Row) -> str:
    """Whom the ticket goes before, and what that one's claim is."""
    return "nobody" if row["defers_case_id"] is None else f"{row['defers_case_id']}: {row['defers_reason']}"


def share(probability: float | None) -> str:
    """A probability as a share: `36%`."""
    return wording.MISSING if probability is None else f"{rounded(100 * probability)}%"


def _as_json(found: Sequence[Row], in_force: dict[str, Row], asked: Asked) -> dict[str, Any]:
    queues = dict.fromkeys(row["queue"] for row in found)
    return {
        "now_at": _plain(found[0])["now_at"] if found else None, "queue": asked.queue, "agent": asked.agent,
        "policies": [_plain(in_force[queue]) for queue in queues if queue in in_force],
        "tickets": [_plain(row) for row in found],
    }  # fmt: skip


def _plain(row: Row) -> dict[str, Any]:
    def value(found: Any) -> Any:
        if isinstance(found, datetime):
            return f"{found.isoformat()}Z"
        return found.isoformat() if isinstance(found, date) else found

    return {name: value(found) for name, found in row.items()}


def _as_csv(found: Sequence[Row]) -> str:
    """As `opsla export --format csv` writes it: text that a spreadsheet would take for a formula is text."""
    import pyarrow as pa

    if not found:
        return ""
    with tempfile.TemporaryDirectory() as directory, duckdb.connect() as connection:
        shown = pa.Table.from_pylist(list(found))
        connection.register("shown", shown)
        path = Path(directory) / "next.csv"
        write_csv(connection, "select * from shown", path, raw=False)
        return path.read_text(encoding="utf-8").rstrip("\n")
