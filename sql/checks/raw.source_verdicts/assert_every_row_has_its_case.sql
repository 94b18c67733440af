-- Verdicts of a case that raw.cases does not have under the same intake date.
-- A failure means that rows would be lost; look first at the source's case ids and intake dates.
select
    verdicts.verdict_id,
    verdicts.case_id,
    verdicts.intake_date
from raw.source_verdicts as verdicts
left join raw.cases as cases
    on
        verdicts.case_id = cases.case_id
        and verdicts.intake_date = cases.intake_date
        and cases.intake_date >= $start_date
        and cases.intake_date < $end_date
where
    verdicts.intake_date >= $start_date
    and verdicts.intake_date < $end_date
    and cases.case_id is null
