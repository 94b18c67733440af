-- One row is a conversation that cannot be used, with the first thing that is wrong with it. Half a history would be a guess, so a
-- conversation is used as a whole or not at all.
with found as (
    select ticket_id, 1 as rank, 'id' as field, 'the conversation has no id' as reason
    from tickets
    where starts_with(ticket_id, 'without id ')
    union all
    select
        ticket_id, 2 as rank, 'created_at' as field,
        'is no instant between 1970 and 2099: ' || coalesce(created_text, 'missing') as reason
    from tickets
    where not is_usable_instant(created_ts)
    union all
    select
        ticket_id, 3 as rank, 'updated_at' as field,
        'is no instant between 1970 and 2099: ' || coalesce(updated_text, 'missing') as reason
    from tickets
    where not is_usable_instant(updated_ts)
    union all
    select
        ticket_id, 4 as rank, 'state' as field,
        'is not among the statuses of sources.yml: ' || coalesce(state, 'missing') as reason
    from tickets
    where coalesce(state, '') not in (select source_status from statuses)
    union all
    select
        ticket_id, 5 as rank, 'conversation_parts.created_at' as field,
        'is no instant between 1970 and 2099: ' || coalesce(min(at_text), 'missing') || ' (part ' || min(part_id) || ')' as reason
    from parts
    where not is_usable_instant(at_ts)
    group by ticket_id
    union all
    select
        ticket_id, 6 as rank, 'conversation_parts' as field,
        'has ' || parts_told || ' parts, of which Intercom gives ' || parts_given as reason
    from tickets
    where parts_told > parts_given
    union all
    select
        ticket_id, 7 as rank, 'conversation_parts.state' as field,
        'is not among the statuses of sources.yml: ' || min(state) as reason
    from states
    where state not in (select source_status from statuses)
    group by ticket_id
    union all
    select
        tickets.ticket_id, 8 as rank, 'state' as field,
        'its parts end as ' || coalesce(ends.state, 'open') || ', the conversation says ' || tickets.state as reason
    from tickets
    left join (
        select ticket_id, arg_max(state, row(at_ts, audit_number, part_id)) as state
        from states
        group by ticket_id
    ) as ends using (ticket_id)
    where
        tickets.state <> coalesce(ends.state, 'open')
        and not (tickets.state = 'closed' and tickets.last_close_ts is not null)
)

select
    ticket_id,
    arg_min(field, rank) as field,
    arg_min(reason, rank) as reason
from found
group by ticket_id
