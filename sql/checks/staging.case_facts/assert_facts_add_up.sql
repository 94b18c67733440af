-- Intake dates whose cases or messages are not those of staging.case_milestones and staging.messages_deduped, or that have cases whose times
-- contradict each other: resolved for good before they were resolved first, on hold for longer than their customers waited.
-- A failure means that messages are lost or counted twice, or that a stretch is measured wrongly; look first at the joins and at the
-- stretches of sql/staging/facts/case_facts.sql.
with fact_counts as (
    select
        intake_date,
        count(*) as cases,
        coalesce(sum(public_reply_count + bot_reply_count + customer_message_count + private_note_count), 0) as messages,
        count(*) filter (
            where
            first_resolution_calendar_minutes > full_resolution_calendar_minutes
            or first_resolution_business_minutes > full_resolution_business_minutes
            or on_hold_calendar_minutes > requester_wait_calendar_minutes
            or on_hold_business_minutes > requester_wait_business_minutes
            or requester_wait_business_minutes > requester_wait_calendar_minutes
            or first_reply_business_minutes > first_reply_calendar_minutes
        ) as contradictory_cases
    from staging.case_facts
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

milestones as (
    select
        intake_date,
        count(*) as cases
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

messages as (
    select
        intake_date,
        count(*) as messages
    from staging.messages_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
)

select
    milestones.intake_date,
    milestones.cases,
    fact_counts.cases as counted_cases,
    coalesce(messages.messages, 0) as messages,
    fact_counts.messages as counted_messages,
    fact_counts.contradictory_cases
from milestones
left join fact_counts on milestones.intake_date = fact_counts.intake_date
left join messages on milestones.intake_date = messages.intake_date
where
    fact_counts.cases is distinct from milestones.cases
    or fact_counts.messages is distinct from coalesce(messages.messages, 0)
    or fact_counts.contradictory_cases > 0
