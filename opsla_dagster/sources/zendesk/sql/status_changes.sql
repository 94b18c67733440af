-- One row is a status that a ticket entered: told by its history, begun with (where the history does not tell: what its first
-- change says it was before, or what it still is), or deleted.
with told as (
    select
        used_cases.case_id,
        used_cases.case_id || '#' || history.audit_id || '.' || history.position as event_id,
        history.at_ts as event_ts,
        history.audit_number,
        history.position,
        history.type,
        history.value as source_status,
        history.previous
    from history
    inner join used_cases using (ticket_id)
    where history.field = 'status'
),

first_changes as (
    select
        case_id,
        arg_min_null(previous, row(event_ts, audit_number, position)) as source_status
    from told
    where type = 'Change'
    group by case_id
),

begun as (
    select
        used_cases.case_id,
        used_cases.case_id || '#created' as event_id,
        used_cases.intake_ts as event_ts,
        cast(-1 as bigint) as audit_number,
        0 as position,
        coalesce(first_changes.source_status, nullif(used_cases.source_status, 'deleted'), 'new') as source_status
    from used_cases
    left join first_changes using (case_id)
    where used_cases.case_id not in (select case_id from told where type = 'Create')
),

deleted as (
    select
        case_id,
        case_id || '#deleted' as event_id,
        updated_ts as event_ts,
        cast(9223372036854775807 as bigint) as audit_number,
        0 as position,
        source_status
    from used_cases
    where source_status = 'deleted' and case_id not in (select case_id from told where source_status = 'deleted')
),

entered as (
    select case_id, event_id, event_ts, audit_number, position, source_status from told
    union all
    select case_id, event_id, event_ts, audit_number, position, source_status from begun
    union all
    select case_id, event_id, event_ts, audit_number, position, source_status from deleted
)

select
    entered.*,
    statuses.status
from entered
inner join statuses using (source_status)
