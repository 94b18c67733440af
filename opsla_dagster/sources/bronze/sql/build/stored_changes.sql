-- One row is a change of an attribute.
select
    changes.case_id,
    changes.intake_date,
    changes.change_id,
    changes.changed_ts,
    signals.source_sequence,
    changes.attribute,
    changes.value,
    changes.previous_value
from attribute_changes as changes
inner join signals on changes.case_id = signals.case_id and changes.change_id = signals.signal_id and signals.kind = 'change'
order by changes.intake_date, changes.case_id, signals.source_sequence
