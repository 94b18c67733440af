-- One row is a metric event that applies a target to a ticket, or takes it off (no target), with the calendar that the target counts on at
-- that instant and what is wrong with it, if anything. reply_time is the first reply in its first instance, the next replies after that.
with applied as (
    select
        used_cases.case_id,
        used_cases.intake_date,
        metric_events.* exclude (type),
        metric_events.type = 'apply_group_sla' as is_group,
        canonical_metric(metric_events.source_metric, metric_events.instance) as metric
    from metric_events
    inner join used_cases using (ticket_id)
    where metric_events.type in ('apply_sla', 'apply_group_sla') and is_usable_instant(metric_events.at_ts)
),

of_unknown_hours as (
    select case_id, max(from_ts) as from_ts
    from ticket_schedules
    where calendar is null
    group by case_id
)

select
    applied.*,
    case
        when applied.is_in_business_hours then coalesce(on_calendars.calendar, first_stretches.calendar)
        else getvariable('source') || ':always'
    end as calendar,
    case
        when applied.target_text is null then null
        when applied.target_seconds is null then 'the target is no number: ' || applied.target_text
        when not coalesce(applied.is_in_business_hours, false) then null
        when not exists (select 1 from schedule_versions) then 'the target counts business hours, and the account has no schedule'
        when of_unknown_hours.case_id is not null
            then 'the target counts business hours, and the ticket was on a schedule whose hours the account does not tell'
    end as fault
from applied
asof left join ticket_schedules as on_calendars
    on applied.case_id = on_calendars.case_id and applied.at_ts >= on_calendars.from_ts
left join (
    select case_id, arg_min_null(calendar, row(from_ts, audit_number, position)) as calendar
    from ticket_schedules
    group by case_id
) as first_stretches on applied.case_id = first_stretches.case_id
left join of_unknown_hours on applied.case_id = of_unknown_hours.case_id
where applied.metric is not null
