-- One row is a stretch of a ticket on one schedule with one version of its hours: what it was given last, else the account's default. The
-- calendar is NULL where nobody knows the hours: the schedule was deleted before the first load, or is never open.
with given as (
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
    qualify row_number() over (partition by used_cases.case_id, history.at_ts order by history.audit_number desc, history.position desc) = 1
),

default_schedule as (
    select schedule_id from schedule_versions where is_default limit 1
),

began as (
    select
        used_cases.case_id,
        used_cases.intake_ts,
        case when used_cases.source_status in ('closed', 'deleted') then used_cases.updated_ts end as ended_ts,
        arg_min_null(given.previous_schedule_id, given.at_ts) as schedule_id
    from used_cases
    left join given using (case_id)
    group by all
),

assigned as (
    select
        case_id,
        intake_ts as from_ts,
        cast(0 as bigint) as audit_number,
        0 as position,
        'intake' as change_number,
        coalesce(schedule_id, (select schedule_id from default_schedule)) as schedule_id
    from began
    union all
    select
        case_id,
        greatest(at_ts, intake_ts) as from_ts,
        audit_number,
        position,
        change_number,
        coalesce(schedule_id, (select schedule_id from default_schedule)) as schedule_id
    from given
),

stretches as (
    select
        assigned.*,
        began.ended_ts,
        lead(assigned.from_ts) over (
            partition by assigned.case_id order by assigned.from_ts, assigned.audit_number, assigned.position
        ) as to_ts
    from assigned
    inner join began using (case_id)
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
