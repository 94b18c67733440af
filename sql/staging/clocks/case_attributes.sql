-- One row is one case, attribute and stretch of time in which the attribute had one value.
-- Of the attributes that somebody asks for: policies by their scopes, metrics that listen to groups, targets on the case's schedule. From
-- intake on and without a gap: raw.cases has the latest values, so what a case was at intake its first change tells; a change holds from its
-- instant on, those up to intake from intake on, and of several at one instant the last in the source's order. Who holds a case is
-- staging.ownership_spans' to say. A schedule is no column of a case: it has rows where it changed, and so have
-- priority, tier, type, channel, region and brand where no policy asks for them (docs/decisions/0027-case-attributes.md).
with cases as (
    select *
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

owners as (
    select
        case_id,
        nullif(team, 'UNASSIGNED') as team,
        held_from_at,
        event_id
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_holding_start
),

requested_attributes as (
    select attribute
    from staging.sla_policy_scopes

    union

    select 'team' as attribute
    from staging.sla_metric_rules
    where signal in ('GROUP_ASSIGNED', 'GROUP_CHANGED')

    union

    select 'schedule' as attribute
),

-- Of what the backlog and the risk of a case are told by, a case without rows never changed; the schedule is asked for like them.
traced_attributes as (
    select attribute
    from requested_attributes

    union

    select 'priority' as attribute

    union

    select 'tier' as attribute

    union

    select 'case_type' as attribute

    union

    select 'channel' as attribute

    union

    select 'region' as attribute

    union

    select 'brand' as attribute
),

changes as (
    select
        changes.case_id,
        changes.attribute,
        changes.value,
        changes.previous_value,
        changes.changed_ts,
        changes.change_id,
        row_number() over (
            partition by changes.case_id, changes.attribute
            order by changes.changed_ts, changes.source_sequence, changes.change_id
        ) as change_number
    from raw.attribute_changes as changes
    inner join traced_attributes on changes.attribute = traced_attributes.attribute
    where
        changes.intake_date >= $start_date
        and changes.intake_date < $end_date
        and changes.attribute <> 'team'
),

first_changes as (
    select
        case_id,
        attribute,
        previous_value
    from changes
    where change_number = 1
),

latest_values as (
    select
        cases.case_id,
        cases.intake_ts,
        requested_attributes.attribute,
        case requested_attributes.attribute
            when 'priority' then cases.priority
            when 'tier' then cases.tier
            when 'brand' then cases.brand
            when 'region' then cases.region
            when 'channel' then cases.channel
            when 'case_type' then cases.case_type
            when 'customer' then cases.customer
            when 'tags' then cases.tags
            when 'source' then cases.source
            when 'initiated_by' then cases.initiated_by
        end as value
    from cases
    inner join requested_attributes on requested_attributes.attribute not in ('team', 'schedule')
),

values_at_intake as (
    select
        latest_values.case_id,
        latest_values.attribute,
        case when first_changes.case_id is null then latest_values.value else first_changes.previous_value end as value,
        latest_values.intake_ts
    from latest_values
    left join first_changes
        on latest_values.case_id = first_changes.case_id and latest_values.attribute = first_changes.attribute

    union all

    select
        first_changes.case_id,
        first_changes.attribute,
        first_changes.previous_value as value,
        cases.intake_ts
    from first_changes
    inner join cases on first_changes.case_id = cases.case_id
    left join requested_attributes on first_changes.attribute = requested_attributes.attribute
    where requested_attributes.attribute is null or first_changes.attribute = 'schedule'
),

told_values as (
    select
        case_id,
        attribute,
        value,
        intake_ts as told_at,
        cast(0 as bigint) as change_number,
        cast(null as varchar) as event_id
    from values_at_intake

    union all

    select
        changes.case_id,
        changes.attribute,
        changes.value,
        case when changes.changed_ts < cases.intake_ts then cases.intake_ts else changes.changed_ts end as told_at,
        changes.change_number,
        changes.change_id as event_id
    from changes
    inner join cases on changes.case_id = cases.case_id

    union all

    select
        owners.case_id,
        requested_attributes.attribute,
        owners.team as value,
        owners.held_from_at as told_at,
        row_number() over (partition by owners.case_id order by owners.held_from_at) as change_number,
        owners.event_id
    from owners
    inner join requested_attributes on requested_attributes.attribute = 'team'
),

told_values_with_next as (
    select
        *,
        lead(told_at) over (partition by case_id, attribute order by change_number) as next_told_at
    from told_values
),

-- Of several at one instant the last holds.
told_values_with_previous as (
    select
        *,
        lag(change_number) over (partition by case_id, attribute order by change_number) is null as is_first,
        lag(value) over (partition by case_id, attribute order by change_number) as previous_value
    from told_values_with_next
    where next_told_at is null or next_told_at > told_at
),

attribute_validity as (
    select
        case_id,
        attribute,
        value,
        told_at as valid_from_at,
        lead(told_at) over (partition by case_id, attribute order by change_number) as valid_to_at,
        event_id
    from told_values_with_previous
    where is_first or value is distinct from previous_value
)

select
    cases.source,
    attribute_validity.case_id,
    cases.intake_date,
    attribute_validity.attribute,
    attribute_validity.value,
    attribute_validity.valid_from_at,
    attribute_validity.valid_to_at,
    attribute_validity.event_id
from attribute_validity
inner join cases on attribute_validity.case_id = cases.case_id
