-- One row is what Zendesk judged of one cycle of a metric: from metric events where a target was applied, and the minutes of
-- metric_sets for the first cycle. Minutes are whole ones, in business hours where the target is.
with cycles as (
    select
        ticket_id,
        canonical_metric(source_metric, instance) as metric,
        canonical_cycle(source_metric, instance) as cycle,
        bool_or(type in ('apply_sla', 'apply_group_sla')) as is_promised,
        coalesce(
            arg_max(is_in_business_hours, row(at_ts, id_number)) filter (type in ('apply_sla', 'apply_group_sla')), false
        ) as is_in_business_hours,
        min(at_ts) filter (type in ('apply_sla', 'apply_group_sla')) as known_ts,
        min(at_ts) filter (type = 'breach') as breached_ts,
        max(at_ts) filter (type = 'fulfill') as ended_ts,
        arg_max(calendar_seconds, row(at_ts, id_number)) filter (type = 'update_status') as calendar_seconds,
        arg_max(business_seconds, row(at_ts, id_number)) filter (type = 'update_status') as business_seconds,
        max(at_ts) filter (type = 'update_status') as elapsed_ts
    from metric_events
    where is_usable_instant(at_ts) and canonical_metric(source_metric, instance) is not null and instance > 0
    group by all
),

sets as (
    select
        payload ->> '$.ticket_id' as ticket_id,
        instant(payload ->> '$.updated_at') as elapsed_ts,
        unnest([
            {'metric': 'first_reply', 'minutes': payload -> '$.reply_time_in_minutes'},
            {'metric': 'first_resolution', 'minutes': payload -> '$.first_resolution_time_in_minutes'},
            {'metric': 'total_resolution', 'minutes': payload -> '$.full_resolution_time_in_minutes'},
            {'metric': 'requester_wait', 'minutes': payload -> '$.requester_wait_time_in_minutes'}
        ]) as told
    from landed_metric_sets
),

minutes as (
    select
        ticket_id,
        told.metric as metric,
        cast(1 as bigint) as cycle,
        max(try_cast(told.minutes ->> '$.calendar' as bigint) * 60) as calendar_seconds,
        max(try_cast(told.minutes ->> '$.business' as bigint) * 60) as business_seconds,
        max(elapsed_ts) as elapsed_ts
    from sets
    where told.minutes ->> '$.calendar' is not null
    group by all
),

together as (
    select
        ticket_id,
        metric,
        cycle,
        coalesce(cycles.is_promised, false) as is_promised,
        cast(false as boolean) as is_missed,
        coalesce(cycles.known_ts, minutes.elapsed_ts) as known_ts,
        cycles.breached_ts,
        cycles.ended_ts,
        case
            when coalesce(cycles.is_in_business_hours, false) then coalesce(cycles.business_seconds, minutes.business_seconds)
            else coalesce(cycles.calendar_seconds, minutes.calendar_seconds)
        end as elapsed_seconds,
        coalesce(cycles.elapsed_ts, minutes.elapsed_ts) as elapsed_ts
    from cycles
    full join minutes using (ticket_id, metric, cycle)
    where coalesce(cycles.is_promised, true)
)

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || together.metric || '.' || together.cycle as verdict_id,
    together.* exclude (ticket_id)
from together
inner join used_cases using (ticket_id)
