-- One row is one clock that is open now, what most probably breaks first; of $queue where it is given. What is past its target comes last: nothing can be
-- done about its promise. A clock may run on although its case has ended: such a case is in no backlog.
select
    risk.predicted_at,
    risk.source,
    risk.case_id,
    risk.metric,
    risk.policy,
    coalesce(cases.team, 'none') as queue,
    coalesce(cases.priority, 'none') as priority,
    clocks.due_at,
    clocks.is_paused,
    cases.case_id is not null as is_case_open,
    risk.probability_source,
    100 * risk.breach_probability as breach_pct,
    risk.remaining_p10_business_minutes,
    risk.remaining_p50_business_minutes,
    risk.remaining_p90_business_minutes,
    risk.reason_1,
    risk.reason_2,
    risk.reason_3
from mart.open_case_risk as risk
inner join mart.clock_now as clocks
    on risk.case_id = clocks.case_id and risk.policy = clocks.policy and risk.metric = clocks.metric and risk.cycle = clocks.cycle
left join mart.backlog_now as cases on risk.case_id = cases.case_id
where $queue is null or coalesce(cases.team, 'none') = $queue
order by risk.probability_source = 'certain', risk.breach_probability desc nulls last, clocks.due_at nulls last, risk.case_id, risk.metric, risk.policy, risk.cycle
