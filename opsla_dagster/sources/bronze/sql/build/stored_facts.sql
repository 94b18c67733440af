-- One row is a fact that the source tells of a case, with the instant from which it is known.
select
    case_id,
    intake_date,
    known_ts,
    fact,
    value_text,
    cast(value_number as double) as value_number
from facts
order by intake_date, case_id, fact
