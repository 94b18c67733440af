-- One row is one verdict of a source, with our clock for the same case, metric and cycle, and why they differ.
-- A verdict stands beside the promise that it is of: where the source brings promises of its own for the case, beside these alone, else beside
-- the policy in force at the clock's end. The metric `any` is a verdict on all that is promised of the case: one breached clock breaches it.
-- Times are compared where both count the same hours: on the source's own promise, or on a calendar that is always open (what a
-- source tells without a promise is calendar time). A difference of less than a minute comes of counting whole minutes; a source judges
-- a running clock at the instant it is looked at, ours in mart.open_clocks. Where neither a verdict nor a time stands on both sides,
-- nothing is compared, and nothing agrees (docs/decisions/0016-ticket-systems.md).
with verdicts as (
    select
        source,
        verdict_id,
        case_id,
        intake_date,
        metric,
        cycle,
        is_breached,
        breached_ts,
        elapsed_seconds
    from raw.source_verdicts
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

cases_with_own_promises as (
    select distinct case_id
    from raw.applied_targets
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and target_seconds is not null
),

always_open_calendars as (
    select calendar
    from staging.business_time
    group by calendar
    having bool_and(is_open)
),

clocks as (
    select
        clocks.case_id,
        clocks.metric,
        clocks.cycle,
        clocks.policy,
        clocks.outcome,
        clocks.reason,
        clocks.elapsed_seconds,
        clocks.due_at,
        clocks.is_source_promise,
        clocks.is_source_promise or always_open_calendars.calendar is not null as is_time_comparable,
        clocks.is_source_promise or cases_with_own_promises.case_id is null as is_promise_comparable
    from staging.sla_clocks as clocks
    left join always_open_calendars on clocks.calendar = always_open_calendars.calendar
    left join cases_with_own_promises on clocks.case_id = cases_with_own_promises.case_id
    where
        clocks.intake_date >= $start_date
        and clocks.intake_date < $end_date
        and not clocks.is_superseded
),

verdict_clocks as (
    select
        verdicts.verdict_id,
        clocks.policy,
        clocks.outcome,
        clocks.reason,
        clocks.elapsed_seconds,
        clocks.due_at,
        clocks.is_time_comparable,
        row_number() over (
            partition by verdicts.verdict_id order by clocks.is_source_promise desc, clocks.policy
        ) as choice
    from verdicts
    inner join clocks
        on
            verdicts.case_id = clocks.case_id
            and verdicts.metric = clocks.metric
            and coalesce(verdicts.cycle, 1) = clocks.cycle
    where
        clocks.is_promise_comparable
        or (verdicts.is_breached is null and verdicts.elapsed_seconds is not null and clocks.is_time_comparable)
),

-- A verdict on everything that is promised of a case.
case_verdict_clocks as (
    select
        verdicts.verdict_id,
        case when min(clocks.policy) = max(clocks.policy) then min(clocks.policy) end as policy,
        case
            when bool_or(clocks.outcome = 'breached') then 'breached'
            when bool_or(clocks.outcome = 'running') then 'running'
            when bool_or(clocks.outcome = 'unknown') then 'unknown'
            else 'met'
        end as outcome,
        case
            when bool_and(clocks.outcome in ('met', 'unknown')) then min(clocks.reason)
        end as reason,
        cast(null as bigint) as elapsed_seconds,
        cast(null as timestamp) as due_at,
        false as is_time_comparable,
        1 as choice
    from verdicts
    inner join clocks on verdicts.case_id = clocks.case_id
    where verdicts.metric = 'any' and clocks.is_promise_comparable
    group by verdicts.verdict_id
),

all_verdict_clocks as (
    select *
    from verdict_clocks
    where choice = 1

    union all

    select *
    from case_verdict_clocks
),

verdict_comparisons as (
    select
        verdicts.*,
        all_verdict_clocks.policy,
        all_verdict_clocks.outcome,
        all_verdict_clocks.reason,
        all_verdict_clocks.elapsed_seconds as our_elapsed_seconds,
        all_verdict_clocks.due_at,
        case
            when all_verdict_clocks.is_time_comparable then all_verdict_clocks.elapsed_seconds - verdicts.elapsed_seconds
        end as difference_seconds
    from verdicts
    left join all_verdict_clocks on verdicts.verdict_id = all_verdict_clocks.verdict_id
)

select
    source,
    verdict_id,
    case_id,
    intake_date,
    metric,
    cycle,
    is_breached as source_is_breached,
    breached_ts as source_breached_ts,
    elapsed_seconds as source_elapsed_seconds,
    policy,
    outcome,
    reason,
    our_elapsed_seconds as elapsed_seconds,
    due_at,
    cast(difference_seconds as bigint) as difference_seconds,
    case
        when is_breached is null and elapsed_seconds is null then 'nothing_compared'
        when outcome is null then 'no_clock'
        when outcome = 'unknown' then 'unknown'
        when outcome = 'running' then 'still_running'
        when is_breached is not null and is_breached <> (outcome = 'breached') then 'verdict_differs'
        when abs(difference_seconds) >= 60 then 'time_differs'
        when abs(difference_seconds) > 0 then 'whole_minutes'
        when is_breached is not null or difference_seconds is not null then 'agrees'
        else 'nothing_compared'
    end as comparison
from verdict_comparisons
