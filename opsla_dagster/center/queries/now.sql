-- One row: the instant that the pages show unless they are asked for another, and between which instants something is known.
select
    max(as_of_at) as now_at,
    'latest look' as now_reason,
    min(intake_date) as first_intake_date
from ops.partition_as_of
