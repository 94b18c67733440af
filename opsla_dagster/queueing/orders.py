"""What the orders are called in which the cases of a queue are taken up.

Belongs here: the names, which tables, pages and simulations share. Does not belong here: the orders themselves (policies.py, worklist/trial.py).
"""

from __future__ import annotations

from typing import Literal, get_args

#: Who goes first in a queue, as it is shown.
PickingPolicy = Literal["earliest due date", "guarded index"]
#: In which order a replay takes cases.
WorkedOrder = Literal["first in, first out", "earliest due date", "guarded index"]
BY_ARRIVAL: Literal["first in, first out"] = "first in, first out"
BY_DUE_DATE: Literal["earliest due date"] = "earliest due date"
BY_INDEX: Literal["guarded index"] = "guarded index"
PICKING_POLICIES: tuple[str, ...] = get_args(PickingPolicy)
WORKED_ORDERS: tuple[str, ...] = get_args(WorkedOrder)
