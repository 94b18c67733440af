"""Rows of the area `scenarios` that are made in Python: scenarios.yml as a table.

Belongs here: one entry a table. Does not belong here: what a scenario is (settings/scenarios.py).
"""

from __future__ import annotations

import pyarrow as pa

from opsla_dagster.assets.factory import PythonTable
from opsla_dagster.assets.mixtures import refuse_mixtures
from opsla_dagster.assets.scope import Scope
from opsla_dagster.settings.scenarios import scenario_levers
from opsla_dagster.window import Window


def _scenario_levers(scope: Scope, part: Window | None) -> pa.Table:
    return scenario_levers(scope.settings.scenarios)


SCENARIOS = {"staging.scenario_levers": PythonTable(_scenario_levers, before=refuse_mixtures)}
