-- One row is a ticket with who began it: customer, agent or automation. A call and its direction tell it themselves; else whoever wrote
-- what the ticket begins with, be it forwarded by an agent; else who submitted it.
with first_comments as (
    select
        ticket_id,
        arg_min_null(author, row(at_ts, audit_number, position)) as author,
        arg_min_null(is_by_bot, row(at_ts, audit_number, position)) as is_by_bot,
        min(at_ts) as at_ts
    from history
    where type = 'Comment' and is_usable_instant(at_ts)
    group by ticket_id
)

select
    tickets.ticket_id,
    case
        when tickets.via_rel in ('inbound', 'voicemail') then 'customer'
        when tickets.via_rel = 'outbound' then 'agent'
        when coalesce(tickets.channel in ('rule', 'sample_ticket'), false) then 'automation'
        when first_comments.is_by_bot or coalesce(writers.is_bot, false) then 'automation'
        when first_comments.author = tickets.requester then 'customer'
        when first_comments.author is not null then case when writers.agent is null then 'customer' else 'agent' end
        when tickets.submitter = tickets.requester then 'customer'
        when coalesce(submitters.is_bot, false) then 'automation'
        when submitters.agent is not null then 'agent'
        when tickets.submitter is not null then 'customer'
    end as initiated_by
from tickets
left join first_comments
    on tickets.ticket_id = first_comments.ticket_id and first_comments.at_ts <= tickets.intake_ts + interval 1 minute
left join agents as writers on first_comments.author = writers.agent
left join agents as submitters on tickets.submitter = submitters.agent
