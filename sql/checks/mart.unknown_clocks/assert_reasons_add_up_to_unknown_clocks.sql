-- Promises whose unknown clocks are not as many as the reasons tell.
-- A failure means that the number of unknown clocks and why they are unknown are of different clocks; look first at sql/mart/attainment/unknown_clocks.sql.
with told_clocks as (
    select
        source,
        policy,
        metric,
        sum(unknown_clocks) as clocks
    from mart.unknown_clocks
    group by source, policy, metric
)

select
    overview.source,
    overview.policy,
    overview.metric,
    overview.unknown_clocks,
    told_clocks.clocks as told_clocks
from mart.sla_overview as overview
left join told_clocks
    on
        overview.source = told_clocks.source
        and overview.policy = told_clocks.policy
        and overview.metric = told_clocks.metric
where
    overview.dimension = 'all'
    and overview.unknown_clocks <> coalesce(told_clocks.clocks, 0)
