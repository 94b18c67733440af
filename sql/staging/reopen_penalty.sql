-- One row is one reopened case.
-- Measured rework runs from the first reopen to the last RESOLVED, in open minutes of SLA A's calendar, NULL while the
-- case is open again. The published proxy is the tier's median from investigation to review. Both stand side by side
-- (docs/decisions/0005-business-time-F.md).
with cases as (
    select
        case_id,
        intake_date,
        tier,
        case_type,
        reopen_count,
        reopened_ts,
        last_resolved_ts,
        case when not is_open and last_resolved_ts >= reopened_ts then last_resolved_ts end as reworked_ts
    from staging.case_milestones
    where reopen_count > 0
),

sla_calendar as (
    select policies.calendar
    from staging.sla_policies as policies
    inner join (
        select min(position) as position
        from staging.sla_policies
        where metric = 'first_resolution'
    ) as first_promised on policies.position = first_promised.position
    where policies.metric = 'first_resolution'
),

business_time as (
    select
        segments.utc_date,
        segments.segment_start_at,
        segments.segment_end_at,
        segments.is_open,
        segments.open_seconds_before
    from staging.business_time as segments
    inner join sla_calendar on segments.calendar = sla_calendar.calendar
),

tiers as (
    select
        tier,
        quantile_cont(investigation_to_review_business_minutes, 0.5) as median_business_minutes
    from staging.case_stage_durations
    group by tier
)

select
    cases.case_id,
    cases.intake_date,
    cases.tier,
    cases.case_type,
    cases.reopen_count,
    cases.reopened_ts,
    cases.last_resolved_ts,
    cast(
        (
            stop_time.open_seconds_before
            + case
                when stop_time.is_open
                    then (epoch_us(cases.reworked_ts) - epoch_us(stop_time.segment_start_at)) // 1000000
                else 0
            end
            - start_time.open_seconds_before
            - case
                when start_time.is_open
                    then (epoch_us(cases.reopened_ts) - epoch_us(start_time.segment_start_at)) // 1000000
                else 0
            end
        ) / 60.0 as double
    ) as measured_rework_business_minutes,
    cast(tiers.median_business_minutes as double) as proxy_rework_business_minutes
from cases
left join tiers on cases.tier is not distinct from tiers.tier
left join business_time as start_time
    on
        cast(cases.reopened_ts as date) = start_time.utc_date
        and cases.reopened_ts >= start_time.segment_start_at
        and cases.reopened_ts < start_time.segment_end_at
left join business_time as stop_time
    on
        cast(cases.reworked_ts as date) = stop_time.utc_date
        and cases.reworked_ts >= stop_time.segment_start_at
        and cases.reworked_ts < stop_time.segment_end_at
