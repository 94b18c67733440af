-- One row is one case that was open at the end of a local date of the desk.
-- staging.backlog_spans and mart.clock_snapshot at the instants of mart.snapshot_instants: the rows of a date follow from what happened until
-- then. Ages count from intake; the stint from when the present holder (queue and agent) got the case, or it was reopened. The next
-- clock is the first to be kept no longer of those within their target; of a clock that a pause holds nobody knows when. One that reached its target exactly
-- as its calendar closed is kept until the calendar opens, and due within two hours when that is (docs/decisions/0039-backlog-snapshot.md). A case is due within
-- two hours where any of its clocks is.
with instants as (
    select
        snapshot_date,
        snapshot_at,
        seen_before_at
    from mart.snapshot_instants
    where
        snapshot_date >= $start_date
        and snapshot_date < $end_date
),

-- By UTC date, so that few stretches are compared with every instant: those that begin on the instant's, those that end on it, and those that last
-- longer. What lies days before the first instant or after the last is not read at all: that of one date costs the same however long the history is.
open_spans as (
    select
        instants.snapshot_date,
        instants.snapshot_at,
        spans.*
    from instants
    inner join staging.backlog_spans as spans
        on
            cast(instants.seen_before_at as date) = cast(spans.started_at as date)
            and instants.seen_before_at > spans.started_at
            and (spans.ended_at is null or spans.ended_at >= instants.seen_before_at)
    where
        spans.is_open
        and spans.started_at < cast($end_date as timestamp) + interval 2 day
        and (spans.ended_at is null or spans.ended_at >= cast($start_date as timestamp) - interval 2 day)

    union all

    select
        instants.snapshot_date,
        instants.snapshot_at,
        spans.*
    from instants
    inner join staging.backlog_spans as spans
        on
            cast(instants.seen_before_at as date) = cast(spans.ended_at as date)
            and instants.seen_before_at <= spans.ended_at
    where
        spans.is_open
        and spans.started_at < cast($end_date as timestamp) + interval 2 day
        and (spans.ended_at is null or spans.ended_at >= cast($start_date as timestamp) - interval 2 day)
        and cast(spans.started_at as date) < cast(spans.ended_at as date)

    union all

    select
        instants.snapshot_date,
        instants.snapshot_at,
        spans.*
    from instants
    inner join staging.backlog_spans as spans
        on
            cast(instants.seen_before_at as date) > cast(spans.started_at as date)
            and (spans.ended_at is null or cast(spans.ended_at as date) > cast(instants.seen_before_at as date))
    where
        spans.is_open
        and spans.started_at < cast($end_date as timestamp) + interval 2 day
        and (spans.ended_at is null or spans.ended_at >= cast($start_date as timestamp) - interval 2 day)
        and (spans.ended_at is null or cast(spans.ended_at as date) > cast(spans.started_at as date) + interval 1 day)
),

