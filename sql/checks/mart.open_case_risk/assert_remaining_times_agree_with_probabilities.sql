-- Remaining times that contradict the probability of a breach: a clock that breaks is still there when it falls due.
-- A failure means that a clock is said to break and to stop in time; look first at opsla_dagster/risk_model/agreeing.py.
select
    risk.case_id,
    risk.policy,
    risk.metric,
    risk.cycle,
    risk.breach_probability,
    features.remaining_seconds,
    risk.remaining_p10_business_minutes,
    risk.remaining_p50_business_minutes,
    risk.remaining_p90_business_minutes
from mart.open_case_risk as risk
inner join mart.risk_features as features
    on
        risk.case_id = features.case_id
        and risk.policy = features.policy
        and risk.metric = features.metric
        and risk.cycle = features.cycle
        and risk.predicted_at = features.predicted_at
where
    risk.probability_source in ('model', 'baseline')
    and (
        (risk.breach_probability > 0.9 and risk.remaining_p10_business_minutes * 60 <= features.remaining_seconds)
        or (risk.breach_probability > 0.5 and risk.remaining_p50_business_minutes * 60 <= features.remaining_seconds)
        or (risk.breach_probability > 0.1 and risk.remaining_p90_business_minutes * 60 <= features.remaining_seconds)
        or (
            risk.breach_probability < 0.9
            and not features.is_paused
            and risk.remaining_p10_business_minutes * 60 > features.remaining_seconds + 1
        )
    )
