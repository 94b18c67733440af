-- One row is one change of team or agent whose old value is not what was told before it.
-- Nothing is guessed from it: the value that was told before holds up to the change, the new value from it on. The first value told of a case
-- contradicts nothing (docs/decisions/0046-ownership.md).
with changed_cases as (
    select distinct
        case_id,
        attribute
    from raw.attribute_changes
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and attribute in ('team', 'agent')
),

told_values as (
    select
        changes.source,
        changes.case_id,
        changes.intake_date,
        changes.attribute,
        changes.changed_ts as told_at,
        changes.source_sequence,
        changes.change_id as event_id,
        changes.value,
        changes.previous_value,
        true as is_change
    from raw.attribute_changes as changes
    where
        changes.intake_date >= $start_date
        and changes.intake_date < $end_date
        and changes.attribute in ('team', 'agent')

    union all

    select
        events.source,
        events.case_id,
        events.intake_date,
        changed_cases.attribute,
        events.canonical_ts as told_at,
        events.source_sequence,
        events.event_id,
        case when changed_cases.attribute = 'team' then events.team else events.agent end as value,
        cast(null as varchar) as previous_value,
        false as is_change
    from staging.events_clean as events
    inner join changed_cases on events.case_id = changed_cases.case_id
    where
        events.intake_date >= $start_date
        and events.intake_date < $end_date
        and case when changed_cases.attribute = 'team' then events.team else events.agent end is not null
),

chained_values as (
    select
        *,
        lag(value) over (partition by case_id, attribute order by told_at, source_sequence, is_change desc, event_id) as value_before,
        row_number() over (partition by case_id, attribute order by told_at, source_sequence, is_change desc, event_id) as place
    from told_values
)

select
    source,
    case_id,
    intake_date,
    event_id as change_id,
    told_at as changed_ts,
    attribute,
    previous_value as told_previous_value,
    value_before as known_previous_value,
    value
from chained_values
where is_change and place > 1 and previous_value is distinct from value_before
