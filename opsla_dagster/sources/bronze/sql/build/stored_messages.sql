-- One row is a message.
select
    comments.case_id,
    comments.intake_date,
    comments.message_id,
    comments.sent_ts,
    signals.source_sequence,
    comments.signal,
    comments.author_kind,
    comments.agent
from comments
inner join signals on comments.case_id = signals.case_id and comments.message_id = signals.signal_id and signals.kind = 'message'
order by comments.intake_date, comments.case_id, signals.source_sequence
