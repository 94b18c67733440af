-- One row is a target that Zendesk applied to a ticket. Its hours are those of the schedule that the ticket had then: the one it was
-- given last, else the account's first. reply_time is the first reply in its first instance, the next replies after that.
with applied as (
    select
        used_cases.case_id,
        used_cases.intake_date,
        metric_events.*,
        canonical_metric(source_metric, instance) as metric
    from metric_events
    inner join used_cases using (ticket_id)
    where metric_events.type in ('apply_sla', 'apply_group_sla') and metric_events.target_seconds is not null
),

given as (
    select
        ticket_id,
        at_ts,
        audit_number,
        value as schedule_id
    from history
    where type = 'ScheduleAssignment'
    qualify row_number() over (partition by ticket_id, at_ts order by audit_number desc, position desc) = 1
)

select
    applied.case_id,
    applied.intake_date,
    applied.case_id || '#' || applied.metric_event_id as applied_id,
    applied.at_ts as applied_ts,
    applied.id_number,
    applied.metric,
    applied.policy,
    case
        when not coalesce(applied.is_in_business_hours, false) then getvariable('source') || ':always'
        else coalesce(chosen.calendar, (select calendar from schedules where is_default))
    end as calendar,
    applied.target_seconds
from applied
asof left join given on applied.ticket_id = given.ticket_id and applied.at_ts >= given.at_ts
left join schedules as chosen on given.schedule_id = chosen.schedule_id
where
    applied.metric is not null
    and is_usable_instant(applied.at_ts)
    and not (coalesce(applied.is_in_business_hours, false) and not exists (select 1 from schedules))
