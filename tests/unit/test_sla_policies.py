"""sla_policies.yml: the shipped promises, and the mistakes it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings, sla_clock_rules

CONFIG = Path(__file__).parents[2] / "config"
CLOCK = """
clocks:
  touch:
    title: First touch
    calendar: desk
    start: [INTAKE]
    stop: [TRIAGE]
    pause: [CUSTOMER_WAIT]
    target: 2h
"""


def test_the_shipped_promises_are_those_of_the_impact_log() -> None:
    policies = read_document(CONFIG / "sla_policies.yml", SlaPoliciesSettings)
    rules = sla_clock_rules(policies, read_document(CONFIG / "calendars.yml", CalendarsSettings)).to_pylist()
    assert {(rule["clock"], rule["role"], rule["status"], rule["target_seconds"]) for rule in rules} == {
        ("sla_b_first_touch", "start", "INTAKE", 7_200),
        ("sla_b_first_touch", "stop", "TRIAGE", 7_200),
        ("sla_a_resolution", "start", "INTAKE", 86_400),
        ("sla_a_resolution", "stop", "RESOLVED", 86_400),
        ("sla_a_resolution_paused", "start", "INTAKE", 86_400),
        ("sla_a_resolution_paused", "stop", "RESOLVED", 86_400),
        ("sla_a_resolution_paused", "pause", "CUSTOMER_WAIT", 86_400),
    }
    assert {rule["calendar"] for rule in rules} == {"desk"}


def test_a_clock_on_an_unknown_calendar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sla_policies.yml"
    path.write_text(CLOCK.replace("desk", "office"), encoding="utf-8")
    calendars = read_document(CONFIG / "calendars.yml", CalendarsSettings)
    with pytest.raises(OpslaError, match=r"clocks\.touch\.calendar: calendars\.yml has no calendar 'office'; known"):
        sla_clock_rules(read_document(path, SlaPoliciesSettings), calendars)


@pytest.mark.parametrize(
    ("found", "written", "message"),
    [
        ("2h", "120", r"clocks\.touch\.target: write a duration with its unit"),
        ("2h", "0m", r"clocks\.touch\.target: Input should be greater than 0"),
        ("[TRIAGE]", "[]", r"clocks\.touch\.stop"),
        ("[TRIAGE]", "[DONE]", r"clocks\.touch\.stop\.0: Input should be .*found 'DONE'"),
        ("[TRIAGE]", "[TRIAGE, TRIAGE]", r"clocks\.touch\.stop: TRIAGE is listed twice"),
        ("[TRIAGE]", "[INTAKE]", r"clocks\.touch: INTAKE both starts and ends or pauses the clock"),
        ("[INTAKE]", "[TRIAGE]", r"clocks\.touch: TRIAGE both starts and ends or pauses the clock"),
        ("[CUSTOMER_WAIT]", "[TRIAGE]", r"clocks\.touch: TRIAGE both pauses and stops the clock"),
        ("start: [INTAKE]\n    stop: [TRIAGE]", "start: [TRIAGE]\n    stop: [INTAKE]", r"begins with INTAKE"),
        ("title:", "titel:", r"clocks\.touch\.titel: no such setting"),
    ],
)
def test_a_mistake_is_named_by_its_path(tmp_path: Path, found: str, written: str, message: str) -> None:
    path = tmp_path / "sla_policies.yml"
    path.write_text(CLOCK.replace(found, written, 1), encoding="utf-8")
    with pytest.raises(OpslaError, match=message):
        read_document(path, SlaPoliciesSettings)
