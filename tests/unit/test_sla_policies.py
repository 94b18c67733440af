"""sla_policies.yml: the shipped promises, and the mistakes it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.sla_policies import (
    Metric,
    SlaPoliciesSettings,
    Target,
    sla_metric_rules,
    sla_policies,
    sla_policy_scopes,
)

CONFIG = Path(__file__).parents[2] / "config"
DOCUMENT = """
metrics:
  touch: {title: First touch, start: [INTAKE], stop: [TRIAGE], pause: [CUSTOMER_WAIT]}
  next_reply: {title: Next reply, start: [CUSTOMER_MESSAGE], stop: [PUBLIC_REPLY], cancel: [RESOLVED], repeats: true}
policies:
  - {name: p1, when: {priority: P1, queue: [web, mobile], tag: vip}, calendar: always, targets: {touch: 15m}}
  - name: rest
    calendar: desk
    targets: {touch: 1d, next_reply: {target: 2h, calendar: always}}
    reopen: resume
    change: restart
"""
CALENDARS = CalendarsSettings.model_validate({
    "horizon": {"start": "2025-01-01", "end": "2026-01-01"},
    "calendars": {
        "desk": {"zone": "UTC", "hours": {"mon-fri": ["08:00-12:00", "13:00-18:00"]}},
        "short_friday": {"zone": "UTC", "hours": {"mon-thu": ["08:00-18:00"], "fri": ["08:00-14:00"]}},
        "stated": {"zone": "UTC", "hours": {"mon-thu": ["08:00-18:00"], "fri": ["08:00-14:00"]}, "business_day": "8h"},
        "always": {"zone": "UTC", "always_open": True},
    },
})


def read(tmp_path: Path, text: str) -> SlaPoliciesSettings:
    path = tmp_path / "sla_policies.yml"
    path.write_text(text, encoding="utf-8")
    return read_document(path, SlaPoliciesSettings)


def test_the_shipped_promises_are_those_of_the_impact_log() -> None:
    shipped = read_document(CONFIG / "sla_policies.yml", SlaPoliciesSettings)
    calendars = read_document(CONFIG / "calendars.yml", CalendarsSettings)
    rules = sla_metric_rules(shipped).to_pylist()
    assert {(rule["metric"], rule["role"], rule["signal"]) for rule in rules if rule["role"] != "reopen"} == {
        ("first_touch", "start", "INTAKE"), ("first_touch", "stop", "TRIAGE"),
        ("first_resolution", "start", "INTAKE"), ("first_resolution", "stop", "RESOLVED"),
        ("first_resolution_paused", "start", "INTAKE"), ("first_resolution_paused", "stop", "RESOLVED"),
        ("first_resolution_paused", "pause", "CUSTOMER_WAIT"),
    }
    promises = sla_policies(shipped, calendars.calendars).to_pylist()
    assert {(row["metric"], row["calendar"], row["target_seconds"], row["reopen"]) for row in promises} == {
        ("first_touch", "desk", 7_200, "freeze"), ("first_resolution", "desk", 86_400, "freeze"),
        ("first_resolution_paused", "desk", 86_400, "freeze"),
    }
    assert sla_policy_scopes(shipped).num_rows == 0, "for every case"


def test_policies_are_rows_in_their_order(tmp_path: Path) -> None:
    policies = read(tmp_path, DOCUMENT)
    rows = sla_policies(policies, CALENDARS.calendars).to_pylist()
    assert [(row["policy"], row["position"], row["metric"], row["calendar"], row["target_seconds"]) for row in rows] == [
        ("p1", 1, "touch", "always", 900), ("rest", 2, "touch", "desk", 9 * 3600), ("rest", 2, "next_reply", "always", 7200),
    ]
    assert [(row["reopen"], row["change"]) for row in rows] == [("freeze", "retroactive"), *[("resume", "restart")] * 2]
    scopes = [(row["policy"], row["attribute"], row["value"]) for row in sla_policy_scopes(policies).to_pylist()]
    assert scopes == [("p1", "priority", "P1"), ("p1", "team", "web"), ("p1", "team", "mobile"), ("p1", "tags", "vip")]
    by_dimension = read(tmp_path, DOCUMENT.replace("tag: vip", "dimensions: {product: [router, 7]}"))
    scopes = [(row["attribute"], row["value"]) for row in sla_policy_scopes(by_dimension).to_pylist()]
    assert scopes[-2:] == [("dimension.product", "router"), ("dimension.product", "7")]
    repeats = {(row["metric"], row["is_repeating"]) for row in sla_metric_rules(policies).to_pylist()}
    assert repeats == {("touch", False), ("next_reply", True)}


@pytest.mark.parametrize(("written", "values"), [("1", ["1"]), ("[1, 2]", ["1", "2"]), ("[1, P1]", ["1", "P1"]), ("'1'", ["1"])])
def test_numbers_are_values_as_they_are_written(tmp_path: Path, written: str, values: list[str]) -> None:
    policies = read(tmp_path, DOCUMENT.replace("priority: P1", f"priority: {written}"))
    assert [row["value"] for row in sla_policy_scopes(policies).to_pylist() if row["attribute"] == "priority"] == values


@pytest.mark.parametrize(("calendar", "seconds"), [("desk", 27 * 3600), ("stated", 24 * 3600), ("always", 72 * 3600)])
def test_a_day_is_a_business_day_of_the_calendar(tmp_path: Path, calendar: str, seconds: int) -> None:
    policies = read(tmp_path, DOCUMENT.replace("calendar: always, targets: {touch: 15m}", f"calendar: {calendar}, targets: {{touch: 3d}}"))
    assert sla_policies(policies, CALENDARS.calendars).to_pylist()[0]["target_seconds"] == seconds


def test_a_hundred_years_can_be_promised(tmp_path: Path) -> None:
    policies = read(tmp_path, DOCUMENT.replace("touch: 15m", "touch: 36525d"))
    assert sla_policies(policies, CALENDARS.calendars).to_pylist()[0]["target_seconds"] == 36_525 * 86_400


def test_days_of_a_calendar_whose_days_differ_are_refused(tmp_path: Path) -> None:
    policies = read(tmp_path, DOCUMENT.replace("calendar: desk", "calendar: short_friday"))
    with pytest.raises(OpslaError, match=r"policies\.rest\.targets\.touch: 1d are business days.*'short_friday'.*business_day: 8h"):
        sla_policies(policies, CALENDARS.calendars)


def test_a_promise_on_an_unknown_calendar_is_refused(tmp_path: Path) -> None:
    policies = read(tmp_path, DOCUMENT.replace("calendar: desk", "calendar: office"))
    with pytest.raises(OpslaError, match=r"policies\.rest: calendars\.yml has no calendar 'office'; known: desk, "):
        sla_policies(policies, CALENDARS.calendars)


def test_a_key_may_come_from_elsewhere_and_be_said_once_more(tmp_path: Path) -> None:
    """YAML's own merging: what a mapping says itself wins over what it takes over."""
    own = DOCUMENT.replace("targets: {touch: 15m}", "targets: &short {touch: 15m}").replace("targets: {touch: 1d,", "targets: {<<: *short, touch: 1d,")
    assert read(tmp_path, own).policies == read(tmp_path, DOCUMENT).policies


