"""Figures as people round them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsla_dagster.figures import counted, nearest, rounded
from opsla_dagster.reporting import wording


@pytest.mark.parametrize(
    ("figure", "digits", "shown"),
    [
        (0.5, 0, "1"), (1.5, 0, "2"), (2.5, 0, "3"), (-2.5, 0, "-3"), (0.125, 2, "0.13"), (2.675, 2, "2.68"), (99.995, 2, "100.00"),
        (1234567.25, 1, "1,234,567.3"), (-0.04, 1, "0.0"), (7, 2, "7.00"), (1e-9, 2, "0.00"), (float("inf"), 1, "inf"),
    ],
)  # fmt: skip
def test_a_half_is_rounded_away_from_zero(figure: float, digits: int, shown: str) -> None:
    assert rounded(figure, digits) == shown


def test_a_count_and_its_noun_agree() -> None:
    assert [counted(number, "breach", "breaches") for number in (0, 1, 2_000)] == ["0 breaches", "1 breach", "2,000 breaches"]


def test_displayed_figures_follow_the_rule() -> None:
    assert (wording.percent(12.5, 0), wording.decimal(0.25), wording.count(2.5), wording.time_taken(2.25), wording.span(150)) == (
        "13%", "0.3", "3", "2.3 min", "3 min",
    )  # fmt: skip


@given(st.floats(min_value=-1e12, max_value=1e12), st.integers(min_value=0, max_value=3))
def test_what_is_shown_is_never_further_away_than_half_a_step(figure: float, digits: int) -> None:
    assert abs(float(rounded(figure, digits).replace(",", "")) - figure) <= 0.5 * 10**-digits + abs(figure) * 1e-12
    assert abs(nearest(figure) - figure) <= 0.5 + abs(figure) * 1e-12
