"""Scales, ticks and paths of the report's line charts."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsla_dagster.reporting.charts import (
    Chart,
    Line,
    above_the_scale,
    date_ticks,
    draw,
    nice_ticks,
    positions,
    short_number,
)

SVG = "{http://www.w3.org/2000/svg}"


def days_from(first: date, many: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(many)]


def chart_of(*lines: Line, days: list[date] | None = None, **more: object) -> Chart:
    days = days if days is not None else days_from(date(2025, 7, 1), len(lines[0].values))
    words = {"title": "Title", "description": "What it shows", **more}
    return Chart(key="c", xs=positions(days), x_ticks=date_ticks(days, 6), lines=lines, **words)  # type: ignore[arg-type]


def paths(svg: str, css: str) -> list[str]:
    return [found.attrib["d"] for found in ElementTree.fromstring(svg).iter(f"{SVG}path") if found.attrib["class"] == css]


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_ticks_reach_over_the_highest_value_in_few_even_steps(highest: float) -> None:
    ticks = nice_ticks(highest)
    assert ticks[0] == 0
    assert ticks[-1] >= highest * (1 - 1e-9)
    assert 2 <= len(ticks) <= 7
    assert ticks[-2] < highest
    steps = {round((after - before) / ticks[1], 6) for before, after in pairwise(ticks)}
    assert steps == {1.0}


def test_ticks_of_nothing() -> None:
    assert nice_ticks(0) == [0.0, 1.0]


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(1, 4000), st.integers(4, 14))
def test_date_ticks_are_few_and_within_the_days(first: date, many: int, most: int) -> None:
    days = days_from(first, many)
    ticks = date_ticks(days, most)
    assert len(ticks) <= most
    assert all(first.toordinal() <= position <= days[-1].toordinal() for position, _ in ticks)
    if many > 1:
        assert ticks


def test_date_ticks_are_natural_dates() -> None:
    assert [label for _, label in date_ticks(days_from(date(2025, 7, 1), 4), 6)] == ["1 Jul", "2 Jul", "3 Jul", "4 Jul"]
    assert [label for _, label in date_ticks(days_from(date(2025, 7, 1), 28), 5)] == ["7 Jul", "14 Jul", "21 Jul", "28 Jul"]
    half_year = days_from(date(2025, 7, 1), 180)
    assert [label for _, label in date_ticks(half_year, 6)] == ["Jul 2025", "Aug", "Sep", "Oct", "Nov", "Dec"]
    assert [label for _, label in date_ticks(half_year, 4)] == ["Jul 2025", "Sep", "Nov"]
    assert "Jan 2026" in [label for _, label in date_ticks(days_from(date(2025, 7, 1), 365), 13)]


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (40.0, "40"), (1200.0, "1,200"), (15_000.0, "15k"), (2_500_000.0, "2.5M"), (0.0, "0")]
)
def test_axis_numbers(value: float, text: str) -> None:
    assert short_number(value) == text


def test_a_line_is_cut_where_values_are_missing() -> None:
    svg = draw(chart_of(Line("a", [1.0, 2.0, None, 3.0, 4.0, None, 5.0], "tone-a")), 300, 200)
    [path] = paths(svg, "line tone-a")
    assert path.count("M") == 3
    assert path.endswith("h.01")  # the lonely last point is a dot


def test_a_line_does_not_bridge_a_long_gap() -> None:
    days = [date(2025, 7, 1), date(2025, 7, 2), date(2025, 8, 1), date(2025, 8, 2)]
    [path] = paths(draw(chart_of(Line("a", [1.0, 1.0, 1.0, 1.0], "t"), days=days), 300, 200), "line t")
    assert path.count("M") == 2


def test_odd_dots_lie_on_the_edge_instead_of_flattening_the_rest() -> None:
    values: list[float | None] = [10.0] * 99
    svg = draw(chart_of(Line("a", [*values, 1000.0], "t", "dots")), 300, 200)
    assert ">1,000<" not in svg
    heights = [float(y) for y in re.findall(r"M[\d.]+,([\d.]+)", paths(svg, "dots t")[0])]
    assert min(heights) == 12.0  # the frame's upper edge
    assert min(heights[:-1]) < 100


def test_labels_at_the_right_edge_do_not_overlap() -> None:
    lines = [Line(f"{number}", [1.0, 2.0, 5 + number / 100], f"tone-{number}") for number in range(5)]
    root = ElementTree.fromstring(draw(chart_of(*lines), 300, 200))
    heights = sorted(float(text.attrib["y"]) for text in root.iter(f"{SVG}text") if text.attrib["class"].startswith("end"))
    assert len(heights) == 5
    assert all(lower - upper >= 12 for upper, lower in pairwise(heights))
    assert heights[-1] <= 180


def test_words_are_escaped_and_tooltips_are_per_position() -> None:
    chart = chart_of(
        Line("<b>", [1.0, 2.0], "t"), title="a < b & c", tooltips=["one <1>", "two"], reference=(1.5, "target <x>"), unit="%"
    )
    root = ElementTree.fromstring(draw(chart, 300, 200))
    assert root.find(f"{SVG}title").text == "a < b & c"  # type: ignore[union-attr]
    hits = [found for found in root.iter(f"{SVG}rect") if found.attrib["class"] == "hit"]
    assert [hit.find(f"{SVG}title").text for hit in hits] == ["one <1>", "two"]  # type: ignore[union-attr]
    assert "target <x>" in [text.text for text in root.iter(f"{SVG}text")]


@given(
    st.lists(st.none() | st.floats(min_value=0, max_value=1e7), min_size=1, max_size=60),
    st.sampled_from(["line", "dots"]),
)
def test_everything_is_drawn_inside_the_frame(values: list[float | None], mark: str) -> None:
    svg = draw(chart_of(Line("a", values, "t", mark)), 400, 200)  # type: ignore[arg-type]
    ElementTree.fromstring(svg)
    for css in ("line t", "dots t"):
        for path in paths(svg, css):
            for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path):
                assert 0 <= float(x) <= 400
                assert 12 <= float(y) <= 176


def test_counts_have_whole_ticks() -> None:
    assert nice_ticks(1, is_whole=True) == [0, 1]
    assert nice_ticks(3, is_whole=True) == [0, 1, 2, 3]
    assert nice_ticks(12, is_whole=True) == [0, 5, 10, 15]
    assert nice_ticks(12) == [0, 2.5, 5, 7.5, 10, 12.5]
    few = Chart("few", "Few", "", [1.0, 2.0], [], [Line("cases", [0, 1], "tone-a")])
    assert ">0.2<" not in draw(few, 400, 200)
    assert ">0.2 h<" in draw(Chart("few", "Few", "", [1.0, 2.0], [], [Line("hours", [0, 1], "tone-a")], unit=" h"), 400, 200)


def test_dots_above_the_scale_are_counted() -> None:
    """A few odd dots do not flatten the others: they lie on the edge, which has to be said."""
    dots = Chart("dots", "Dots", "", [float(x) for x in range(100)], [], [Line("one", [1.0] * 98 + [50.0, 60.0], "tone-a", "dots")], unit=" d")
    assert above_the_scale(dots) == (2, 1.0)
    assert above_the_scale(Chart("line", "Line", "", [1.0, 2.0], [], [Line("one", [1.0, 50.0], "tone-a")])) == (0, 50.0)