@pytest.mark.parametrize(
    ("found", "written", "message"),
    [
        ("touch: 15m", "touch: 120", r"policies\.0\.targets\.touch: write a duration with its unit, such as 15m or 2h; found 120$"),
        ("{touch: 15m}", "{touch: {target: 120}}", r"policies\.0\.targets\.touch\.target: write a duration with its unit.*found 120$"),
        ("touch: 15m", "touch: 0m", r"policies\.0\.targets\.touch: '0m': a promise takes some time"),
        ("touch: 15m", "touch: 99999999999999d", r"policies\.0\.targets\.touch: '99999999999999d' is longer than a hundred years"),
        ("touch: 15m", "touch: 36526d", r"is longer than a hundred years"),
        ("touch: 15m", "touch: soon", r"policies\.0\.targets\.touch: 'soon' is not a duration"),
        ("{touch: 15m}", "{reply: 15m}", r"policies\.0\.targets\.reply: no such metric under metrics; known: touch, next_reply; found"),
        ("name: rest", "name: p1", r"policies\.1\.name: two policies are called 'p1'"),
        ("priority: P1", "priority: []", r"policies\.0\.when\.priority: .*at least 1 item"),
        ("priority: P1", "priority: yes", r"policies\.0\.when\.priority: .*valid string; found true$"),
        ("priority: P1", "urgency: P1", r"policies\.0\.when\.urgency: no such setting; known here: priority, tier, brand,.*, source, initiated_by, dimensions$"),
        ("priority: P1", "initiated_by: robot", r"policies\.0\.when: initiated_by: a case is begun by customer, agent, automation, not by 'robot'"),
        ("reopen: resume", "schedule_change: first", r"policies\.1\.schedule_change"),
        ("[TRIAGE]", "[TRIAGE], after: [PUBLIC_REPLY]", r"metrics\.touch: every case begins with INTAKE, so nothing comes before it"),
        ("cancel: [RESOLVED]", "after: [INTAKE]", r"metrics\.next_reply: every case begins with INTAKE, so nothing comes before it"),
        ("priority: P1", "prio: P1", r"policies\.0\.when\.prio: no such setting; did you mean priority\?$"),
        ("reopen: resume", "reopen: again", r"policies\.1\.reopen"),
        ("[TRIAGE]", "[]", r"metrics\.touch\.stop"),
        ("[TRIAGE]", "[DONE]", r"metrics\.touch\.stop\.0: Input should be .*found 'DONE'"),
        ("[TRIAGE]", "[TRIAGE, TRIAGE]", r"metrics\.touch\.stop: TRIAGE is listed twice"),
        ("[TRIAGE]", "[INTAKE]", r"metrics\.touch: every case begins with INTAKE"),
        ("[INTAKE]", "[TRIAGE]", r"metrics\.touch: TRIAGE both starts and ends the clock"),
        ("[CUSTOMER_WAIT]", "[TRIAGE]", r"metrics\.touch: TRIAGE both pauses the clock and starts or ends it"),
        ("[CUSTOMER_WAIT]", "[PRIVATE_NOTE]", r"metrics\.touch: pause: PRIVATE_NOTE is no status that lasts"),
        ("[CUSTOMER_WAIT]", "[GROUP_CHANGED]", r"metrics\.touch: pause: GROUP_CHANGED is no status that lasts"),
        ("cancel: [RESOLVED]", "cancel: [PUBLIC_REPLY]", r"metrics\.next_reply: PUBLIC_REPLY both stops and cancels"),
        ("title: First touch", "titel: First touch", r"metrics\.touch\.titel: no such setting; did you mean title\?$"),
        ("{touch: 1d,", "{touch: 1d, touch: 99h,", r"sla_policies\.yml: line 9, column \d+: .*'touch' is said again, after line 9; keep one"),
        ("\npolicies:", "\n  touch: {title: Touch, start: [INTAKE], stop: [TRIAGE]}\npolicies:", r"line 5, column 3: .*'touch' is said again, after line 3"),
    ],
)
def test_a_mistake_is_named_by_its_path(tmp_path: Path, found: str, written: str, message: str) -> None:
    with pytest.raises(OpslaError, match=message):
        read(tmp_path, DOCUMENT.replace(found, written, 1))


