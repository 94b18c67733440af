-- Sources whose agents' months do not add up to what staging.agent_activity has by intake date, or to the first replies of staging.case_facts.
-- A failure means that a month or an agent is lost or counted twice; look first at the union of sql/mart/facts/agent_activity.sql.
with counted as (
    select
        source,
        sum(public_reply_count + private_note_count) as messages,
        sum(taken_cases + resolved_cases) as handled_cases,
        sum(first_replied_cases) as first_replied_cases
    from mart.agent_activity
    group by source
),

dates as (
    select
        source,
        sum(public_reply_count + private_note_count) as messages,
        sum(taken_cases + resolved_cases) as handled_cases
    from staging.agent_activity
    group by source
),

first_replies as (
    select
        source,
        count(*) as first_replied_cases
    from staging.case_facts
    where first_reply_agent is not null
    group by source
)

select
    dates.source,
    dates.messages,
    counted.messages as counted_messages,
    dates.handled_cases,
    counted.handled_cases as counted_handled_cases,
    first_replies.first_replied_cases,
    counted.first_replied_cases as counted_first_replied_cases
from dates
left join counted on dates.source = counted.source
left join first_replies on dates.source = first_replies.source
where
    counted.messages is distinct from dates.messages
    or counted.handled_cases is distinct from dates.handled_cases
    or counted.first_replied_cases is distinct from coalesce(first_replies.first_replied_cases, 0)
