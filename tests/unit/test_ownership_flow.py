"""The picture of hand-offs, and the tables beside it: names that can be told apart, and time that goes on."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from opsla_dagster.center.pages.ownership import _with_what_goes_on
from opsla_dagster.reporting.ownership_flow import labels_of


def test_names_that_begin_alike_are_cut_in_the_middle() -> None:
    assert labels_of(["Compliance Advisory T1", "Compliance Advisory T2", "Back"], 15) == {
        "Back": "Back", "Compliance Advisory T1": "Complia…sory T1", "Compliance Advisory T2": "Complia…sory T2",
    }  # fmt: skip
    assert labels_of(["Access Operations", "Back"], 15) == {"Access Operations": "Access Operati…", "Back": "Back"}


@given(st.lists(st.text(alphabet="ab", min_size=10, max_size=30), min_size=1, max_size=12, unique=True))
def test_no_two_labels_are_alike(teams: list[str]) -> None:
    labels = labels_of(teams, 9)
    assert len(set(labels.values())) == len(teams)
    assert max(map(len, labels.values())) <= 9


def test_what_goes_on_counts_up_to_now() -> None:
    """An open case that was linked two hours ago has been held for two hours since, though nothing of it has ended."""
    row = {"held_after_link_calendar_seconds": 0, "held_on_since_at": datetime(2025, 7, 7, 11)}
    assert _with_what_goes_on(row, datetime(2025, 7, 7, 13)) == {**row, "held_after_link_calendar_seconds": 7200, "is_held_on": True}
    ended = {"held_after_link_calendar_seconds": 600, "held_on_since_at": None}
    assert _with_what_goes_on(ended, datetime(2025, 7, 7, 13)) == {**ended, "is_held_on": False}
    untold = {"held_after_link_calendar_seconds": None, "held_on_since_at": None}
    assert _with_what_goes_on(untold, datetime(2025, 7, 7, 13))["held_after_link_calendar_seconds"] is None
