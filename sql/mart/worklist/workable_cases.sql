-- One row is one open case that is ours to work on now: it waits for us, or its source does not tell whom it waits for.
-- Its clock is the one that decides when it is due: of those within their target the first to fall due; where all are past it, the first that was; a clock
-- that stands still has no due time. The time left is told in open seconds of the desk, in which its people work, whatever the calendar of the promise: before
-- it is due those until then, negative once it is past due.
with now_instant as (
    select now_at
    from mart.desk_now
),

ranked_clocks as (
    select
        case_id,
        policy,
        metric,
        cycle,
        target_seconds,
        due_at,
        is_past_target,
        row_number() over (
            partition by case_id
            order by is_past_target nulls last, due_at nulls last, remaining_seconds, policy, metric, cycle
        ) as position_by_due
    from mart.clock_now
),

deciding_clocks as (
    select *
    from ranked_clocks
    where position_by_due = 1
),

instants as (
    select now_at as instant_at
    from now_instant

    union

    select due_at as instant_at
    from deciding_clocks
    where due_at is not null
),

-- F of the desk.
open_times as (
    select
        instants.instant_at,
        desk_time.open_seconds_before
        + case
            when desk_time.is_open then (epoch_us(instants.instant_at) - epoch_us(desk_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds
    from instants
    inner join staging.business_time as desk_time
        on
            desk_time.calendar = 'desk'
            and cast(instants.instant_at as date) = desk_time.utc_date
            and instants.instant_at >= desk_time.segment_start_at
            and instants.instant_at < desk_time.segment_end_at
)

select
    cast(now_instant.now_at as timestamp) as now_at,
    cases.source,
    cases.case_id,
    cases.intake_date,
    cases.intake_ts,
    coalesce(cases.team, 'none') as queue,
    cases.agent,
    cases.priority,
    cases.waits_for,
    clocks.policy as due_policy,
    clocks.metric as due_metric,
    clocks.cycle as due_cycle,
    clocks.target_seconds,
    cast(clocks.due_at as timestamp) as due_at,
    cast(due_times.open_seconds - now_times.open_seconds as bigint) as due_in_business_seconds,
    objectives.objective_pct
from mart.backlog_now as cases
cross join now_instant
left join deciding_clocks as clocks on cases.case_id = clocks.case_id
left join open_times as now_times on now_instant.now_at = now_times.instant_at
left join open_times as due_times on clocks.due_at = due_times.instant_at
left join staging.sla_policies as objectives on clocks.policy = objectives.policy and clocks.metric = objectives.metric
where cases.waits_for = 'us' or cases.waits_for is null
