-- Changes of team or agent whose old value is not what had been told before.
-- A failure means that the source's history has gaps or is in a wrong order: the new values count, nothing is guessed; look first at one of the cases.
select
    case_id,
    changed_ts,
    attribute,
    known_previous_value,
    told_previous_value,
    value
from staging.ownership_contradictions
where
    intake_date >= $start_date
    and intake_date < $end_date
