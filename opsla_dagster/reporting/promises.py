"""What is promised and how it stands: the promises that a desk's report speaks of, with their clocks.

Belongs here: which promises these are, their names and targets as people read them, beside the counts of mart.sla_overview. Does not
belong here: layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import PromiseFigures
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings

#: Of a table with `source` and `is_source_promise`: where a source brings policies of its own, they are the only ones it is held to. Due dates of
#: single cases (policy <source>:due) are no policy: the file's promises stand beside them.
SPOKEN_OF = (
    "(is_source_promise or source not in "
    "(select source from mart.sla_overview where is_source_promise and policy <> source || ':due'))"
)

_CLOCKS = f"""
    select
        policy, metric, bool_or(is_source_promise) as is_source_promise, cast(sum(met_clocks) as bigint) as met_clocks,
        cast(sum(breached_clocks) as bigint) as breached_clocks, cast(sum(open_breached_clocks) as bigint) as open_breached_clocks,
        cast(sum(running_clocks) as bigint) as running_clocks, cast(sum(unknown_clocks) as bigint) as unknown_clocks,
        cast(sum(incomplete_clocks) as bigint) as incomplete_clocks,
        100.0 * sum(met_clocks) / nullif(sum(met_clocks + breached_clocks + open_breached_clocks), 0) as kept_pct
    from mart.sla_overview
    where dimension = 'all' and {SPOKEN_OF}
    group by policy, metric
"""
_DURATIONS = """
    select
        policy, metric, stopped_clocks, paused_clocks, elapsed_p50_business_minutes as p50, elapsed_p90_business_minutes as p90,
        elapsed_p95_business_minutes as p95
    from mart.promise_durations
"""
_UNKNOWN = f"""
    select policy, metric, reason, cast(sum(unknown_clocks) as bigint) as clocks
    from mart.unknown_clocks
    where {SPOKEN_OF}
    group by policy, metric, reason
    order by clocks desc, reason
"""
_NOW_PAUSED = f"select distinct policy, metric from mart.open_clocks where is_paused and {SPOKEN_OF}"
_UNPROMISING_SOURCES = f"select 1 from mart.sla_overview where not is_source_promise and {SPOKEN_OF} limit 1"
_NONE = {
    "is_source_promise": False, "met_clocks": 0, "breached_clocks": 0, "open_breached_clocks": 0, "running_clocks": 0, "unknown_clocks": 0,
    "incomplete_clocks": 0, "kept_pct": None,
}
_NO_TIMES = {"stopped_clocks": 0, "paused_clocks": 0, "p50": None, "p90": None, "p95": None}

Promise = tuple[str, str]


def promise_figures(connection: duckdb.DuckDBPyConnection, policies: SlaPoliciesSettings) -> tuple[PromiseFigures, ...]:
    """The promises that the desk is held to: those of the file in its order, without a clock too, then those of the sources.

    Of a source that brings promises of its own, these alone. Promises that are the same figure for figure are one, and say so.
    """
    stand = _by_promise(rows(connection, _CLOCKS, "mart.sla_overview"))
    times = _by_promise(rows(connection, _DURATIONS, "mart.promise_durations"))
    paused_now = _by_promise(rows(connection, _NOW_PAUSED, "mart.open_clocks", "mart.sla_overview"))
    unknown = rows(connection, _UNKNOWN, "mart.unknown_clocks", "mart.sla_overview")
    brings_all = any(row["is_source_promise"] for row in stand.values()) and not rows(connection, _UNPROMISING_SOURCES, "mart.sla_overview")
    targets = {} if brings_all else _targets(policies)
    has_several_sources = len({_source(policy) for policy, _ in stand}) > 1
    found = [
        PromiseFigures(
            policy=policy,
            policy_title=policy_title(policies, policy, names_source=has_several_sources),
            metric=metric,
            title=metric_title(policies, metric),
            target=targets.get((policy, metric)),
            has_pauses=bool(times.get((policy, metric), _NO_TIMES)["paused_clocks"]) or (policy, metric) in paused_now,
            unknown_reasons=tuple((row["reason"], row["clocks"]) for row in unknown if (row["policy"], row["metric"]) == (policy, metric)),
            **stand.get((policy, metric), _NONE),
            **{name: value for name, value in times.get((policy, metric), _NO_TIMES).items() if name != "paused_clocks"},
        )
        for policy, metric in [*targets, *sorted(stand.keys() - targets.keys())]
    ]
    return tuple(_without_copies(found, policies))


def _by_promise(found: Sequence[Row]) -> dict[Promise, Row]:
    return {(row.pop("policy"), row.pop("metric")): row for row in found}


def _targets(policies: SlaPoliciesSettings) -> dict[Promise, str]:
    return {(policy.name, metric): target.target for policy in policies.policies for metric, target in policy.targets.items()}


def _without_copies(found: Sequence[PromiseFigures], policies: SlaPoliciesSettings) -> Iterator[PromiseFigures]:
    """The promises, metrics that only a pause which never happened tells apart as one."""
    same: dict[str, list[str]] = {}
    for metric in dict.fromkeys(promise.metric for promise in found):
        of_metric = [promise for promise in found if promise.metric == metric]
        same.setdefault(_identity(of_metric, policies) or metric, []).append(metric)
    copies = {first: tuple(others) for first, *others in same.values()}
    for promise in found:
        if promise.metric in copies:
            metrics = copies[promise.metric]
            titles = tuple(metric_title(policies, metric) for metric in metrics)
            yield promise.model_copy(update={"copies": titles, "copied_metrics": metrics})


def _identity(of_metric: Sequence[PromiseFigures], policies: SlaPoliciesSettings) -> str:
    """What a metric under all its policies shares with its copies: effect, targets and figures; empty where it cannot be one."""
    metric = policies.metrics.get(of_metric[0].metric)
    is_own = not any(promise.is_source_promise or promise.has_pauses for promise in of_metric)
    if metric is None or not is_own or not any(promise.clocks for promise in of_metric):
        return ""
    effect = metric.model_dump(mode="json", exclude={"title", "variant", "pause"})
    targets = {policy.name: policy.targets.get(of_metric[0].metric) for policy in policies.policies}
    figures = [(promise.policy, promise.figures(), targets.get(promise.policy)) for promise in of_metric]
    return repr((sorted(effect.items()), figures))


def metric_title(policies: SlaPoliciesSettings, metric: str) -> str:
    """The metric's title and variant; of one that the file does not know (any more), its name."""
    known = policies.metrics.get(metric)
    return ", ".join(filter(None, (known.title, known.variant))) if known else wording.sentence(wording.name(metric))


def policy_title(policies: SlaPoliciesSettings, policy: str, *, names_source: bool = True) -> str:
    """The policy's title, else its name; of one that a source brings (`<source>:<name>`) its name there, with the source's."""
    titles = {each.name: each.title for each in policies.policies}
    if policy in titles:
        return titles[policy] or wording.name(policy)
    source, _, name = policy.partition(":")
    if not name:
        return wording.name(policy)
    return f"{name} ({source})" if names_source else name


def _source(policy: str) -> str:
    source, colon, _ = policy.partition(":")
    return source if colon else ""
