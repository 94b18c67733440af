-- One row: what quality_gates.yml may bound about cases.
select count(*) * 1.0 / nullif(date_diff('day', $start_date, $end_date), 0) as cases_per_day
from raw.cases
where
    intake_date >= $start_date
    and intake_date < $end_date
