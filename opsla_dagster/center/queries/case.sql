-- One row is the case of exactly this id.
select
    source,
    case_id
from staging.case_milestones
where case_id = $case_id
