"""How much tests try: all of it in `make hold`, a part in `make test`: of examples a sixth, and every run draws others.

Belongs here: what tests of several directories share about that. Does not belong here: any test.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

IS_HOLD = "OPSLA_HOLD" in os.environ
#: Tests that `make hold` runs, and `make test` does not.
takes_minutes = pytest.mark.skipif(not IS_HOLD, reason="takes minutes: make hold")


def examples(number: int) -> int:
    """So many examples of a property: `number` in `make hold`."""
    return number if IS_HOLD else max(3, number // 6)


def one_in_three(cases: Sequence[object]) -> list[Any]:
    """Every third of these parameters; the others are left to `make hold`."""
    return [case if number % 3 == 0 else pytest.param(case, marks=takes_minutes) for number, case in enumerate(cases)]