-- F of the desk at the instants.
desk_times as (
    select
        instants.snapshot_date,
        desk_time.open_seconds_before
        + case
            when desk_time.is_open then (epoch_us(instants.snapshot_at) - epoch_us(desk_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds
    from instants
    inner join staging.business_time as desk_time
        on
            desk_time.calendar = 'desk'
            and cast(instants.snapshot_at as date) = desk_time.utc_date
            and instants.snapshot_at >= desk_time.segment_start_at
            and instants.snapshot_at < desk_time.segment_end_at
),

-- When a calendar is open first, from an instant on, in the two weeks after it.
calendar_openings as (
    select
        instants.snapshot_date,
        segments.calendar,
        min(case when segments.segment_start_at > instants.snapshot_at then segments.segment_start_at else instants.snapshot_at end) as opens_at
    from instants
    inner join staging.business_time as segments
        on
            segments.utc_date >= cast(instants.snapshot_at as date)
            and segments.utc_date <= cast(instants.snapshot_at + interval 14 day as date)
            and segments.segment_end_at > instants.snapshot_at
    where segments.is_open
    group by instants.snapshot_date, segments.calendar
),

-- A due instant that has come while the clock is kept is that of a calendar that has closed.
clocks_within_target as (
    select
        clocks.*,
        case
            when clocks.due_at > clocks.snapshot_at then clocks.due_at
            when clocks.due_at is not null then calendar_openings.opens_at
        end as kept_until_at,
        coalesce(
            (clocks.due_at > clocks.snapshot_at and clocks.due_at <= clocks.snapshot_at + interval 7200 second)
            or (clocks.due_at <= clocks.snapshot_at and calendar_openings.opens_at < clocks.snapshot_at + interval 7200 second),
            false
        ) as is_due_in_2_hours
    from mart.clock_snapshot as clocks
    left join calendar_openings on clocks.snapshot_date = calendar_openings.snapshot_date and clocks.calendar = calendar_openings.calendar
    where
        clocks.snapshot_date >= $start_date
        and clocks.snapshot_date < $end_date
        and not clocks.is_past_target
),

-- Those within their target in the order in which they are kept no longer.
clocks as (
    select
        snapshot_date,
        case_id,
        policy,
        metric,
        due_at,
        remaining_seconds,
        is_past_target,
        debt_seconds,
        is_due_in_2_hours,
        row_number() over (
            partition by snapshot_date, case_id
            order by kept_until_at nulls last, due_at nulls last, remaining_seconds, policy, metric, cycle
        ) as position_by_due
    from clocks_within_target

    union all

    select
        snapshot_date,
        case_id,
        policy,
        metric,
        due_at,
        remaining_seconds,
        is_past_target,
        debt_seconds,
        false as is_due_in_2_hours,
        cast(null as bigint) as position_by_due
    from mart.clock_snapshot
    where
        snapshot_date >= $start_date
        and snapshot_date < $end_date
        and coalesce(is_past_target, true)
),

case_clocks as (
    select
        snapshot_date,
        case_id,
        count(*) as open_clocks,
        count(*) filter (where is_past_target) as breached_clocks,
        min(due_at) filter (where is_past_target) as breached_since_at,
        sum(debt_seconds) as debt_seconds,
        max(policy) filter (where position_by_due = 1) as next_policy,
        max(metric) filter (where position_by_due = 1) as next_metric,
        max(due_at) filter (where position_by_due = 1) as next_due_at,
        max(remaining_seconds) filter (where position_by_due = 1) as next_remaining_seconds,
        bool_or(is_due_in_2_hours) as is_due_in_2_hours
    from clocks
    group by snapshot_date, case_id
),

-- F of the desk at intake: looked up case by case, not for every date on which a case is open.
cases as (
    select
        cases.intake_date,
        cases.case_id,
        cases.intake_ts,
        cases.case_type,
        cases.region,
        cases.brand,
        cases.channel,
        cases.customer,
        intake_time.open_seconds_before
        + case
            when intake_time.is_open then (epoch_us(cases.intake_ts) - epoch_us(intake_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_intake
    from staging.case_milestones as cases
    left join staging.business_time as intake_time
        on
            intake_time.calendar = 'desk'
            and cast(cases.intake_ts as date) = intake_time.utc_date
            and cases.intake_ts >= intake_time.segment_start_at
            and cases.intake_ts < intake_time.segment_end_at
)

select
    spans.snapshot_date,
    spans.snapshot_at,
    spans.source,
    spans.case_id,
    spans.intake_date,
    cases.intake_ts,
    cast((epoch_us(spans.snapshot_at) // 1000000 - epoch_us(cases.intake_ts) // 1000000) / 60.0 as double) as age_calendar_minutes,
    cast(
        (desk_times.open_seconds - cases.open_seconds_at_intake) / 60.0 as double
    ) as age_business_minutes,
    spans.stint_started_at,
    cast((epoch_us(spans.snapshot_at) // 1000000 - epoch_us(spans.stint_started_at) // 1000000) / 60.0 as double) as stint_calendar_minutes,
    cast(
        (
            desk_times.open_seconds
            - stint_time.open_seconds_before
            - case
                when stint_time.is_open then (epoch_us(spans.stint_started_at) - epoch_us(stint_time.segment_start_at)) // 1000000
                else 0
            end
        ) / 60.0 as double
    ) as stint_business_minutes,
    spans.status,
    spans.started_at as status_since_at,
    case when sources.is_status_told then spans.waits_for end as waits_for,
    spans.team,
    spans.agent,
    spans.priority,
    spans.tier,
    cases.case_type,
    cases.region,
    cases.brand,
    cases.channel,
    cases.customer,
    cast(coalesce(case_clocks.open_clocks, 0) as bigint) as open_clocks,
    cast(coalesce(case_clocks.breached_clocks, 0) as bigint) as breached_clocks,
    case_clocks.breached_since_at,
    cast(coalesce(case_clocks.debt_seconds, 0) as bigint) as debt_seconds,
    case_clocks.next_policy,
    case_clocks.next_metric,
    case_clocks.next_due_at,
    cast(case_clocks.next_remaining_seconds / 60.0 as double) as next_remaining_business_minutes,
    case
        when epoch_us(spans.snapshot_at) // 1000000 - epoch_us(cases.intake_ts) // 1000000 < 86400 then 'under_1_day'
        when epoch_us(spans.snapshot_at) // 1000000 - epoch_us(cases.intake_ts) // 1000000 < 3 * 86400 then '1_to_3_days'
        when epoch_us(spans.snapshot_at) // 1000000 - epoch_us(cases.intake_ts) // 1000000 < 7 * 86400 then '3_to_7_days'
        when epoch_us(spans.snapshot_at) // 1000000 - epoch_us(cases.intake_ts) // 1000000 < 30 * 86400 then '7_to_30_days'
        else 'over_30_days'
    end as age_band,
    coalesce(case_clocks.is_due_in_2_hours, false) as is_due_in_2_hours
from open_spans as spans
inner join cases on spans.intake_date = cases.intake_date and spans.case_id = cases.case_id
inner join mart.backlog_sources as sources on spans.source = sources.source
left join desk_times on spans.snapshot_date = desk_times.snapshot_date
left join case_clocks on spans.snapshot_date = case_clocks.snapshot_date and spans.case_id = case_clocks.case_id
left join staging.business_time as stint_time
    on
        stint_time.calendar = 'desk'
        and cast(spans.stint_started_at as date) = stint_time.utc_date
        and spans.stint_started_at >= stint_time.segment_start_at
        and spans.stint_started_at < stint_time.segment_end_at
