-- Targets of a case that raw.cases does not have under the same intake date.
-- A failure means that rows would be lost; look first at the source's case ids and intake dates.
select
    targets.applied_id,
    targets.case_id,
    targets.intake_date
from raw.applied_targets as targets
left join raw.cases as cases
    on
        targets.case_id = cases.case_id
        and targets.intake_date = cases.intake_date
        and cases.intake_date >= $start_date
        and cases.intake_date < $end_date
where
    targets.intake_date >= $start_date
    and targets.intake_date < $end_date
    and cases.case_id is null
