-- Fields of ticket systems' records that are new, missing, of another type than is known, or have a word that is not known.
-- A failure means that the system changed its API; nothing is lost, but new fields are not stored, and what bears an unknown word is no
-- message; look first at its changelog.
select
    source,
    resource,
    field,
    drift,
    expected_type,
    found_type,
    first_seen_at
from ops.schema_drift
