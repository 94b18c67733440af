"""What is promised and how it stands: every policy and metric by the titles of sla_policies.yml, with its clocks.

Belongs here: names and targets as people read them, beside the counts of mart.sla_overview. Does not belong here: layout.
"""

from __future__ import annotations

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import rows
from opsla_dagster.reporting.run_summary import PromiseFigures
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings

_CLOCKS = """
    select
        policy, metric, met_clocks, breached_clocks, open_breached_clocks, running_clocks, unknown_clocks,
        attainment_pct as kept_pct
    from mart.sla_overview
    where dimension = 'all'
"""
_NONE = {"met_clocks": 0, "breached_clocks": 0, "open_breached_clocks": 0, "running_clocks": 0, "unknown_clocks": 0, "kept_pct": None}


def promise_figures(connection: duckdb.DuckDBPyConnection, policies: SlaPoliciesSettings) -> tuple[PromiseFigures, ...]:
    """Every promise in the order of the file, those without a clock too; then what only the tables know, as a vendor's targets."""
    stand = {(row.pop("policy"), row.pop("metric")): row for row in rows(connection, _CLOCKS, "mart.sla_overview")}
    targets = {(policy.name, metric): target.target for policy in policies.policies for metric, target in policy.targets.items()}
    return tuple(
        PromiseFigures(
            policy=policy,
            policy_title=policy_title(policies, policy),
            metric=metric,
            title=metric_title(policies, metric),
            target=targets.get((policy, metric)),
            **stand.get((policy, metric), _NONE),
        )
        for policy, metric in [*targets, *sorted(stand.keys() - targets.keys())]
    )


def metric_title(policies: SlaPoliciesSettings, metric: str) -> str:
    """The metric's title and variant; of one that the file does not know (any more), its name."""
    known = policies.metrics.get(metric)
    return ", ".join(filter(None, (known.title, known.variant))) if known else wording.name(metric)


def policy_title(policies: SlaPoliciesSettings, policy: str) -> str:
    """The policy's title, else its name."""
    titles = {each.name: each.title for each in policies.policies}
    return titles.get(policy) or wording.name(policy)
