-- One row is a record that cannot be used, with the reason.
with tickets_not_used as (
    select
        'tickets' as resource,
        tickets.case_id,
        faults.field,
        faults.reason,
        tickets.payload
    from tickets
    inner join faults using (ticket_id)
),

metric_events_not_used as (
    select
        'metric_events' as resource,
        getvariable('prefix') || metric_events.ticket_id as case_id,
        case when is_usable_instant(metric_events.at_ts) then 'sla' else 'time' end as field,
        case
            when not is_usable_instant(metric_events.at_ts)
                then 'is no instant between 1970 and 2099: ' || coalesce(metric_events.at_text, 'missing')
            when metric_events.target_seconds is null then 'the applied policy has no target'
            else 'the target counts business hours, and the account has no schedule'
        end as reason,
        metric_events.payload
    from metric_events
    where
        not is_usable_instant(metric_events.at_ts)
        or (
            metric_events.type in ('apply_sla', 'apply_group_sla')
            and canonical_metric(metric_events.source_metric, metric_events.instance) is not null
            and (
                metric_events.target_seconds is null
                or (metric_events.is_in_business_hours and not exists (select 1 from schedules))
            )
        )
),

histories_without_ticket as (
    select
        'ticket_events' as resource,
        getvariable('prefix') || history.ticket_id as case_id,
        'ticket_id' as field,
        'there is history of a ticket that Zendesk does not export' as reason,
        cast(json_object('ticket_id', history.ticket_id, 'first_at', min(history.at_text)) as json) as payload
    from history
    anti join tickets using (ticket_id)
    where history.at_ts <= getvariable('tickets_known_until') and local_date(history.at_ts) >= getvariable('first_day')
    group by history.ticket_id
)

select * from tickets_not_used
union all
select * from metric_events_not_used
union all
select * from histories_without_ticket
