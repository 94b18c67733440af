-- One row is one verdict of a source, with our clock for the same case, metric and cycle, and why they differ.
-- Ours is the one by the source's own promise, else by the policy in force at its end. A difference of less than a minute comes of counting whole
-- minutes; a source judges a running clock at the instant it is looked at, ours in mart.open_clocks.
with ours as (
    select
        case_id,
        intake_date,
        metric,
        cycle,
        policy,
        outcome,
        reason,
        elapsed_seconds,
        due_at,
        row_number() over (
            partition by case_id, intake_date, metric, cycle order by is_source_promise desc, policy
        ) as choice
    from staging.sla_clocks
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and not is_superseded
),

compared as (
    select
        verdicts.source,
        verdicts.verdict_id,
        verdicts.case_id,
        verdicts.intake_date,
        verdicts.metric,
        verdicts.cycle,
        verdicts.is_breached as source_is_breached,
        verdicts.breached_ts as source_breached_ts,
        verdicts.elapsed_seconds as source_elapsed_seconds,
        ours.policy,
        ours.outcome,
        ours.reason,
        ours.elapsed_seconds,
        ours.due_at,
        ours.elapsed_seconds - verdicts.elapsed_seconds as difference_seconds
    from raw.source_verdicts as verdicts
    left join ours
        on
            verdicts.case_id = ours.case_id
            and verdicts.intake_date = ours.intake_date
            and verdicts.metric = ours.metric
            and coalesce(verdicts.cycle, 1) = ours.cycle
            and ours.choice = 1
    where
        verdicts.intake_date >= $start_date
        and verdicts.intake_date < $end_date
)

select
    source,
    verdict_id,
    case_id,
    intake_date,
    metric,
    cycle,
    source_is_breached,
    source_breached_ts,
    source_elapsed_seconds,
    policy,
    outcome,
    reason,
    elapsed_seconds,
    due_at,
    cast(difference_seconds as bigint) as difference_seconds,
    case
        when outcome is null then 'no_clock'
        when outcome = 'unknown' then 'unknown'
        when outcome = 'running' then 'still_running'
        when source_is_breached is not null and source_is_breached <> (outcome = 'breached') then 'verdict_differs'
        when abs(difference_seconds) >= 60 then 'time_differs'
        when abs(difference_seconds) > 0 then 'whole_minutes'
        else 'agrees'
    end as comparison
from compared
