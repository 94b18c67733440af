-- One row is a stored ticket as it stands, with its fields typed.
-- The desk's zone gives the intake date. A stamp that cannot be read is NULL here, and a reason in faults.
select
    id as ticket_id,
    getvariable('prefix') || id as case_id,
    instant(payload ->> '$.created_at') as intake_ts,
    local_date(instant(payload ->> '$.created_at')) as intake_date,
    instant(payload ->> '$.updated_at') as updated_ts,
    payload ->> '$.created_at' as created_text,
    payload ->> '$.updated_at' as updated_text,
    payload ->> '$.status' as source_status,
    payload ->> '$.requester_id' as requester,
    payload ->> '$.submitter_id' as submitter,
    payload ->> '$.via.channel' as channel,
    payload ->> '$.via.source.rel' as via_rel,
    payload ->> '$.type' as type,
    payload
from landed_tickets
