"""opsla's own engine against the hand-worked cases (a third of them, in `make hold` all) and against the oracle; `make conformance` compares many more clocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from effort import IS_HOLD, one_in_three

from conformance import campaign
from conformance.compare import differences
from conformance.documents import CASES, read_document
from conformance.engine import Engine

PATHS = sorted(CASES.glob("*.yml"))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.mark.parametrize("path", one_in_three(PATHS), ids=lambda path: path.stem)
def test_the_engine_agrees_with_what_was_worked_out_by_hand(path: Path, engine: Engine) -> None:
    document = read_document(path)
    found = differences(document, engine.clocks(document))
    assert not found, "\n".join(map(str, found))


def test_the_engine_agrees_with_the_oracle() -> None:
    clocks = 3_000 if IS_HOLD else 1_500
    found = campaign.run(clocks=clocks, seed=1, cases=40)
    assert not found.comparison.differences, campaign.told(found)
    assert found.comparison.clocks >= clocks
    assert found.outcomes["met"] > 100
    assert found.outcomes["breached"] > 100
    assert found.outcomes["running"] > 50


def test_a_difference_is_made_small() -> None:
    document = campaign.draw_document(3, cases=30)
    case_id = document.cases[0].case_id
    small = campaign.shrink(document, case_id, lambda candidate: len(candidate.cases[0].signals) >= 1)
    assert len(small.cases) == 1
    assert len(small.cases[0].signals) == 1
    assert len(small.policies) <= 1


def test_dates_made_one_after_the_other_give_the_same(engine: Engine) -> None:
    document = campaign.draw_document(11, cases=40)
    whole = sorted(engine.clocks(document), key=lambda clock: clock.key)
    assert len(whole) > 100
    assert sorted(engine.clocks(document, days_a_part=7 if IS_HOLD else 45), key=lambda clock: clock.key) == whole
    assert sorted(engine.clocks(document), key=lambda clock: clock.key) == whole
