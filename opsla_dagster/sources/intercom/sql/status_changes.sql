-- One row is a status that a conversation entered. An open one is unassigned until an admin is given it, or answers: that it has an assignee
-- now does not tell since when. One that an agent began is open.
with begun as (
    select
        used_cases.case_id,
        used_cases.case_id || '#created' as event_id,
        used_cases.intake_ts as event_ts,
        cast(-1 as bigint) as audit_number,
        case
            when used_cases.initiated_by = 'agent' or coalesce(bool_or(states.is_held), false) then 'open' else 'unassigned'
        end as source_status
    from used_cases
    left join states on used_cases.ticket_id = states.ticket_id and states.at_ts < used_cases.intake_ts
    group by used_cases.case_id, used_cases.intake_ts, used_cases.initiated_by
),

moved as (
    select
        begun.case_id,
        begun.case_id || '#' || states.part_id as event_id,
        states.at_ts as event_ts,
        states.audit_number,
        case
            when states.state = 'open' and begun.source_status = 'unassigned' and not states.is_held then 'unassigned'
            else states.state
        end as source_status
    from states
    inner join used_cases using (ticket_id)
    inner join begun using (case_id)
    where states.at_ts >= used_cases.intake_ts
),

closed_otherwise as (
    select
        used_cases.case_id,
        used_cases.case_id || '#closed' as event_id,
        greatest(used_cases.last_close_ts, used_cases.intake_ts, coalesce(max(moved.event_ts), used_cases.last_close_ts)) as event_ts,
        cast(9223372036854775806 as bigint) as audit_number,
        'closed' as source_status
    from used_cases
    left join moved using (case_id)
    where used_cases.state = 'closed' and used_cases.last_close_ts is not null
    group by used_cases.case_id, used_cases.last_close_ts, used_cases.intake_ts
    having coalesce(arg_max(moved.source_status, row(moved.event_ts, moved.audit_number)), '') <> 'closed'
),

deleted as (
    select
        used_cases.case_id,
        used_cases.case_id || '#deleted' as event_id,
        greatest(epoch_instant(landed_deleted_conversations.payload ->> '$.deleted_at'), used_cases.intake_ts) as event_ts,
        cast(9223372036854775807 as bigint) as audit_number,
        'deleted' as source_status
    from used_cases
    inner join landed_deleted_conversations on used_cases.ticket_id = landed_deleted_conversations.id
    where is_usable_instant(epoch_instant(landed_deleted_conversations.payload ->> '$.deleted_at'))
),

entered as (
    select * from begun
    union all
    select * from moved
    union all
    select * from closed_otherwise
    union all
    select * from deleted
),

with_previous as (
    select
        *,
        lag(source_status) over (partition by case_id order by event_ts, audit_number, event_id) as source_status_before
    from entered
)

select
    with_previous.case_id,
    with_previous.event_id,
    with_previous.event_ts,
    with_previous.audit_number,
    0 as position,
    with_previous.source_status,
    statuses.status
from with_previous
inner join statuses using (source_status)
where with_previous.source_status is distinct from with_previous.source_status_before
