-- One row is a status that a ticket entered: told by its history, begun with (where the history does not tell: what its first
-- change says it was before, or what it still is), or deleted. A custom status is its own word where sources.yml has that word, else its
-- category's. The close of a ticket that was merged is the merge.
with custom as (
    select
        landed.id,
        landed.payload ->> '$.status_category' as category,
        statuses.source_status as own_word
    from landed_custom_statuses as landed
    left join statuses on lower(trim(landed.payload ->> '$.agent_label')) = lower(trim(statuses.source_status))
),

-- Every status, and a custom status that comes without one; of an update with several statuses the custom status is that of the last.
set_by_updates as (
    select
        used_cases.case_id,
        used_cases.merged_ts is not null as is_merged,
        history.audit_id,
        history.at_ts,
        history.audit_number,
        history.position,
        history.field = 'status' as is_status_told,
        history.type,
        history.field,
        history.value,
        history.previous,
        max(history.position) filter (history.field = 'status') over (partition by used_cases.case_id, history.audit_id) as last_status_position,
        last_value(case when history.field = 'custom_status_id' then history.value end ignore nulls) over (
            partition by used_cases.case_id, history.audit_id
            order by history.position
            rows between unbounded preceding and unbounded following
        ) as custom_status_id
    from history
    inner join used_cases using (ticket_id)
    where history.field in ('status', 'custom_status_id')
),

statuses_by_update as (
    select
        set_by_updates.*,
        case
            when set_by_updates.is_status_told and set_by_updates.value in ('closed', 'deleted') then set_by_updates.value
            when set_by_updates.is_status_told then coalesce(custom.own_word, set_by_updates.value)
            else coalesce(custom.own_word, custom.category)
        end as source_status
    from set_by_updates
    left join custom
        on
            set_by_updates.custom_status_id = custom.id
            and set_by_updates.position >= coalesce(set_by_updates.last_status_position, set_by_updates.position)
    where set_by_updates.is_status_told or set_by_updates.last_status_position is null
),

statuses_with_previous as (
    select
        *,
        lag(source_status) over (partition by case_id order by at_ts, audit_number, position) as status_before
    from statuses_by_update
    where source_status is not null
),

status_events as (
    select
        case_id,
        case_id || '#' || audit_id || '.' || position as event_id,
        at_ts as event_ts,
        audit_number,
        position,
        case when is_status_told then type end as type,
        source_status,
        case when is_status_told then previous end as previous,
        is_merged
    from statuses_with_previous
    where is_status_told or source_status is distinct from status_before
),

first_changes as (
    select
        case_id,
        arg_min_null(previous, row(event_ts, audit_number, position)) as source_status
    from status_events
    where type = 'Change'
    group by case_id
),

-- What a ticket began with that never changed its status: the custom status before the first change of that one, else the one it has.
began_with as (
    select
        used_cases.case_id,
        coalesce(
            arg_min_null(history.previous, row(history.at_ts, history.audit_number, history.position)) filter (history.ticket_id is not null),
            case when count(history.ticket_id) = 0 then any_value(used_cases.payload ->> '$.custom_status_id') end
        ) as custom_status_id,
        any_value(used_cases.source_status) as source_status
    from used_cases
    left join history on used_cases.ticket_id = history.ticket_id and history.field = 'custom_status_id'
    group by used_cases.case_id
),

initial_statuses as (
    select
        began_with.case_id,
        coalesce(custom.own_word, began_with.source_status) as source_status
    from began_with
    left join custom on began_with.custom_status_id = custom.id and began_with.source_status not in ('closed', 'deleted')
),

begun as (
    select
        used_cases.case_id,
        used_cases.case_id || '#created' as event_id,
        used_cases.intake_ts as event_ts,
        cast(-1 as bigint) as audit_number,
        0 as position,
        coalesce(first_changes.source_status, nullif(initial_statuses.source_status, 'deleted'), 'new') as source_status,
        used_cases.merged_ts is not null as is_merged
    from used_cases
    inner join initial_statuses using (case_id)
    left join first_changes using (case_id)
    where used_cases.case_id not in (select case_id from status_events where type = 'Create')
),

deleted as (
    select
        case_id,
        case_id || '#deleted' as event_id,
        updated_ts as event_ts,
        cast(9223372036854775807 as bigint) as audit_number,
        0 as position,
        source_status,
        false as is_merged
    from used_cases
    where source_status = 'deleted' and case_id not in (select case_id from status_events where source_status = 'deleted')
),

entered as (
    select case_id, event_id, event_ts, audit_number, position, source_status, is_merged from status_events
    union all
    select case_id, event_id, event_ts, audit_number, position, source_status, is_merged from begun
    union all
    select case_id, event_id, event_ts, audit_number, position, source_status, is_merged from deleted
)

select
    entered.* exclude (is_merged),
    case when entered.is_merged and entered.source_status = 'closed' then 'MERGED' else statuses.status end as status
from entered
inner join statuses using (source_status)
