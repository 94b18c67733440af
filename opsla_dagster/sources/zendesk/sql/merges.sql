-- One row is a ticket that was merged into another one. It has the tag that Zendesk gives such a ticket, or was closed by an update that
-- says that it is a merge. Which ticket it goes on in, the update that closed it tells, or one of the other ticket.
with tag_additions as (
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

closings as (
    select
        ticket_id,
        max(at_ts) as at_ts
    from history
    where field = 'status' and value = 'closed'
    group by ticket_id
),

merge_mentions as (
    select
        audits.ticket_id,
        audits.at_ts,
        audits.audit_number,
        unnest(string_split(audits.value, ' ')) as other_ticket_id
    from history as audits
    where audits.type = 'Merge'
),

-- The side that ends.
merged_side as (
    select
        merge_mentions.ticket_id,
        arg_max(merge_mentions.other_ticket_id, row(merge_mentions.at_ts, merge_mentions.audit_number, try_cast(merge_mentions.other_ticket_id as bigint))) as merged_into,
        max(merge_mentions.at_ts) as at_ts
    from merge_mentions
    left join closings using (ticket_id)
    left join tag_additions using (ticket_id)
    where merge_mentions.other_ticket_id <> merge_mentions.ticket_id and (merge_mentions.at_ts = closings.at_ts or merge_mentions.at_ts = tag_additions.at_ts)
    group by merge_mentions.ticket_id
),

-- The side that goes on.
remaining_side as (
    select
        merge_mentions.other_ticket_id as ticket_id,
        arg_max(merge_mentions.ticket_id, row(merge_mentions.at_ts, merge_mentions.audit_number)) as merged_into,
        max(merge_mentions.at_ts) as at_ts
    from merge_mentions
    anti join merged_side on merge_mentions.ticket_id = merged_side.ticket_id and merge_mentions.other_ticket_id = merged_side.merged_into
    where merge_mentions.other_ticket_id <> merge_mentions.ticket_id
    group by merge_mentions.other_ticket_id
)

select
    tickets.ticket_id,
    getvariable('prefix') || coalesce(merged_side.merged_into, remaining_side.merged_into) as merged_into,
    coalesce(merged_side.at_ts, tag_additions.at_ts, closings.at_ts, remaining_side.at_ts, tickets.updated_ts) as merged_ts
from tickets
left join merged_side using (ticket_id)
left join remaining_side using (ticket_id)
left join tag_additions using (ticket_id)
left join closings using (ticket_id)
where
    tickets.source_status in ('closed', 'deleted')
    and (
        merged_side.ticket_id is not null
        or tag_additions.ticket_id is not null
        or list_contains(cast(tickets.payload -> '$.tags' as varchar []), 'closed_by_merge')
    )
