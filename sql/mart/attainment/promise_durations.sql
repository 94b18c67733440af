-- One row is one policy and metric: how long the clocks took that have stopped, over everything loaded.
-- Exact percentiles of open time less pauses. A policy of sla_policies.yml does not speak for the cases of a source that brings promises of
-- its own (docs/decisions/0024-whose-promises-a-headline-speaks-of.md).
with promising_sources as (
    select distinct source
    from staging.sla_clocks
    where is_source_promise
),

judged_clocks as (
    select
        clocks.policy,
        clocks.metric,
        clocks.is_source_promise,
        clocks.elapsed_seconds,
        clocks.paused_seconds
    from staging.sla_clocks as clocks
    left join promising_sources on clocks.source = promising_sources.source
    where
        not clocks.is_open
        and clocks.outcome <> 'unknown'
        and not clocks.is_superseded
        and (clocks.is_source_promise or promising_sources.source is null)
)

select
    policy,
    metric,
    is_source_promise,
    cast(count(*) as bigint) as stopped_clocks,
    cast(count(*) filter (where paused_seconds > 0) as bigint) as paused_clocks,
    cast(quantile_cont(elapsed_seconds, [0.5, 0.9, 0.95])[1] / 60.0 as double) as elapsed_p50_business_minutes,
    cast(quantile_cont(elapsed_seconds, [0.5, 0.9, 0.95])[2] / 60.0 as double) as elapsed_p90_business_minutes,
    cast(quantile_cont(elapsed_seconds, [0.5, 0.9, 0.95])[3] / 60.0 as double) as elapsed_p95_business_minutes
from judged_clocks
group by policy, metric, is_source_promise
