-- Rows of one agent with fewer than 5 cases, and rows of suppressed agents that are about one agent alone.
-- A failure means that single persons could be told by few cases; look first at sql/mart/ownership/agent_aggregates.sql.
select
    month_date,
    agent,
    told_agents,
    cases,
    accepted_count,
    handed_on_count,
    handling_p50_business_minutes,
    handling_p90_business_minutes
from mart.agent_aggregates
where (agent <> '(suppressed)' and cases < 5) or (agent = '(suppressed)' and told_agents < 2)
