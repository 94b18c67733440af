-- One row is a stretch of a ticket on one schedule with one version of its hours: what it was given last, else the account's default. The
-- calendar is NULL where nobody knows the hours: the schedule was deleted before the first load, or is never open.
with all_assignments as (
    select
        used_cases.case_id,
        used_cases.intake_ts,
        history.at_ts,
        history.audit_number,
        history.position,
        history.audit_id || '.' || history.position as change_number,
        history.value as schedule_id,
        history.previous as previous_schedule_id
    from history
    inner join used_cases using (ticket_id)
    where history.type = 'ScheduleAssignment' and is_usable_instant(history.at_ts)
),

-- Of several at one instant the last holds.
assignments as (
    select *
    from all_assignments
    qualify row_number() over (partition by case_id, at_ts order by audit_number desc, position desc) = 1
),

default_schedule as (
    select max(schedule_id) as schedule_id from schedule_versions where is_default
),

initial_schedules as (
    select
        used_cases.case_id,
        used_cases.intake_ts,
        case when used_cases.source_status in ('closed', 'deleted') then used_cases.updated_ts end as ended_ts,
        arg_min_null(
            all_assignments.previous_schedule_id,
            row(all_assignments.at_ts, all_assignments.audit_number, all_assignments.position)
        ) as schedule_id
    from used_cases
    left join all_assignments using (case_id)
    group by all
),

schedules_in_turn as (
    select
        case_id,
        intake_ts as from_ts,
        cast(0 as bigint) as audit_number,
        0 as position,
        'intake' as change_number,
        coalesce(schedule_id, (select schedule_id from default_schedule)) as schedule_id
    from initial_schedules
    union all
    select
        case_id,
        greatest(at_ts, intake_ts) as from_ts,
        audit_number,
        position,
        change_number,
        coalesce(schedule_id, (select schedule_id from default_schedule)) as schedule_id
    from assignments
),

stretches as (
    select
        schedules_in_turn.*,
        initial_schedules.ended_ts,
        lead(schedules_in_turn.from_ts) over (
            partition by schedules_in_turn.case_id order by schedules_in_turn.from_ts, schedules_in_turn.audit_number, schedules_in_turn.position
        ) as to_ts
    from schedules_in_turn
    inner join initial_schedules using (case_id)
)

select
    stretches.case_id,
    greatest(stretches.from_ts, coalesce(versions.known_from, stretches.from_ts)) as from_ts,
    case when versions.known_from > stretches.from_ts then cast(0 as bigint) else stretches.audit_number end as audit_number,
    case when versions.known_from > stretches.from_ts then 0 else stretches.position end as position,
    case
        when versions.known_from > stretches.from_ts then 'hours.' || cast(epoch_us(versions.known_from) as varchar)
        else stretches.change_number
    end as change_number,
    versions.calendar
from stretches
left join schedule_versions as versions
    on
        stretches.schedule_id = versions.schedule_id
        and (versions.known_to is null or versions.known_to > stretches.from_ts)
        and (
            versions.known_from is null
            or versions.known_from <= stretches.from_ts
            or (
                (stretches.to_ts is null or versions.known_from < stretches.to_ts)
                and (stretches.ended_ts is null or versions.known_from < stretches.ended_ts)
            )
        )
where stretches.to_ts is null or stretches.to_ts > stretches.from_ts
