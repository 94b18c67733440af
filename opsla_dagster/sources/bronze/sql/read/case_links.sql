-- One row is a link of a case that was made by $as_of_at, or of which nobody tells when.
select
    getvariable('source') as source,
    case_id,
    intake_date,
    linked_case_id,
    link_kind,
    source_link_kind,
    linked_ts,
    case when unlinked_ts <= $as_of_at then unlinked_ts end as unlinked_ts
from stored_links
inner join (select case_id, intake_ts from stored_cases) as cases using (case_id)
where intake_date >= $start_date and intake_date < $end_date and coalesce(linked_ts, cases.intake_ts) <= $as_of_at and cases.intake_ts <= $as_of_at
order by intake_date, case_id, linked_case_id, link_kind
