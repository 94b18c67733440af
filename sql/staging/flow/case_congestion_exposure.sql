-- One row is one case.
-- Exposure is the trailing mean of the case's intake date. A view: late closings of other cases change it afterwards.
select
    cases.case_id,
    cases.intake_date,
    cases.tier,
    cases.case_type,
    day_load.congestion_index_10bd_mean as congestion_exposure
from staging.case_milestones as cases
left join staging.day_load on cases.intake_date = day_load.calendar_date
