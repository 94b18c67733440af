-- Sources whose agents' months do not add up to what staging.agent_activity has by intake date, or to the first replies of staging.case_facts.
-- A failure means that a month or an agent is lost or counted twice; look first at the union of sql/mart/facts/agent_activity.sql.
with month_counts as (
    select
        source,
        sum(public_reply_count + private_note_count) as messages,
        sum(taken_cases + resolved_cases) as handled_cases,
        sum(first_replied_cases) as first_replied_cases
    from mart.agent_activity
    group by source
),

date_counts as (
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
    date_counts.source,
    date_counts.messages,
    month_counts.messages as counted_messages,
    date_counts.handled_cases,
    month_counts.handled_cases as counted_handled_cases,
    first_replies.first_replied_cases,
    month_counts.first_replied_cases as counted_first_replied_cases
from date_counts
left join month_counts on date_counts.source = month_counts.source
left join first_replies on date_counts.source = first_replies.source
where
    month_counts.messages is distinct from date_counts.messages
    or month_counts.handled_cases is distinct from date_counts.handled_cases
    or month_counts.first_replied_cases is distinct from coalesce(first_replies.first_replied_cases, 0)
