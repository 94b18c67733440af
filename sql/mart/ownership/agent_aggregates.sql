-- One row is one local month and agent with at least 5 cases in it; those with fewer are one row without a name.
-- Nobody is told apart by few cases, or by what is missing in a total: where one agent alone would be hidden, the one with the next fewest cases is
-- hidden too, and a month that cannot hide anybody so has no rows but its total, unless even that would be of one agent
-- (docs/decisions/0046-ownership.md). Handling is open time of the team's calendar, queued or worked on.
with agents as (
    select
        month_date,
        agent,
        count(*) as cases,
        sum(accepted_count) as accepted_count,
        sum(handed_on_count) as handed_on_count,
        quantile_cont(handling_business_seconds, [0.5, 0.9])[1] as handling_p50_seconds,
        quantile_cont(handling_business_seconds, [0.5, 0.9])[2] as handling_p90_seconds
    from staging.agent_handlings
    group by month_date, agent
),

ranked_agents as (
    select
        *,
        row_number() over (partition by month_date order by cases, agent) as place,
        sum(case when cases < 5 then 1 else 0 end) over (partition by month_date) as hidden_agents
    from agents
),

shown_agents as (
    select
        *,
        cases >= 5 and not (hidden_agents = 1 and place = 2) as is_shown
    from ranked_agents
)

select
    month_date,
    agent,
    cast(1 as bigint) as told_agents,
    cast(cases as bigint) as cases,
    cast(accepted_count as bigint) as accepted_count,
    cast(handed_on_count as bigint) as handed_on_count,
    cast(handling_p50_seconds / 60.0 as double) as handling_p50_business_minutes,
    cast(handling_p90_seconds / 60.0 as double) as handling_p90_business_minutes
from shown_agents
where is_shown

union all

select
    month_date,
    '(suppressed)' as agent,
    cast(count(*) as bigint) as told_agents,
    cast(sum(cases) as bigint) as cases,
    cast(sum(accepted_count) as bigint) as accepted_count,
    cast(sum(handed_on_count) as bigint) as handed_on_count,
    cast(null as double) as handling_p50_business_minutes,
    cast(null as double) as handling_p90_business_minutes
from shown_agents
where not is_shown
group by month_date
having count(*) > 1
