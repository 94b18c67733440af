-- One row is a part with the state that the conversation has from it on, and whether an admin has held or answered it by then.
-- The part's type says the state where it is a change of state; else the part's own state does, where Intercom tells it.
with taken_up as (
    select
        *,
        assigned_admin is not null or (author_kind = 'person' and is_message and kind <> 'note') as is_taken_up
    from parts
)

select
    ticket_id,
    part_id,
    audit_number,
    at_ts,
    coalesce(last_value(state ignore nulls) over in_order, 'open') as state,
    bool_or(is_taken_up) over in_order as is_held
from taken_up
window in_order as (
    partition by ticket_id
    order by part_number
    rows between unbounded preceding and current row
)
