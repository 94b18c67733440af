-- Intake dates on which the copies that the kept messages stand for are not as many as the raw messages.
-- A failure means that deduplication lost or invented messages; look first at sql/staging/events/messages_deduped.sql.
with kept_messages as (
    select
        intake_date,
        sum(copies) as messages
    from staging.messages_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

logged_messages as (
    select
        intake_date,
        count(*) as messages
    from raw.messages
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
)

select
    logged_messages.intake_date,
    logged_messages.messages as raw_messages,
    kept_messages.messages as accounted_messages
from logged_messages
left join kept_messages on logged_messages.intake_date = kept_messages.intake_date
where kept_messages.messages is null or kept_messages.messages <> logged_messages.messages
