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
        # Of binary fractions: 915, 375 and 255 minutes in hours, which a percentile is off by a hair; then what is below a half indeed.
        (914.9999999999999 / 60, 1, "15.3"), (374.99999999999994 / 60, 1, "6.3"), (254.99999999999997 / 60, 1, "4.3"), (0.49999999999999994, 0, "1"), (-2.4999999999999996, 0, "-3"),
        (15.2499, 1, "15.2"), (15.249_999, 1, "15.2"), (0.4999, 0, "0"), (1.7e308, 2, f"{17 * 10**307:,}.00"),
    ],
)  # fmt: skip
def test_a_half_is_rounded_away_from_zero(figure: float, digits: int, shown: str) -> None:
    assert rounded(figure, digits) == shown


def test_the_nearest_whole_number_is_the_one_shown() -> None:
    assert [nearest(figure) for figure in (2.5, 2.4999999999999996, 2.4999, -0.5)] == [3, 3, 2, -1]


def test_two_digits_of_a_small_rate_are_rounded_alike() -> None:
    assert [wording.rate(figure) for figure in (0.125, 0.0425, -0.00325, 0.995, 0.5, 1e-12, 0.0, 63.75)] == ["0.13", "0.043", "-0.0033", "1", "0.5", "0", "0.0", "63.8"]


def test_a_count_and_its_noun_agree() -> None:
    assert [counted(number, "breach", "breaches") for number in (0, 1, 2_000)] == ["0 breaches", "1 breach", "2,000 breaches"]


def test_displayed_figures_follow_the_rule() -> None:
    assert [wording.time_taken(minutes) for minutes in (914.9999999999999, 374.99999999999994, 254.99999999999997)] == ["15.3 h", "6.3 h", "4.3 h"]
    assert (wording.percent(12.5, 0), wording.decimal(0.25), wording.count(2.5), wording.time_taken(2.25), wording.span(150)) == (
        "13%", "0.3", "3", "2.3 min", "3 min",
    )  # fmt: skip


@given(st.floats(min_value=-1e12, max_value=1e12), st.integers(min_value=0, max_value=3))
def test_what_is_shown_is_never_further_away_than_half_a_step(figure: float, digits: int) -> None:
    assert abs(float(rounded(figure, digits).replace(",", "")) - figure) <= 0.500001 * 10**-digits + abs(figure) * 1e-12
    assert abs(nearest(figure) - figure) <= 0.500001 + abs(figure) * 1e-12
