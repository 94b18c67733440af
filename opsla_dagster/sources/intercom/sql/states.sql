-- One row is a part with the state that the conversation has from it on, and whether an admin has held or answered it by then.
-- The part's type says the state where it is a change of state; else the part's own state does, where Intercom tells it.
with told as (
    select
        *,
        case
            when part_type = 'close' then 'closed'
            when part_type = 'snoozed' then 'snoozed'
            when part_type in (
                'open', 'note_and_reopen', 'assign_and_reopen', 'unsnoozed', 'timer_unsnooze', 'assign_and_unsnooze'
            ) then 'open'
            else state
        end as state_told,
        assigned_admin is not null or (author_type = 'admin' and has_content and not is_note and not is_from_ai_agent) as is_taken_up
    from parts
)

select
    ticket_id,
    part_id,
    audit_number,
    at_ts,
    coalesce(last_value(state_told ignore nulls) over in_order, 'open') as state,
    bool_or(is_taken_up) over in_order as is_held
from told
window in_order as (
    partition by ticket_id
    order by at_ts, audit_number, part_id
    rows between unbounded preceding and current row
)
