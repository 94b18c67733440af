-- No rows: what Zendesk tells of a ticket besides is not read yet.
select
    case_id,
    intake_date,
    updated_ts as known_ts,
    '' as fact,
    cast(null as varchar) as value_text,
    cast(null as double) as value_number
from used_cases
where false
