-- One row is a change of an attribute. No column of a case holds a dimension, so its first value is a change from nothing.
with changes as (
    select case_id, intake_date, change_id, changed_ts, attribute, value, previous_value, actor
    from attribute_changes
    union all
    select case_id, intake_date, change_id, changed_ts, attribute, value, cast(null as varchar) as previous_value, cast(null as varchar) as actor
    from first_dimensions
)

select
    changes.case_id,
    changes.intake_date,
    changes.change_id,
    changes.changed_ts,
    signals.source_sequence,
    changes.attribute,
    changes.value,
    changes.previous_value,
    changes.actor
from changes
inner join signals on changes.case_id = signals.case_id and changes.change_id = signals.signal_id and signals.kind = 'change'
order by changes.intake_date, changes.case_id, signals.source_sequence
