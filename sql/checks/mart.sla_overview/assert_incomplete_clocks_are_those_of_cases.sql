-- Where the incomplete clocks of a promise are not as many as the clocks with a verdict that are marked so.
-- A failure means that a verdict is marked and not counted, or counted and not marked; look first at incomplete_clocks in sql/mart/attainment/sla_overview.sql.
with counted_clocks as (
    select
        source,
        policy,
        metric,
        sum(incomplete_clocks) as clocks
    from mart.sla_overview
    where dimension = 'all'
    group by source, policy, metric
),

marked_clocks as (
    select
        clocks.source,
        clocks.policy,
        clocks.metric,
        count(*) as clocks
    from mart.sla_attainment as clocks
    inner join mart.incomplete_cases as incomplete_cases on clocks.intake_date = incomplete_cases.intake_date and clocks.case_id = incomplete_cases.case_id
    where
        clocks.is_incomplete
        and clocks.outcome in ('met', 'breached')
    group by clocks.source, clocks.policy, clocks.metric
)

select
    coalesce(counted_clocks.source, marked_clocks.source) as source,
    coalesce(counted_clocks.policy, marked_clocks.policy) as policy,
    coalesce(counted_clocks.metric, marked_clocks.metric) as metric,
    counted_clocks.clocks as counted_clocks,
    marked_clocks.clocks as marked_clocks
from counted_clocks
full join marked_clocks
    on
        counted_clocks.source = marked_clocks.source
        and counted_clocks.policy = marked_clocks.policy
        and counted_clocks.metric = marked_clocks.metric
where coalesce(counted_clocks.clocks, 0) <> coalesce(marked_clocks.clocks, 0)
