-- One row is one of the five cases whose ids look most like $case_id.
select case_id
from staging.case_milestones
order by jaro_winkler_similarity(lower(case_id), lower($case_id)) desc, case_id
limit 5
