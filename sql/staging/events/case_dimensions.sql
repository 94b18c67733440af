-- One row is a case and a dimension that sources.yml names for its source: a custom field, a form, a field of its organisation.
-- The latest value that is known; NULL where the case has none.
select
    source,
    case_id,
    intake_date,
    cast(substr(fact, 11) as varchar) as dimension_name,
    value_text as dimension_value
from raw.source_facts
where
    intake_date >= $start_date
    and intake_date < $end_date
    and starts_with(fact, 'dimension.')
