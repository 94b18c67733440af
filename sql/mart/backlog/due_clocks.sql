-- One row is one clock that fell due in the period of the error budget, and whether its promise was broken by now.
-- Of one that stopped before now the verdict; of one that is open now whether it is past its target. One that nobody judges (cancelled, replaced)
-- is not counted. A clock counts for the queue that held its case just before decided_at, when it was stopped in time or reached its target, so that
-- queues add up to all; none where nobody held it (docs/decisions/0040-error-budget-and-now.md).
with period as (
    select
        now_at,
        from_at
    from mart.burn_windows
    where window_name = 'period'
),

clocks as (
    select
        clocks.intake_date,
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
        clocks.intake_date,
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
)

-- Where one stretch ends and the next begins in the instant, the former held the case; in the instant of intake the first one.
select
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.due_at,
    clocks.decided_at,
    coalesce(spans.team, 'none') as queue,
    clocks.is_bad
from clocks
left join staging.backlog_spans as spans
    on
        clocks.intake_date = spans.intake_date
        and clocks.case_id = spans.case_id
        and (spans.started_at < clocks.decided_at or (spans.began_with = 'opened' and spans.started_at <= clocks.decided_at))
        and (spans.ended_at >= clocks.decided_at or spans.ended_at is null)
