-- Facts of a case that raw.cases does not have under the same intake date.
-- A failure means that rows would be lost; look first at the source's case ids and intake dates.
select
    facts.case_id,
    facts.fact,
    facts.intake_date
from raw.source_facts as facts
left join raw.cases as cases
    on
        facts.case_id = cases.case_id
        and facts.intake_date = cases.intake_date
        and cases.intake_date >= $start_date
        and cases.intake_date < $end_date
where
    facts.intake_date >= $start_date
    and facts.intake_date < $end_date
    and cases.case_id is null