def test_what_measures_an_answer_starts_otherwise_in_a_case_that_the_desk_began() -> None:
    def starts(**metric: object) -> list[str]:
        rules = Metric.model_validate({"title": "x", **metric}).roles()
        return [signal.value for role, signal in rules if role == "start_if_outbound"]

    assert starts(start=["INTAKE"], stop=["PUBLIC_REPLY"]) == ["CUSTOMER_MESSAGE"]
    assert starts(start=["INTAKE"], stop=["PUBLIC_REPLY", "RESOLVED", "CLOSED"]) == ["CUSTOMER_MESSAGE"]
    assert starts(start=["INTAKE"], stop=["TRIAGE", "PUBLIC_REPLY"]) == []
    assert starts(start=["INTAKE"], stop=["RESOLVED"]) == []
    assert starts(start=["CUSTOMER_MESSAGE"], stop=["PUBLIC_REPLY"]) == []


@pytest.mark.parametrize(("objective", "said"), [("100%", "leaves no error budget"), ("0", "between 0% and 100%"), ("most", "no percentage; write 95%")])
def test_an_objective_leaves_something_to_miss(objective: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Target.model_validate({"target": "2h", "objective": objective})


def test_an_objective_is_of_the_target_else_of_the_policy() -> None:
    shipped = read_document(Path(__file__).parents[2] / "config" / "sla_policies.yml", SlaPoliciesSettings)
    policy = shipped.policies[0]
    targets = {**policy.targets, "first_touch": Target.model_validate({"target": "2h", "objective": "99.5%"})}
    changed = shipped.model_copy(update={"policies": (policy.model_copy(update={"targets": targets}),)})
    told = {row["metric"]: row["objective_pct"] for row in sla_policies(changed, read_document(Path(__file__).parents[2] / "config" / "calendars.yml", CalendarsSettings).calendars).to_pylist()}
    assert told == {"first_touch": 99.5, "first_resolution": 95.0, "first_resolution_paused": 95.0}
