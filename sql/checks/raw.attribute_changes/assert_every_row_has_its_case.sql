-- Changes of a case that raw.cases does not have under the same intake date.
-- A failure means that rows would be lost; look first at the source's case ids and intake dates.
select
    changes.change_id,
    changes.case_id,
    changes.intake_date
from raw.attribute_changes as changes
left join raw.cases as cases
    on
        changes.case_id = cases.case_id
        and changes.intake_date = cases.intake_date
        and cases.intake_date >= $start_date
        and cases.intake_date < $end_date
where
    changes.intake_date >= $start_date
    and changes.intake_date < $end_date
    and cases.case_id is null
