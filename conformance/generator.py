"""Random documents: many cases under random calendars, metrics and policies, from a seed.

Belongs here: drawing documents of the suite's format, with the accidents of real logs in them more often than in real logs.
Does not belong here: expected values; for random cases the oracle has them.

Most instants lie on quarters of an hour, as targets do, so that events meet each other, opening times and targets to the second.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

from conformance.documents import AppliedTarget, Case, Change, Document, Signal, instant, shared

HOUR, DAY = 3600, 86_400
ZONES = [
    "UTC", "America/New_York", "America/Santiago", "America/St_Johns", "America/Sao_Paulo", "Europe/Berlin", "Europe/London",
    "Europe/Dublin", "Africa/Casablanca", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Asia/Tokyo", "Australia/Adelaide",
    "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Pago_Pago",
]
WEEKS: list[dict[str, list[str]]] = [
    {"mon-fri": ["08:00-18:00"]},
    {"mon-fri": ["09:00-12:00", "13:00-17:30"]},
    {"mon-fri": ["08:00-18:00"], "sat": ["09:00-13:00"]},
    {"sun-thu": ["10:00-17:00"]},
    {"mon-sun": ["00:00-24:00"]},
    {"mon-sun": ["22:00-06:00"]},
    {"mon-thu": ["21:15-05:45"], "sun": ["01:00-05:00"]},
    {"mon": ["00:00-00:15", "23:45-24:00"], "tue-fri": ["02:00-03:00", "12:00-12:01"]},
    {"sat-sun": ["00:00-12:00"]},
    {"mon-fri": ["06:00-14:00", "14:00-22:00", "22:00-24:00"], "sun": ["23:00-04:00"]},
]
VALUES: dict[str, list[str]] = {
    "priority": ["P1", "P2", "P3"], "tier": ["T1", "T2"], "brand": ["acme", "umbrella"], "region": ["emea", "apac"],
    "channel": ["mail", "phone"], "team": ["billing", "network"], "case_type": ["incident", "question"],
    "customer": ["initech", "hooli"], "tags": ["vip", "urgent vip", "urgent", "vipers"],
}
SCOPES = {"team": "queue", "tags": "tag"}
#: How often what happens to a case, roughly as on a desk.
SIGNALS = {
    "TRIAGE": 6, "ASSIGNED": 4, "INVESTIGATION": 8, "ESCALATED": 2, "CUSTOMER_WAIT": 6, "VENDOR_WAIT": 3, "ON_HOLD": 3,
    "REVIEW_QA": 3, "RESOLVED": 8, "CLOSED": 3, "CANCELLED": 1, "MERGED": 1, "REOPENED": 4, "INTAKE": 1,
    "CUSTOMER_MESSAGE": 9, "PUBLIC_REPLY": 9, "BOT_REPLY": 2, "PRIVATE_NOTE": 3,
}
WAITS = ["CUSTOMER_WAIT", "VENDOR_WAIT", "ON_HOLD", "REVIEW_QA", "ESCALATED", "REOPENED", "RESOLVED"]
SOURCES = ["conformance", "mailbox", "vendor", "vendor"]
INITIATORS = ["customer", "agent", "automation"]
#: What vendors measure, beside the standard set: a reply that a solve ends too, and a next reply after the first one only.
VENDOR_METRICS: dict[str, dict[str, Any]] = {
    "reply_or_solved": {"start": ["INTAKE"], "stop": ["PUBLIC_REPLY", "RESOLVED"], "cancel": ["CLOSED"]},
    "bot_or_person": {"start": ["INTAKE", "CUSTOMER_MESSAGE"], "stop": ["PUBLIC_REPLY", "BOT_REPLY"], "repeats": True},
    "subsequent_reply": {"start": ["CUSTOMER_MESSAGE"], "stop": ["PUBLIC_REPLY"], "cancel": ["RESOLVED"], "repeats": True, "after": ["PUBLIC_REPLY"]},
    "group_ownership": {"start": ["GROUP_ASSIGNED"], "stop": ["GROUP_CHANGED", "RESOLVED", "CLOSED"], "repeats": True},
    "time_to_group": {"start": ["INTAKE"], "stop": ["GROUP_ASSIGNED"]},
    "resolved_by_a_group": {"start": ["GROUP_ASSIGNED"], "stop": ["RESOLVED"], "pause": ["CUSTOMER_WAIT"]},
    "reply_of_a_group": {"start": ["CUSTOMER_MESSAGE"], "stop": ["PUBLIC_REPLY", "GROUP_CHANGED"], "repeats": True, "after": ["GROUP_ASSIGNED"]},
    "until_closed": {"start": ["INTAKE"], "stop": ["CLOSED", "MERGED"], "pause": ["CUSTOMER_WAIT", "RESOLVED"]},
}


def draw_document(seed: int, cases: int = 400) -> Document:
    """The document of a seed: the same one each time."""
    draw = Random(seed)
    start = date(draw.randint(2015, 2032), draw.randint(1, 12), draw.randint(1, 28))
    end = start + timedelta(days=draw.choice([40, 90, 200, 400]))
    calendars = {f"calendar_{number}": _calendar(draw, start, end) for number in range(draw.randint(2, 5))}
    calendars["vendor:always"] = {"zone": "UTC", "always_open": True}
    metrics = dict(shared("metrics")["standard"])
    metrics |= {name: VENDOR_METRICS[name] for name in draw.sample(list(VENDOR_METRICS), draw.randint(0, 4))}
    for number in range(draw.randint(0, 3)):
        metrics[f"metric_{number}"] = _metric(draw)
    policies = [_policy(draw, number, metrics, calendars) for number in range(draw.randint(1, 7))]
    first, last = instant(start), instant(end)
    as_of = draw.choice([last - 1, *(_instant(draw, first + (last - first) // 2, last) for _ in range(6))])
    return Document(
        id=f"seed_{seed}", why="random", as_of=as_of, metrics=metrics, policies=tuple(policies),
        calendars={"horizon": {"start": start, "end": end}, "calendars": calendars},
        cases=tuple(
            _case(draw, f"s{seed}-{number:05d}", first, last, metrics, list(calendars)) for number in range(cases)
        ),
    )


def _calendar(draw: Random, start: date, end: date) -> dict[str, Any]:
    zone = draw.choice(ZONES)
    if draw.random() < 0.15:
        return {"zone": zone, "always_open": True}
    days = (end - start).days
    half_days = draw.sample(range(days), 3)
    holidays: list[Any] = [start + timedelta(days=draw.randrange(days)) for _ in range(draw.randint(0, 4))]
    first = start + timedelta(days=draw.randrange(days))
    holidays.append({"from": first, "to": first + timedelta(days=draw.randint(0, 10)), "name": "long"})
    calendar: dict[str, Any] = {
        "zone": zone, "hours": draw.choice(WEEKS), "holidays": holidays,
        "half_days": [
            {"date": start + timedelta(days=day), "hours": draw.choice([["09:00-11:30"], ["00:00-24:00"], ["08:00-09:00", "20:00-24:00"]])}
            for day in half_days
        ],
    }
    taken = {row["date"] for row in calendar["half_days"]}
    worked = [day for day in (start + timedelta(days=draw.randrange(days)) for _ in range(draw.randint(0, 3))) if day not in taken]
    calendar["working_days"] = [
        day if draw.random() < 0.5 else {"date": day, "hours": draw.choice([["10:00-12:00"], ["00:00-24:00"]])} for day in dict.fromkeys(worked)
    ]
    if draw.random() < 0.5:
        calendar["business_day"] = draw.choice(["8h", "7h 30m", "24h"])
    return calendar


def _metric(draw: Random) -> dict[str, Any]:
    names = list(SIGNALS)
    draw.shuffle(names)
    repeats = draw.random() < 0.4
    stop = [name for name in names[:3] if name != "INTAKE"][: draw.randint(1, 2)]
    rest = [name for name in names if name not in stop]
    start = ["INTAKE"] if draw.random() < 0.4 else rest[: draw.randint(1, 2)]
    cancel = [name for name in rest[2:4] if name not in ("INTAKE", *start)] if draw.random() < 0.4 else []
    pause = [name for name in WAITS if name not in (*start, *stop, *cancel) and draw.random() < 0.4]
    if repeats and draw.random() < 0.4:
        start = [*start, stop[0]]
        pause = [name for name in pause if name not in start]
    after = [draw.choice([name for name in names if name != "INTAKE"])] if "INTAKE" not in start and draw.random() < 0.3 else []
    return {"start": start, "stop": stop, "cancel": cancel, "pause": pause, "repeats": repeats, "after": after}


def _policy(draw: Random, number: int, metrics: dict[str, Any], calendars: dict[str, Any]) -> dict[str, Any]:
    when: dict[str, list[str]] = {}
    for attribute in draw.sample(list(VALUES), draw.choice([0, 1, 1, 1, 2])):
        values = sorted({value for told in VALUES[attribute] for value in told.split()})
        when[SCOPES.get(attribute, attribute)] = draw.sample(values, draw.randint(1, 2))
    if draw.random() < 0.1:
        when["source"] = draw.sample(sorted(set(SOURCES)), 2)
    if draw.random() < 0.1:
        when["initiated_by"] = draw.sample(INITIATORS, draw.randint(1, 2))
    calendar = draw.choice(list(calendars))
    targets: dict[str, Any] = {}
    for metric in metrics:
        if draw.random() < 0.6 or not targets:
            own = draw.choice(list(calendars)) if draw.random() < 0.2 else None
            target = _target(draw, calendars[own or calendar])
            targets[metric] = {"target": target, "calendar": own} if own else target
    return {
        "name": f"policy_{number}", "when": when, "calendar": calendar, "targets": targets,
        "reopen": draw.choice(["freeze", "restart", "resume", "void"]), "change": draw.choice(["retroactive", "retroactive", "restart"]),
        "schedule_change": draw.choice(["in_force", "last"]),
    }


def _target(draw: Random, calendar: dict[str, Any]) -> str:
    if draw.random() < 0.2 and ("business_day" in calendar or calendar.get("always_open")):
        return draw.choice(["1d", "3d", "1d 2h"])
    return draw.choice(["1s", "59s", "15m", "30m", "1h", "1h 30m", "2h", "4h", "8h", "24h", "40h", "80h", "200h", "400h", f"{draw.randint(1, 99999)}s"])


def _instant(draw: Random, first: int, last: int) -> int:
    """Mostly on a quarter of an hour."""
    at = draw.randint(first, last)
    return at if draw.random() < 0.25 else max(first, at // 900 * 900)


def _case(draw: Random, case_id: str, first: int, last: int, metrics: dict[str, Any], calendars: list[str]) -> Case:
    intake = _instant(draw, first, last - (last - first) // 3)
    if draw.random() < 0.03:  # at the edges of the horizon and beyond
        intake = draw.choice([first, first - 1, first - DAY, last - 1, last])
    attributes = {name: draw.choice(values) for name, values in VALUES.items() if draw.random() < 0.8}
    attributes["source"] = draw.choice(SOURCES)
    if draw.random() < 0.5:
        attributes["initiated_by"] = draw.choice(INITIATORS)
    at = intake
    seen = [intake]
    signals: list[Signal] = []
    for number in range(draw.choice([0, 1, 2, 4, 6, 8, 12, 20])):
        at = _next(draw, at, seen)
        seen.append(at)
        name = draw.choices(list(SIGNALS), weights=list(SIGNALS.values()))[0]
        if signals and draw.random() < 0.03:
            at, name = signals[-1].at, signals[-1].name  # told twice
        elif len(signals) > 1 and draw.random() < 0.03:
            at, name = signals[-1].at, signals[-2].name  # told again after another one
        signals.append(Signal(at, number, name))
    if signals and draw.random() < 0.03:  # the file was appended to itself
        signals += [Signal(signal.at, len(signals) + number, signal.name) for number, signal in enumerate(signals)]
    if draw.random() < 0.6:  # an end, late enough or with a wrong stamp
        at = _next(draw, max(seen) + draw.choice([900, HOUR, 4 * HOUR, DAY]), seen)
        signals.append(Signal(at, len(signals), draw.choice(["RESOLVED", "RESOLVED", "RESOLVED", "CLOSED", "CLOSED", "CANCELLED", "MERGED"])))
    changes: list[Change] = []
    for number in range(draw.choice([0, 0, 1, 2, 3, 6])):
        attribute = draw.choice(list(VALUES))
        value = None if draw.random() < 0.2 else draw.choice(VALUES[attribute])
        changes.append(Change(_next(draw, draw.choice(seen), seen), number, attribute, value))
    applied = _applied(draw, seen, metrics, calendars) if attributes["source"] == "vendor" and draw.random() < 0.7 else []
    if applied and draw.random() < 0.6:  # triggers give the case other schedules
        attributes["schedule"] = draw.choice(calendars)
        for number in range(len(changes), len(changes) + draw.choice([1, 1, 2, 4])):
            value = None if draw.random() < 0.05 else draw.choice(calendars)
            changes.append(Change(_next(draw, draw.choice(seen), seen), number, "schedule", value))
        if draw.random() < 0.1:
            del attributes["schedule"]
    return Case(case_id, intake, attributes, tuple(signals), tuple(changes), tuple(applied))


def _applied(draw: Random, seen: list[int], metrics: dict[str, Any], calendars: list[str]) -> list[AppliedTarget]:
    """The vendor's targets, often for one metric again and again: replaced, withdrawn, applied once more."""
    metric = draw.choice(list(metrics))
    is_on_case_schedule, schedule_change = draw.random() < 0.6, draw.choice(["in_force", "last"])
    rows = []
    for number in range(draw.randint(1, 6)):
        target = None if number and draw.random() < 0.25 else draw.choice([900, 3600, 7200, 28_800, 144_000])
        rows.append(AppliedTarget(
            _next(draw, draw.choice(seen), seen), number, metric if draw.random() < 0.7 else draw.choice(list(metrics)),
            draw.choice(["gold", "silver"]), draw.choice(calendars), target,
            draw.choice([None, None, None, "freeze", "restart", "resume", "void"]),
            is_on_case_schedule if draw.random() < 0.9 else not is_on_case_schedule,
            schedule_change if draw.random() < 0.9 else draw.choice(["in_force", "last"]),
        ))
    return rows


