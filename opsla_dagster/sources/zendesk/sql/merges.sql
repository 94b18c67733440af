-- One row is a ticket that was merged into another one. It has the tag that Zendesk gives such a ticket, or was closed by an update that
-- says that it is a merge. Which ticket it goes on in, the update that closed it tells, or one of the other ticket.
with tagged as (
    select
        ticket_id,
        max(at_ts) as at_ts
    from history
    where
        field = 'tags'
        and list_contains(string_split(coalesce(value, ''), ' '), 'closed_by_merge')
        and not list_contains(string_split(coalesce(previous, ''), ' '), 'closed_by_merge')
    group by ticket_id
),

closed as (
    select
        ticket_id,
        max(at_ts) as at_ts
    from history
    where field = 'status' and value = 'closed'
    group by ticket_id
),

told as (
    select
        audits.ticket_id,
        audits.at_ts,
        audits.audit_number,
        unnest(string_split(audits.value, ' ')) as other_ticket_id
    from history as audits
    where audits.type = 'Merge'
),

-- The side that ends.
told_by_itself as (
    select
        told.ticket_id,
        arg_max(told.other_ticket_id, row(told.at_ts, told.audit_number, try_cast(told.other_ticket_id as bigint))) as merged_into,
        max(told.at_ts) as at_ts
    from told
    left join closed using (ticket_id)
    left join tagged using (ticket_id)
    where told.other_ticket_id <> told.ticket_id and (told.at_ts = closed.at_ts or told.at_ts = tagged.at_ts)
    group by told.ticket_id
),

-- The side that goes on.
told_by_other as (
    select
        told.other_ticket_id as ticket_id,
        arg_max(told.ticket_id, row(told.at_ts, told.audit_number)) as merged_into,
        max(told.at_ts) as at_ts
    from told
    anti join told_by_itself on told.ticket_id = told_by_itself.ticket_id and told.other_ticket_id = told_by_itself.merged_into
    where told.other_ticket_id <> told.ticket_id
    group by told.other_ticket_id
)

select
    tickets.ticket_id,
    getvariable('prefix') || coalesce(told_by_itself.merged_into, told_by_other.merged_into) as merged_into,
    coalesce(told_by_itself.at_ts, tagged.at_ts, closed.at_ts, told_by_other.at_ts, tickets.updated_ts) as merged_ts
from tickets
left join told_by_itself using (ticket_id)
left join told_by_other using (ticket_id)
left join tagged using (ticket_id)
left join closed using (ticket_id)
where
    tickets.source_status in ('closed', 'deleted')
    and (
        told_by_itself.ticket_id is not null
        or tagged.ticket_id is not null
        or list_contains(cast(tickets.payload -> '$.tags' as varchar []), 'closed_by_merge')
    )
