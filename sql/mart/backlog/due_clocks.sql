-- One row is one clock that fell due in the period of the error budget, and whether its promise was broken by now.
-- Of one that stopped before now the verdict; of one that is open now whether it is past its target. One that nobody judges (cancelled, replaced)
-- is not counted. decided_at, when a clock stopped in time or reached its target, tells whose queue it counts for (docs/decisions/0040-error-budget-and-now.md).
with period as (
    select
        now_at,
        from_at
    from mart.burn_windows
    where window_name = 'period'
)

select
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.clock_due_at as due_at,
    cast(least(clocks.stopped_at, clocks.clock_due_at) as timestamp) as decided_at,
    clocks.outcome = 'breached' as is_bad
from staging.backlog_clocks as clocks
inner join period
    on
        clocks.clock_due_at > period.from_at
        and clocks.clock_due_at <= period.now_at
        and clocks.stopped_at <= period.now_at
where clocks.outcome in ('met', 'breached')

union all

select
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.due_at,
    cast(clocks.due_at as timestamp) as decided_at,
    clocks.is_past_target as is_bad
from mart.clock_now as clocks
inner join period
    on
        clocks.due_at > period.from_at
        and clocks.due_at <= period.now_at
where clocks.is_past_target is not null
