"""The picture of hand-offs: names that can be told apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

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
