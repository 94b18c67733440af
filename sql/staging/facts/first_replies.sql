-- One row is one case that a person has answered: when, who, and how long it took.
-- From intake on; where the desk began, from the customer's first message on, and there only replies after it. A reply from before intake
-- leaves the time unknown, so that case has no row. Business minutes are F of the calendar `desk`.
with first_messages as (
    select
        case_id,
        intake_date,
        min(sent_ts) as first_message_ts
    from staging.messages_deduped
    where signal = 'CUSTOMER_MESSAGE'
    group by case_id, intake_date
),

replies as (
    select
        replies.source,
        replies.case_id,
        replies.intake_date,
        replies.sent_ts,
        replies.source_sequence,
        replies.message_id,
        replies.agent,
        coalesce(cases.initiated_by, 'customer') = 'customer' as is_begun_by_customer,
        case
            when coalesce(cases.initiated_by, 'customer') = 'customer' then cases.intake_ts
            when first_messages.first_message_ts < cases.intake_ts then cases.intake_ts
            else first_messages.first_message_ts
        end as asked_ts
    from staging.messages_deduped as replies
    inner join staging.case_milestones as cases on replies.case_id = cases.case_id and replies.intake_date = cases.intake_date
    left join first_messages on replies.case_id = first_messages.case_id and replies.intake_date = first_messages.intake_date
    where replies.signal = 'PUBLIC_REPLY'
),

ranked as (
    select
        source,
        case_id,
        intake_date,
        asked_ts,
        sent_ts,
        agent,
        row_number() over (partition by case_id, intake_date order by sent_ts, source_sequence, message_id) as reply_number
    from replies
    where is_begun_by_customer or sent_ts >= asked_ts
)

select
    ranked.source,
    ranked.case_id,
    ranked.intake_date,
    ranked.sent_ts as first_reply_at,
    ranked.agent as first_reply_agent,
    cast((epoch_us(ranked.sent_ts) - epoch_us(ranked.asked_ts)) // 1000000 / 60.0 as double) as first_reply_calendar_minutes,
    cast(
        (
            stop_time.open_seconds_before
            + case
                when stop_time.is_open then (epoch_us(ranked.sent_ts) - epoch_us(stop_time.segment_start_at)) // 1000000
                else 0
            end
            - start_time.open_seconds_before
            - case
                when start_time.is_open then (epoch_us(ranked.asked_ts) - epoch_us(start_time.segment_start_at)) // 1000000
                else 0
            end
        ) / 60.0 as double
    ) as first_reply_business_minutes
from ranked
left join staging.business_time as start_time
    on
        start_time.calendar = 'desk'
        and cast(ranked.asked_ts as date) = start_time.utc_date
        and ranked.asked_ts >= start_time.segment_start_at
        and ranked.asked_ts < start_time.segment_end_at
left join staging.business_time as stop_time
    on
        stop_time.calendar = 'desk'
        and cast(ranked.sent_ts as date) = stop_time.utc_date
        and ranked.sent_ts >= stop_time.segment_start_at
        and ranked.sent_ts < stop_time.segment_end_at
where ranked.reply_number = 1 and ranked.sent_ts >= ranked.asked_ts
