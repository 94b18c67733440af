-- Intake dates whose cases do not have as many messages as staging.messages_deduped, or that have other cases than staging.case_milestones.
-- A failure means that messages or cases are lost or counted twice; look first at the joins of sql/mart/case_facts.sql.
with told as (
    select
        intake_date,
        count(*) as cases,
        coalesce(sum(public_reply_count + bot_reply_count + customer_message_count + private_note_count), 0) as messages
    from mart.case_facts
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
    told.cases as told_cases,
    coalesce(messages.messages, 0) as messages,
    told.messages as told_messages
from milestones
left join told on milestones.intake_date = told.intake_date
left join messages on milestones.intake_date = messages.intake_date
where told.cases is distinct from milestones.cases or told.messages is distinct from coalesce(messages.messages, 0)
