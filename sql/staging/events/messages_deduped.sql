-- One row is one distinct message of a case.
-- Of messages of one kind at one instant the first in the source's order stays, ties by message_id: whatever they say, they ask for and
-- answer the same (docs/decisions/0001-event-deduplication.md).
with ranked as (
    select
        *,
        row_number() over (partition by case_id, signal, sent_ts order by source_sequence, message_id) as copy_number,
        count(*) over (partition by case_id, signal, sent_ts) as copies
    from raw.messages
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select
    source,
    message_id,
    case_id,
    intake_date,
    sent_ts,
    source_sequence,
    signal,
    author_kind,
    agent,
    cast(copies as bigint) as copies
from ranked
where copy_number = 1
