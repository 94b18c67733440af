-- One row is what became of the conversations that were read, in a sentence.
with unanswered as (
    select 'conversations that an automation began and the customer never answered (no cases)' as what, count(*) as conversations, '' as example
    from tickets
    anti join faults using (ticket_id)
    where tickets.initiated_by = 'automation' and tickets.intake_ts is null
),

steps as (
    select
        states.ticket_id,
        states.at_ts,
        states.state,
        lag(states.state) over (partition by states.ticket_id order by states.at_ts, states.audit_number, states.part_id) as state_before
    from states
),

reopens as (
    select
        used_cases.case_id,
        try_cast(used_cases.payload ->> '$.statistics.count_reopens' as bigint) as told,
        count(*) filter (
            steps.state <> 'closed' and steps.state_before = 'closed' and steps.at_ts >= coalesce(used_cases.first_customer_ts, used_cases.intake_ts)
        ) as seen
    from used_cases
    left join steps using (ticket_id)
    group by all
),

recounted as (
    select
        'conversations whose parts tell another number of reopens than Intercom counted' as what,
        count(*) as conversations,
        min_by(case_id || ' (parts ' || seen || ', counted ' || told || ')', case_id) as example
    from reopens
    where told <> seen
),

unsigned as (
    select 'messages whose author Intercom does not tell (left out)' as what, count(*) as conversations, min(ticket_id) as example
    from parts
    inner join part_types using (part_type)
    where parts.author_kind is null and part_types.kind = 'message' and parts.has_content
),

assumed_hours as (
    select
        'targets of SLAs, on the office hours ' || min(promises.calendar) || ' (which of its hours an SLA counts by Intercom does not tell)' as what,
        count(*) as conversations,
        '' as example
    from promises
    where (select count(*) from schedules) > 1
),

counted as (
    select * from unanswered
    union all
    select * from recounted
    union all
    select * from unsigned
    union all
    select * from assumed_hours
)

select what || ': ' || conversations || case when coalesce(example, '') = '' then '' else ', such as ' || example end as note
from counted
where conversations > 0
