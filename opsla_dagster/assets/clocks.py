"""Rows of the area `clocks` that are made in Python: sla_policies.yml as tables.

Belongs here: one entry a table. Does not belong here: what a policy is (settings/sla_policies.py).
"""

from __future__ import annotations

import pyarrow as pa

from opsla_dagster.assets.factory import PythonTable
from opsla_dagster.assets.mixtures import refuse_mixtures
from opsla_dagster.assets.scope import Scope
from opsla_dagster.settings.sla_policies import sla_metric_rules, sla_policies, sla_policy_scopes
from opsla_dagster.window import Window


def _sla_metric_rules(scope: Scope, part: Window | None) -> pa.Table:
    return sla_metric_rules(scope.settings.sla_policies)


def _sla_policies(scope: Scope, part: Window | None) -> pa.Table:
    return sla_policies(scope.settings.sla_policies, scope.calendars.calendars)


def _sla_policy_scopes(scope: Scope, part: Window | None) -> pa.Table:
    return sla_policy_scopes(scope.settings.sla_policies)


CLOCKS = {
    "staging.sla_metric_rules": PythonTable(_sla_metric_rules, before=refuse_mixtures),
    "staging.sla_policies": PythonTable(_sla_policies, before=refuse_mixtures, reads_accounts=True),
    "staging.sla_policy_scopes": PythonTable(_sla_policy_scopes, before=refuse_mixtures),
}
