-- One row is one reopened case.
-- Measured rework (staging.reopen_rework) beside the published proxy, the tier's median from investigation to review, which is over
-- everything loaded (docs/decisions/0005-business-time-F.md).
with tiers as (
    select
        tier,
        quantile_cont(investigation_to_review_business_minutes, 0.5) as median_business_minutes
    from staging.case_stage_durations
    group by tier
)

select
    rework.case_id,
    rework.intake_date,
    rework.tier,
    rework.case_type,
    rework.reopen_count,
    rework.reopened_ts,
    rework.last_resolved_ts,
    rework.measured_rework_business_minutes,
    cast(tiers.median_business_minutes as double) as proxy_rework_business_minutes
from staging.reopen_rework as rework
left join tiers on rework.tier is not distinct from tiers.tier
