"""How much tests try: all of it in `make hold`, a third in `make test`, of which every run draws others.

Belongs here: what tests of several directories share about that. Does not belong here: any test.
"""

from __future__ import annotations

import os

import pytest

IS_HOLD = "OPSLA_HOLD" in os.environ
#: Tests that `make hold` runs, and `make test` does not.
takes_minutes = pytest.mark.skipif(not IS_HOLD, reason="takes minutes: make hold")


def examples(number: int) -> int:
    """So many examples of a property: `number` in `make hold`."""
    return number if IS_HOLD else max(3, number // 3)