def _next(draw: Random, at: int, seen: list[int]) -> int:
    """The next instant of a story: often the same second, now and then a wrong stamp."""
    chance = draw.random()
    if chance < 0.12:
        return draw.choice(seen)
    if chance < 0.17:
        return at - draw.choice([1, 900, HOUR, 6 * HOUR, DAY])
    step = draw.choice([0, 1, 900, 1800, HOUR, 2 * HOUR, 8 * HOUR, DAY, 3 * DAY, 9 * DAY])
    return at + (step if draw.random() < 0.8 else draw.randint(0, 2 * step + 1))


def at_the_edge(document: Document, elapsed: dict[tuple[str, str], list[int]], seed: int) -> Document:
    """The document with targets that some of its clocks reached to the second, or missed by one.

    `elapsed` are the seconds that clocks of a policy and metric took.
    """
    draw = Random(seed)
    policies = []
    for policy in document.policies:
        targets = dict(policy["targets"])
        for metric, told in targets.items():
            seconds = [second for second in elapsed.get((policy["name"], metric), []) if second > 1]
            if seconds:
                target = f"{draw.choice(seconds) + draw.choice([0, 0, 0, -1, 1])}s"
                targets[metric] = {**told, "target": target} if isinstance(told, dict) else target
        policies.append({**policy, "targets": targets})
    return replace(document, id=f"{document.id}_edge", policies=tuple(policies))
