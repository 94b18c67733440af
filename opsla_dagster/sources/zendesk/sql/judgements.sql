-- One row is what Zendesk judged of one cycle of a metric: from metric events where a target was applied, and the minutes of metric_sets for
-- the first cycle of others. Minutes are whole ones: of the target's hours where there is one, else calendar time. What a cycle was
-- fulfilled with counts only where nothing activated it again, and while the target was still promised.
with cycles as (
    select
        ticket_id,
        canonical_metric(source_metric, instance) as metric,
        canonical_cycle(source_metric, instance) as cycle,
        coalesce(
            arg_max(is_in_business_hours, row(at_ts, id_number))
                filter (type in ('apply_sla', 'apply_group_sla') and target_seconds is not null),
            false
        ) as is_in_business_hours,
        min(at_ts) filter (type in ('apply_sla', 'apply_group_sla') and target_seconds is not null) as known_ts,
        max(at_ts) filter (type in ('apply_sla', 'apply_group_sla') and target_seconds is not null) as applied_ts,
        min(at_ts) filter (type = 'breach') as breached_ts,
        max(at_ts) filter (type = 'activate') as activated_ts,
        max(at_ts) filter (type = 'fulfill') as fulfilled_ts,
        max(row(at_ts, id_number)) filter (type = 'activate') as last_activation,
        max(row(at_ts, id_number)) filter (type = 'fulfill') as last_fulfilment,
        arg_max(calendar_seconds, row(at_ts, id_number)) filter (type = 'update_status') as calendar_seconds,
        arg_max(business_seconds, row(at_ts, id_number)) filter (type = 'update_status') as business_seconds,
        max(at_ts) filter (type = 'update_status') as elapsed_ts
    from metric_events
    where is_usable_instant(at_ts) and canonical_metric(source_metric, instance) is not null and instance > 0
    group by all
),

ends_of_promises as (
    select
        cycles.ticket_id,
        cycles.metric,
        cycles.cycle,
        min(promises.applied_ts) as withdrawn_ts
    from cycles
    inner join used_cases using (ticket_id)
    inner join promises
        on used_cases.case_id = promises.case_id and cycles.metric = promises.metric and promises.applied_ts >= cycles.applied_ts
    -- What a hand-over ends was fulfilled by it, whatever the stamps of the two.
    where promises.target_seconds is null and not promises.is_hand_over
    group by all
),

promised as (
    select
        cycles.* exclude (fulfilled_ts),
        case
            when
                (cycles.last_activation is null or cycles.last_activation <= cycles.last_fulfilment)
                and (ends.withdrawn_ts is null or ends.withdrawn_ts >= cycles.fulfilled_ts)
                then cycles.fulfilled_ts
        end as ended_ts,
        coalesce(ends.withdrawn_ts < coalesce(cycles.fulfilled_ts, timestamp '9999-01-01'), false) as is_withdrawn
    from cycles
    left join ends_of_promises as ends using (ticket_id, metric, cycle)
    where cycles.known_ts is not null
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
        ]) as measured
    from landed_metric_sets
),

minutes as (
    select
        ticket_id,
        measured.metric as metric,
        cast(1 as bigint) as cycle,
        max(try_cast(measured.minutes ->> '$.calendar' as bigint) * 60) as calendar_seconds,
        max(try_cast(measured.minutes ->> '$.business' as bigint) * 60) as business_seconds,
        max(elapsed_ts) as elapsed_ts
    from sets
    where measured.minutes ->> '$.calendar' is not null
    group by all
),

together as (
    select
        ticket_id,
        metric,
        cycle,
        promised.known_ts is not null as is_promised,
        cast(false as boolean) as is_missed,
        coalesce(promised.known_ts, minutes.elapsed_ts) as known_ts,
        promised.breached_ts,
        promised.ended_ts,
        case
            when coalesce(promised.is_in_business_hours, false) then coalesce(promised.business_seconds, minutes.business_seconds)
            else coalesce(promised.calendar_seconds, minutes.calendar_seconds)
        end as elapsed_seconds,
        coalesce(promised.elapsed_ts, minutes.elapsed_ts) as elapsed_ts
    from promised
    full join minutes using (ticket_id, metric, cycle)
    where not coalesce(promised.is_withdrawn and promised.breached_ts is null, false)
)

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || together.metric || '.' || together.cycle as verdict_id,
    together.* exclude (ticket_id)
from together
inner join used_cases using (ticket_id)
