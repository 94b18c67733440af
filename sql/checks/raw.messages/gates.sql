-- One row: what quality_gates.yml may bound about messages, in percent of the window's raw messages; NULL without messages.
-- <rate>_sample is how many messages the rate is measured on.
with repeated_messages as (
    select
        sum(copies) as messages,
        sum(copies - 1) as extra_rows
    from (
        select count(*) as copies
        from raw.messages
        where
            intake_date >= $start_date
            and intake_date < $end_date
        group by case_id, signal, sent_ts
    ) as distinct_messages
)

select
    100.0 * extra_rows / nullif(messages, 0) as pct_duplicate_extra_rows,
    messages as pct_duplicate_extra_rows_sample
from repeated_messages
