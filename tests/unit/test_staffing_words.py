"""What an operator writes: targets on the command line, staffing.yml. Each mistake is one line that says what would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.settings.staffing import read_roster, read_staffing
from opsla_dagster.staffing.inputs import TOUCH_BASES
from opsla_dagster.staffing.targets import parse_target

POLICIES = SlaPoliciesSettings.model_validate({
    "metrics": {
        "first_touch": {"title": "SLA B: first touch", "start": ["INTAKE"], "stop": ["TRIAGE"]},
        "first_resolution": {"title": "SLA A: first resolution", "variant": "customer wait counted", "start": ["INTAKE"], "stop": ["RESOLVED"]},
        "first_resolution_paused": {"title": "SLA A: first resolution", "variant": "paused in customer wait", "start": ["INTAKE"], "stop": ["RESOLVED"]},
        "next_reply": {"title": "Next reply", "start": ["CUSTOMER_MESSAGE"], "stop": ["PUBLIC_REPLY"], "after": ["PUBLIC_REPLY"], "repeats": True},
    },
    "policies": [],
})  # fmt: skip
PROMISED = [("first_touch", "desk"), ("first_touch", "vip"), ("first_resolution", "desk"), ("first_resolution_paused", "desk")]


def parse(text: str, promised: list[tuple[str, str]] = PROMISED) -> tuple[object, ...]:
    found = parse_target(text, promised, {("first_touch", "desk"): 95.0, ("first_touch", "vip"): 98.0}, ["first_touch"], POLICIES)
    return found.metric, found.policies, found.objective_pct, found.within_seconds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("first_touch 95%", ("first_touch", (), 95.0, None)),
        ("first touch 95 %", ("first_touch", (), 95.0, None)),
        ("95% first touch", ("first_touch", (), 95.0, None)),
        ("SLA B: first touch 90%", ("first_touch", (), 90.0, None)),
        ("First Touch 97,5%", ("first_touch", (), 97.5, None)),
        ("first_touch 90 % within 2h", ("first_touch", (), 90.0, 7200.0)),
        ("first touch 90% within 1h 30m", ("first_touch", (), 90.0, 5400.0)),
        ("vip/first touch 90%", ("first_touch", ("vip",), 90.0, None)),
        ("first touch", ("first_touch", (), 98.0, None)),
        ("first resolution 95%", ("first_resolution", (), 95.0, None)),
        ("first resolution paused 95%", ("first_resolution_paused", (), 95.0, None)),
        ("first resolution, paused in customer wait 95%", ("first_resolution_paused", (), 95.0, None)),
        ("touch 95%", ("first_touch", (), 95.0, None)),
    ],
)
def test_a_promise_is_read_as_people_write_it(text: str, found: tuple[object, ...]) -> None:
    assert parse(text) == found


@pytest.mark.parametrize("text", ["first reply 95%", "first response 95%", "reply 95%"])
def test_the_first_answer_is_the_promise_that_the_desk_has_of_it_and_that_is_said(text: str) -> None:
    found = parse_target(text, PROMISED, {}, ["first_touch"], POLICIES)
    assert found.metric == "first_touch"
    assert found.remark is not None
    assert 'read as the desk\'s promise of a first answer, "SLA B: first touch"' in found.remark


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("95%", 'names no promise; write one of "first touch 95%" (SLA B: first touch)'),
        ("foo 95%", "no promise is called 'foo'; write one of"),
        ("resolution 95%", "'resolution' could be first_resolution or first_resolution_paused"),
        ("first touch 95% 90%", "2 percentages found, one expected"),
        ("first touch 100%", "an objective lies between 0% and 100%"),
        ("first touch 0%", "an objective lies between 0% and 100%"),
        ("first touch -5%", "an objective lies between 0% and 100%"),
        ("first touch 95% within 2 moons", "'2 moons' is not a duration"),
        ("first touch 95% within 1d", "write the open time in hours and minutes"),
        ("gold/first touch 95%", "no policy is called 'gold'"),
        ("next reply 95%", "heads cannot be planned for next_reply"),
        ("first resolution", "says no objective, and sla_policies.yml has none for it"),
    ],
)
def test_what_is_no_target_is_told_with_what_would_be(text: str, told: str) -> None:
    with pytest.raises(OpslaError) as refused:
        parse(text)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_desk_without_promises_says_where_they_come_from() -> None:
    with pytest.raises(OpslaError, match="the log has no clock that starts as a case comes in"):
        parse("first touch 95%", [])


def test_two_answers_are_not_chosen_between() -> None:
    with pytest.raises(OpslaError, match="no promise is called 'reply'"):
        parse_target("reply 95%", [("first_touch", "desk"), ("first_look", "desk")], {}, ["first_touch", "first_look"], POLICIES)


# ---- staffing.yml


def test_a_roster_has_heads_by_weekday_and_hour(tmp_path: Path) -> None:
    path = tmp_path / "staffing.yml"
    path.write_text("rosters: {early: {heads: {mon-fri: {08:00-10:00: 27, 10:00-18:00: 5}, sat: {09:00-12:00: 1.5}}}}\nshrinkage: 30%\n", encoding="utf-8")
    found = read_staffing(path)
    week = found.rosters["early"].by_hour()
    assert (week[0][7], week[0][8], week[0][9], week[0][10], week[4][17], week[4][18], week[5][9], week[6][9]) == (0, 27, 27, 5, 5, 0, 1.5, 0)
    assert found.shrinkage == pytest.approx(0.3)


def test_without_the_file_nothing_is_known() -> None:
    found = read_staffing(Path("nowhere"))
    assert (found.shrinkage, found.touch_of("Billing"), found.patience_of("Billing"), dict(found.rosters)) == (None, None, None, {})


def test_a_queue_has_a_touch_and_a_patience_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "staffing.yml"
    path.write_text("touch: {minutes: 12}\nqueues: {Chat: {touch: {minutes: 8, variation: 0.5}, patience: 3m}, Mail: {}}\n", encoding="utf-8")
    found = read_staffing(path)
    assert [found.touch_of(queue).minutes for queue in ("Chat", "Mail", "other") if found.touch_of(queue)] == [8, 12, 12]  # type: ignore[union-attr]
    assert found.patience_of("Chat") == 180


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("shrinkage: 100%", "shrinkage: '100%': shrinkage lies between 0% and 100%"),
        ("shrinkage: much", "shrinkage: 'much' is no percentage; write 30%"),
        ("touch: {minutes: 0}", "touch.minutes: Input should be greater than 0"),
        ("touch: {minutes: .nan}", "touch.minutes: Input should be a finite number"),
        ("shifts: {day: early}", "heads are given by whole hours of one day; write 08:00-10:00"),
        ("rosters: {a: {heads: {mon: {08:30-10:00: 2}}}}", "heads are given by whole hours of one day"),
        ("rosters: {a: {heads: {mon: {22:00-06:00: 2}}}}", "a night is two intervals, 22:00-24:00 and 00:00-06:00"),
        ("rosters: {a: {heads: {montag: {08:00-10:00: 2}}}}", "'montag' is no weekday"),
        ("rosters: {a: {heads: {mon-fri: {08:00-10:00: 2}, tue: {09:00-11:00: 3}}}}", "tue 09:00 has heads twice"),
        ("rosters: {a: {heads: {mon: {08:00-10:00: -1}}}}", "greater than or equal to 0"),
        ("rosters: {a: {heads: {}}}", "at least 1"),
        ("queues: {Chat: {patience: 3}}", "write a duration with its unit"),
        ("heads: 5", "heads: no such setting"),
    ],
)
def test_what_is_wrong_in_staffing_yml_is_named_by_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "staffing.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OpslaError) as refused:
        read_staffing(path)
    assert str(path) in str(refused.value)
    assert told in str(refused.value)


def test_a_roster_in_a_file_of_its_own_is_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "two_shifts.yml"
    path.write_text("title: two shifts\nheads: {mon-fri: {08:00-18:00: 6}}\n", encoding="utf-8")
    assert read_roster(path).by_hour()[0][8] == 6


def test_the_dictionary_knows_every_basis_of_a_touch_time() -> None:
    [column] = [column for column in TABLES["mart.staffing_inputs"].columns if column.name == "touch_basis"]
    assert column.values == TOUCH_BASES
