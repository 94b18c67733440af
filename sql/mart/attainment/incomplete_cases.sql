-- One row is one case of which records were rejected that its clocks may rest on.
-- Its verdicts say what the other records say: a stop that was rejected leaves a clock breached that was met (docs/decisions/0006-clock-outcomes.md).
select
    source,
    case_id,
    intake_date,
    rejected_records
from staging.case_rejections
