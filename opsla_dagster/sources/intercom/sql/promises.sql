-- One row is a target of an SLA that Intercom applied to a conversation, or (target NULL) took from it: by removing the SLA, or by another one
-- without it. Its hours are office hours, as Intercom counts; which ones it does not tell: the workspace's first, else all hours.
with named as (
    select
        ticket_id,
        part_id,
        part_number,
        at_ts,
        details ->> '$.sla_name' as sla_name,
        unnest([
            {'metric': 'first_reply', 'seconds': try_cast(details ->> '$.sla_definition.first_reply_time' as bigint)},
            {'metric': 'next_reply', 'seconds': try_cast(details ->> '$.sla_definition.next_reply_time' as bigint)},
            {'metric': 'first_resolution', 'seconds': try_cast(details ->> '$.sla_definition.time_to_close' as bigint)}
        ]) as target
    from parts
    where
        part_type = 'conversation_sla_removed'
        or (starts_with(part_type, 'conversation_sla_applied_by_') and json_type(details, '$.sla_definition') = 'OBJECT')
),

in_turn as (
    select
        *,
        nullif(greatest(target.seconds, 0), 0) as target_seconds,
        lag(nullif(greatest(target.seconds, 0), 0)) over (partition by ticket_id, target.metric order by part_number) as previous_seconds
    from named
)

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || in_turn.part_id || '.' || in_turn.target.metric as applied_id,
    greatest(in_turn.at_ts, used_cases.intake_ts) as applied_ts,
    in_turn.part_number as id_number,
    in_turn.target.metric as metric,
    coalesce(in_turn.sla_name, 'SLA') as policy,
    coalesce((select calendar from schedules where is_default), getvariable('source') || ':always') as calendar,
    in_turn.target_seconds,
    'freeze' as reopen,
    false as is_on_case_schedule,
    'in_force' as schedule_change
from in_turn
inner join used_cases using (ticket_id)
where in_turn.target_seconds is not null or in_turn.previous_seconds is not null
