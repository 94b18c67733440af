-- One row is something that happened to a case, with its place in the one order over all of them. At one instant: by update, and
-- within an update attributes first, then what was said, then the status, so that a reply comes before the solving it came with.
with happened as (
    select case_id, change_id as signal_id, changed_ts as at_ts, audit_number, 0 as rank, 'change' as kind, cast(position as bigint) as position
    from attribute_changes
    union all
    select case_id, change_id as signal_id, changed_ts as at_ts, cast(-1 as bigint) as audit_number, -1 as rank, 'change' as kind, cast(0 as bigint) as position
    from first_dimensions
    union all
    select case_id, message_id as signal_id, sent_ts as at_ts, audit_number, 1 as rank, 'message' as kind, cast(position as bigint) as position
    from comments
    union all
    select case_id, event_id as signal_id, event_ts as at_ts, audit_number, 2 as rank, 'status' as kind, cast(position as bigint) as position
    from status_changes
    union all
    select
        case_id, applied_id as signal_id, applied_ts as at_ts, cast(9223372036854775807 as bigint) as audit_number, 3 as rank, 'target' as kind,
        cast(id_number as bigint) as position
    from promises
)

select
    case_id,
    kind,
    signal_id,
    row_number() over (partition by case_id order by at_ts, audit_number, rank, position, signal_id) as source_sequence
from happened
