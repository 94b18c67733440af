-- Intake dates on which the copies that the kept messages stand for are not as many as the raw messages.
-- A failure means that deduplication lost or invented messages; look first at sql/staging/events/messages_deduped.sql.
with kept as (
    select
        intake_date,
        sum(copies) as messages
    from staging.messages_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

logged as (
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
    logged.intake_date,
    logged.messages as raw_messages,
    kept.messages as accounted_messages
from logged
left join kept on logged.intake_date = kept.intake_date
where kept.messages is null or kept.messages <> logged.messages
