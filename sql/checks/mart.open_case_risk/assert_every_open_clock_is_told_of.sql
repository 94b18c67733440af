-- Open clocks without a row, or rows of clocks that are not open.
-- A failure means that a clock is lost on the way to its probability; look first at the joins of sql/mart/risk/risk_features.sql.
select
    coalesce(clocks.case_id, risk.case_id) as case_id,
    coalesce(clocks.policy, risk.policy) as policy,
    coalesce(clocks.metric, risk.metric) as metric,
    coalesce(clocks.cycle, risk.cycle) as cycle
from mart.clock_now as clocks
full outer join mart.open_case_risk as risk
    on
        clocks.case_id = risk.case_id
        and clocks.policy = risk.policy
        and clocks.metric = risk.metric
        and clocks.cycle = risk.cycle
where clocks.case_id is null or risk.case_id is null
