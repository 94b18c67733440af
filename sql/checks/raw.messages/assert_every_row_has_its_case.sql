-- Messages of a case that raw.cases does not have under the same intake date.
-- A failure means that rows would be lost; look first at the source's case ids and intake dates.
select
    messages.message_id,
    messages.case_id,
    messages.intake_date
from raw.messages as messages
left join raw.cases as cases
    on
        messages.case_id = cases.case_id
        and messages.intake_date = cases.intake_date
        and cases.intake_date >= $start_date
        and cases.intake_date < $end_date
where
    messages.intake_date >= $start_date
    and messages.intake_date < $end_date
    and cases.case_id is null
