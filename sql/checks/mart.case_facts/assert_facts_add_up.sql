-- Intake dates whose cases or messages are not those of staging.case_milestones and staging.messages_deduped, or that have cases whose times
-- contradict each other: resolved for good before they were resolved first, on hold for longer than their customers waited.
-- A failure means that messages are lost or counted twice, or that a stretch is measured wrongly; look first at the joins and at the
-- stretches of sql/mart/facts/case_facts.sql.
with counted as (
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
    from mart.case_facts
    group by intake_date
),

milestones as (
    select
        intake_date,
        count(*) as cases
    from staging.case_milestones
    group by intake_date
),

messages as (
    select
        intake_date,
        count(*) as messages
    from staging.messages_deduped
    group by intake_date
)

select
    milestones.intake_date,
    milestones.cases,
    counted.cases as counted_cases,
    coalesce(messages.messages, 0) as messages,
    counted.messages as counted_messages,
    counted.contradictory_cases
from milestones
left join counted on milestones.intake_date = counted.intake_date
left join messages on milestones.intake_date = messages.intake_date
where
    counted.cases is distinct from milestones.cases
    or counted.messages is distinct from coalesce(messages.messages, 0)
    or counted.contradictory_cases > 0
