-- One row is the value of a case in a dimension that sources.yml names: a custom field, a form, a field of its organisation.
-- The latest value that is known, for the dimension is no clock's scope; a case without a value has no row.
select
    source,
    case_id,
    intake_date,
    cast(substr(fact, 11) as varchar) as dimension_name,
    cast(value_text as varchar) as dimension_value
from raw.source_facts
where starts_with(fact, 'dimension.') and value_text is not null
