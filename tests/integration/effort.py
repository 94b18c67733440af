"""How much tests try: all of it in `make hold`, a third in `make test`, of which every run draws others.

Belongs here: what tests of several directories share about that. Does not belong here: any test.
"""

from __future__ import annotations

import os

IS_HOLD = "OPSLA_HOLD" in os.environ


def examples(number: int) -> int:
    """So many examples of a property: `number` in `make hold`."""
    return number if IS_HOLD else max(3, number // 3)
