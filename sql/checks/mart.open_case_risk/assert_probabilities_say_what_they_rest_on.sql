-- Probabilities that contradict what they rest on, and remaining times out of order.
-- A failure means that a clock past its target is given a chance, or an unknown one a probability; look first at opsla_dagster/risk_model/judging.py.
select
    risk.case_id,
    risk.policy,
    risk.metric,
    risk.cycle,
    risk.breach_probability,
    risk.probability_source,
    clocks.is_past_target,
    risk.remaining_p10_business_minutes,
    risk.remaining_p50_business_minutes,
    risk.remaining_p90_business_minutes
from mart.open_case_risk as risk
inner join mart.clock_now as clocks
    on
        risk.case_id = clocks.case_id
        and risk.policy = clocks.policy
        and risk.metric = clocks.metric
        and risk.cycle = clocks.cycle
where
    (risk.probability_source = 'certain') <> (risk.breach_probability is not null and risk.breach_probability = 1)
    or (risk.probability_source = 'unknown') <> (risk.breach_probability is null)
    or (clocks.is_past_target and risk.probability_source not in ('certain', 'unknown'))
    or (risk.probability_source = 'certain' and not coalesce(clocks.is_past_target, false))
    or risk.remaining_p10_business_minutes > risk.remaining_p50_business_minutes
    or risk.remaining_p50_business_minutes > risk.remaining_p90_business_minutes
