-- One row is a case that is visible as of $as_of_at, each attribute as it was last changed by then.
with visible as (
    select *
    from stored_cases
    where intake_date >= $start_date and intake_date < $end_date and intake_ts <= $as_of_at
),

changed as (
    select
        case_id,
        attribute,
        arg_max_null(value, source_sequence) as value
    from stored_changes
    where intake_date >= $start_date and intake_date < $end_date and changed_ts <= $as_of_at
    group by case_id, attribute
),

changed_to as (
    select
        case_id,
        max(value) filter (attribute = 'tier') as tier,
        max(value) filter (attribute = 'case_type') as case_type,
        max(value) filter (attribute = 'priority') as priority,
        max(value) filter (attribute = 'team') as team,
        max(value) filter (attribute = 'agent') as agent,
        max(value) filter (attribute = 'brand') as brand,
        max(value) filter (attribute = 'region') as region,
        max(value) filter (attribute = 'channel') as channel,
        max(value) filter (attribute = 'customer') as customer,
        max(value) filter (attribute = 'tags') as tags,
        list(attribute) as attributes
    from changed
    group by case_id
),

ends as (
    select
        case_id,
        max(event_ts) filter (status = 'RESOLVED') as source_resolved_ts,
        max(event_ts) filter (status = 'CLOSED') as source_closed_ts
    from stored_events
    where intake_date >= $start_date and intake_date < $end_date and event_ts <= $as_of_at
    group by case_id
),

promises as (
    select
        case_id,
        bool_or(coalesce(breached_ts <= $as_of_at or (is_missed and ended_ts <= $as_of_at), false)) as is_breached,
        bool_and(coalesce(ended_ts <= $as_of_at, false)) as is_decided
    from stored_verdicts
    where intake_date >= $start_date and intake_date < $end_date and is_promised and known_ts <= $as_of_at
    group by case_id
)

select
    getvariable('source') as source,
    visible.case_id,
    visible.intake_date,
    visible.intake_ts,
    case when list_contains(changed_to.attributes, 'tier') then changed_to.tier else visible.tier end as tier,
    case when list_contains(changed_to.attributes, 'case_type') then changed_to.case_type else visible.case_type end as case_type,
    case when list_contains(changed_to.attributes, 'priority') then changed_to.priority else visible.priority end as priority,
    visible.category,
    case when list_contains(changed_to.attributes, 'team') then changed_to.team else visible.team end as team,
    case when list_contains(changed_to.attributes, 'agent') then changed_to.agent else visible.agent end as agent,
    case when list_contains(changed_to.attributes, 'brand') then changed_to.brand else visible.brand end as brand,
    case when list_contains(changed_to.attributes, 'region') then changed_to.region else visible.region end as region,
    case when list_contains(changed_to.attributes, 'channel') then changed_to.channel else visible.channel end as channel,
    case when list_contains(changed_to.attributes, 'customer') then changed_to.customer else visible.customer end as customer,
    case when list_contains(changed_to.attributes, 'tags') then changed_to.tags else visible.tags end as tags,
    case when visible.merged_ts <= $as_of_at then visible.merged_into end as merged_into,
    visible.initiated_by,
    ends.source_resolved_ts,
    ends.source_closed_ts,
    case when promises.is_breached then false when promises.is_decided then true end as source_is_sla_met
from visible
left join changed_to using (case_id)
left join ends using (case_id)
left join promises using (case_id)
order by visible.intake_date, visible.case_id
