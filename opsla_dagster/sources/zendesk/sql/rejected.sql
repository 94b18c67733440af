-- One row is a record that cannot be used, with the reason and how many records of its kind there are.
with tickets_not_used as (
    select
        'tickets' as resource,
        tickets.case_id,
        faults.field,
        faults.reason,
        tickets.payload,
        (select count(*) from tickets) as kind_records
    from tickets
    inner join faults using (ticket_id)
),

metric_events_not_used as (
    select
        'metric_events' as resource,
        getvariable('prefix') || ticket_id as case_id,
        'time' as field,
        'is no instant between 1970 and 2099: ' || coalesce(at_text, 'missing') as reason,
        payload,
        (select count(*) from metric_events) as kind_records
    from metric_events
    where not is_usable_instant(at_ts)
),

targets_not_used as (
    select
        'metric_events' as resource,
        case_id,
        'sla' as field,
        fault as reason,
        payload,
        (select count(*) from metric_events) as kind_records
    from applications
    where fault is not null
),

histories_without_ticket as (
    select
        'ticket_events' as resource,
        getvariable('prefix') || history.ticket_id as case_id,
        'ticket_id' as field,
        'there is history of a ticket that Zendesk does not export' as reason,
        cast(json_object('ticket_id', history.ticket_id, 'first_at', min(history.at_text)) as json) as payload,
        (select count(distinct ticket_id) from history) as kind_records
    from history
    anti join tickets using (ticket_id)
    where history.at_ts <= getvariable('tickets_known_until') and local_date(history.at_ts) >= getvariable('first_day')
    group by history.ticket_id
)

select * from tickets_not_used
union all
select * from metric_events_not_used
union all
select * from targets_not_used
union all
select * from histories_without_ticket
