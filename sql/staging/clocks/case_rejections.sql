-- One row is one case and how many records of it were rejected that its clocks may rest on.
-- Its verdicts say what the other records say: a stop that was rejected leaves a clock breached that was met. Rejected records of whole files, whatever
-- their own stamps say, for a mistyped stamp is often why; what only repeats a record that is used, and links, are none
-- (docs/decisions/0006-clock-outcomes.md).
select
    cases.source,
    cases.case_id,
    cases.intake_date,
    cast(count(*) as bigint) as rejected_records
from (
    select distinct
        source,
        file,
        row_number,
        case_id
    from raw.rejected_rows
    where is_clock_relevant
) as records
inner join staging.case_milestones as cases on records.case_id = cases.case_id
group by cases.source, cases.case_id, cases.intake_date
