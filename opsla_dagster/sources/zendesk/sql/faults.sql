-- One row is a ticket that cannot be used, with the first thing that is wrong with it. Half a history would be a guess, so a
-- ticket is used as a whole or not at all.
with found as (
    select
        ticket_id,
        1 as rank,
        'id' as field,
        'the ticket has no id' as reason
    from tickets
    where starts_with(ticket_id, 'without id ')
    union all
    select
        ticket_id,
        2 as rank,
        'created_at' as field,
        'is no instant between 1970 and 2099: ' || coalesce(created_text, 'missing') as reason
    from tickets
    where not is_usable_instant(intake_ts)
    union all
    select
        ticket_id,
        3 as rank,
        'updated_at' as field,
        'is no instant between 1970 and 2099: ' || coalesce(updated_text, 'missing') as reason
    from tickets
    where not is_usable_instant(updated_ts)
    union all
    select
        ticket_id,
        4 as rank,
        'status' as field,
        'is not among the statuses of sources.yml: ' || coalesce(source_status, 'missing') as reason
    from tickets
    where coalesce(source_status, '') not in (select source_status from statuses)
    union all
    select
        ticket_id,
        5 as rank,
        'ticket_events.created_at' as field,
        'is no instant between 1970 and 2099: ' || coalesce(min(at_text), 'missing') || ' (audit ' || min(audit_id) || ')' as reason
    from history
    where not is_usable_instant(at_ts)
    group by ticket_id
    union all
    select
        ticket_id,
        6 as rank,
        'ticket_events.status' as field,
        'is not among the statuses of sources.yml: ' || min(coalesce(value, 'missing')) as reason
    from history
    where field = 'status' and coalesce(value, '') not in (select source_status from statuses)
    group by ticket_id
)

select
    ticket_id,
    arg_min(field, rank) as field,
    arg_min(reason, rank) as reason
from found
group by ticket_id
