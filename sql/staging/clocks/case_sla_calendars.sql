-- One row is one case, metric and stretch of time in which its promise counts by one calendar.
-- Only where the calendar can change: another promise came into force, or the promise follows the case's schedule and that changed. From
-- intake on and without a gap: before the first promise its calendar counts, after one has lapsed its calendar counts on. A
-- schedule holds from its change on; before the first change the case had the previous one (docs/decisions/0023-schedules-that-change.md).
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

promises as (
    select
        case_id,
        metric,
        calendar,
        is_on_case_schedule,
        is_source_promise,
        in_force_from_at,
        in_force_to_at
    from staging.case_sla_policies
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

schedule_changes as (
    select
        changes.case_id,
        changes.value,
        changes.previous_value,
        cases.intake_ts,
        case when changes.changed_ts < cases.intake_ts then cases.intake_ts else changes.changed_ts end as changed_at,
        row_number() over (
            partition by changes.case_id order by changes.changed_ts, changes.source_sequence, changes.change_id
        ) as change_number
    from raw.attribute_changes as changes
    inner join cases on changes.case_id = cases.case_id
    where
        changes.intake_date >= $start_date
        and changes.intake_date < $end_date
        and changes.attribute = 'schedule'
),

-- Every promise but the last one of a case and metric has an end.
changing_promises as (
    select
        case_id,
        metric,
        is_source_promise
    from promises
    where in_force_to_at is not null

    union

    select
        promises.case_id,
        promises.metric,
        promises.is_source_promise
    from promises
    inner join schedule_changes on promises.case_id = schedule_changes.case_id
    where promises.is_on_case_schedule
),

schedule_starts as (
    select
        case_id,
        previous_value as calendar,
        intake_ts as held_from_at,
        cast(0 as bigint) as change_number
    from schedule_changes
    where change_number = 1

    union all

    select
        case_id,
        value as calendar,
        changed_at as held_from_at,
        change_number
    from schedule_changes
),

schedules as (
    select
        case_id,
        calendar,
        held_from_at,
        lead(held_from_at) over (partition by case_id order by change_number) as held_to_at
    from schedule_starts
),

promise_stretches as (
    select
        promises.case_id,
        promises.metric,
        promises.is_source_promise,
        promises.calendar,
        promises.is_on_case_schedule,
        case
            when lag(promises.in_force_from_at) over (
                partition by promises.case_id, promises.metric, promises.is_source_promise order by promises.in_force_from_at
            ) is null then cases.intake_ts
            else promises.in_force_from_at
        end as held_from_at,
        lead(promises.in_force_from_at) over (
            partition by promises.case_id, promises.metric, promises.is_source_promise order by promises.in_force_from_at
        ) as held_to_at
    from promises
    inner join changing_promises
        on
            promises.case_id = changing_promises.case_id
            and promises.metric = changing_promises.metric
            and promises.is_source_promise = changing_promises.is_source_promise
    inner join cases on promises.case_id = cases.case_id
),

calendar_stretches as (
    select
        promise_stretches.case_id,
        promise_stretches.metric,
        promise_stretches.is_source_promise,
        promise_stretches.is_on_case_schedule,
        coalesce(schedules.calendar, promise_stretches.calendar) as calendar,
        case
            when schedules.held_from_at > promise_stretches.held_from_at then schedules.held_from_at
            else promise_stretches.held_from_at
        end as held_from_at
    from promise_stretches
    left join schedules
        on
            promise_stretches.is_on_case_schedule
            and promise_stretches.case_id = schedules.case_id
            and (schedules.held_to_at is null or schedules.held_to_at > promise_stretches.held_from_at)
            and (promise_stretches.held_to_at is null or schedules.held_from_at < promise_stretches.held_to_at)
            and (schedules.held_to_at is null or schedules.held_to_at > schedules.held_from_at)
),

with_previous_calendar as (
    select
        *,
        lag(calendar) over (partition by case_id, metric, is_source_promise order by held_from_at) as previous_calendar,
        bool_or(is_on_case_schedule) over (partition by case_id, metric, is_source_promise) as is_ever_on_case_schedule
    from calendar_stretches
),

calendar_changes as (
    select
        *,
        count(*) over (partition by case_id, metric, is_source_promise) as calendars,
        lead(held_from_at) over (partition by case_id, metric, is_source_promise order by held_from_at) as held_to_at
    from with_previous_calendar
    where previous_calendar is null or calendar <> previous_calendar
)

select
    cases.source,
    calendar_changes.case_id,
    cases.intake_date,
    calendar_changes.metric,
    calendar_changes.is_source_promise,
    calendar_changes.calendar,
    calendar_changes.held_from_at as calendar_from_at,
    calendar_changes.held_to_at as calendar_to_at
from calendar_changes
inner join cases on calendar_changes.case_id = cases.case_id
where calendar_changes.calendars > 1 or calendar_changes.is_ever_on_case_schedule
