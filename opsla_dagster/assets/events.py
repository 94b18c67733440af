"""Rows of the area `events` that are made in Python: ownership.yml as tables.

Belongs here: one entry a table. Does not belong here: what the rules are (settings/ownership.py).
"""

from __future__ import annotations

import pyarrow as pa

from opsla_dagster.assets.factory import PythonTable
from opsla_dagster.assets.mixtures import refuse_mixtures
from opsla_dagster.assets.scope import Scope
from opsla_dagster.settings.ownership import ownership_rules, review_teams
from opsla_dagster.window import Window


def _ownership_rules(scope: Scope, part: Window | None) -> pa.Table:
    return ownership_rules(scope.settings.ownership)


def _review_teams(scope: Scope, part: Window | None) -> pa.Table:
    return review_teams(scope.settings.ownership)


EVENTS = {
    "staging.ownership_rules": PythonTable(_ownership_rules, before=refuse_mixtures),
    "staging.review_teams": PythonTable(_review_teams, before=refuse_mixtures),
}
