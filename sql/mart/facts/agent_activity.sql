-- One row is one source, local month and agent: what the agent answered, took and resolved in it, and how fast the agent's first replies were.
-- Sums over intake dates; the p50 is exact, over the first replies given in the month (docs/decisions/0025-facts-of-a-case.md).
with activity as (
    select
        source,
        month_date,
        agent,
        sum(public_reply_count) as public_reply_count,
        sum(private_note_count) as private_note_count,
        sum(taken_cases) as taken_cases,
        sum(resolved_cases) as resolved_cases,
        sum(reopened_after_cases) as reopened_after_cases,
        cast(0 as bigint) as first_replied_cases,
        cast(null as double) as first_reply_p50_business_minutes
    from staging.agent_activity
    group by source, month_date, agent

    union all

    select
        source,
        first_reply_month_date as month_date,
        first_reply_agent as agent,
        cast(0 as bigint) as public_reply_count,
        cast(0 as bigint) as private_note_count,
        cast(0 as bigint) as taken_cases,
        cast(0 as bigint) as resolved_cases,
        cast(0 as bigint) as reopened_after_cases,
        count(*) as first_replied_cases,
        quantile_cont(first_reply_business_minutes, 0.5) as first_reply_p50_business_minutes
    from staging.case_facts
    where first_reply_agent is not null
    group by source, first_reply_month_date, first_reply_agent
)

select
    source,
    month_date,
    agent,
    cast(sum(public_reply_count) as bigint) as public_reply_count,
    cast(sum(private_note_count) as bigint) as private_note_count,
    cast(sum(taken_cases) as bigint) as taken_cases,
    cast(sum(resolved_cases) as bigint) as resolved_cases,
    cast(sum(reopened_after_cases) as bigint) as reopened_after_cases,
    cast(sum(first_replied_cases) as bigint) as first_replied_cases,
    max(first_reply_p50_business_minutes) as first_reply_p50_business_minutes
from activity
group by source, month_date, agent
