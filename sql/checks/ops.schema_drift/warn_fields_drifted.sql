-- Fields of ticket systems' records that are new, missing, or of another type than is known.
-- A failure means that the system changed its API; nothing is lost, but new fields are not stored; look
-- first at its changelog.
select
    source,
    resource,
    field,
    drift,
    expected_type,
    found_type,
    first_seen_at
from ops.schema_drift
