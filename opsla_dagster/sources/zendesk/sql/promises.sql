-- One row is a target that Zendesk applied to a ticket, or (without a target) the instant at which what it promised ends: it was taken off, or
-- its policy was taken off, or replaced by one without that metric, or the ticket went to another group than the one it was promised of. Explicit ends come after the targets of their instant. Metric events of
-- one update may bear stamps some seconds apart, so a policy that replaces another ends nothing that gets a target within a minute.
with targets as (
    select
        case_id,
        metric,
        is_group,
        metric_event_id as change_id,
        at_ts,
        0 as rank,
        id_number,
        case when target_seconds is not null then policy end as policy,
        case when target_seconds is not null then policy_id end as policy_id,
        case when target_seconds is not null then calendar end as calendar,
        case when target_seconds is not null then coalesce(is_in_business_hours, false) end as is_on_case_schedule,
        target_seconds
    from applications
    where fault is null
),

promised_metrics as (
    select distinct
        case_id,
        metric,
        is_group
    from targets
    where target_seconds is not null
),

-- The last word of an instant about each field.
last_field_values as (
    select
        used_cases.case_id,
        history.field,
        history.at_ts,
        arg_max_null(history.value, row(history.audit_number, history.position)) as value
    from history
    inner join used_cases using (ticket_id)
    where history.type = 'Sla' and is_usable_instant(history.at_ts)
    group by used_cases.case_id, history.field, history.at_ts
),

explicit_withdrawals as (
    select
        promised_metrics.case_id,
        promised_metrics.metric,
        last_field_values.at_ts
    from promised_metrics
    inner join last_field_values
        on
            promised_metrics.case_id = last_field_values.case_id
            and last_field_values.value is null
            and (
                (last_field_values.field = 'sla_policy' and not promised_metrics.is_group)
                or (last_field_values.field = 'group_sla_policy' and promised_metrics.is_group)
                or promised_metrics.metric = case last_field_values.field
                    when 'first_reply_time' then 'first_reply'
                    when 'next_reply_time' then 'next_reply'
                    when 'agent_work_time' then 'agent_work'
                    when 'requester_wait_time' then 'requester_wait'
                    when 'periodic_update_time' then 'periodic_update'
                    when 'pausable_update_time' then 'pausable_update'
                    when 'total_resolution_time' then 'total_resolution'
                    when 'resolution_time' then 'total_resolution'
                    when 'group_ownership_time' then 'group_ownership'
                end
            )
),

-- The policy on a ticket, by its own history, else by the last target of an instant.
policies_of_tickets as (
    select
        case_id,
        at_ts,
        is_group,
        arg_max(policy, place) as policy,
        arg_max(policy_id, place) as policy_id
    from (
        select
            case_id,
            at_ts,
            is_group,
            policy,
            policy_id,
            row(0, id_number) as place
        from targets
        where target_seconds is not null
        union all
        select
            case_id,
            at_ts,
            field = 'group_sla_policy' as is_group,
            value as policy,
            value as policy_id,
            row(1, 0) as place
        from last_field_values
        where field in ('sla_policy', 'group_sla_policy') and value is not null
    ) as named_policies
    group by case_id, at_ts, is_group
),

-- A group's target is the promise of its own time: it ends when the ticket goes to another group.
group_changes as (
    select distinct
        promised_metrics.case_id,
        promised_metrics.metric,
        history.at_ts
    from promised_metrics
    inner join used_cases on promised_metrics.case_id = used_cases.case_id
    inner join history on used_cases.ticket_id = history.ticket_id
    where
        promised_metrics.is_group
        and history.type = 'Change'
        and history.field = 'group_id'
        and history.value is distinct from history.previous
        and is_usable_instant(history.at_ts)
),

-- What ends a promise has neither policy nor target: its row lacks these columns.
target_changes as (
    select *
    from targets
    union all by name
    select distinct
        case_id,
        metric,
        metric || '.ends.' || cast(epoch_us(at_ts) as varchar) as change_id,
        at_ts,
        1 as rank,
        cast(9223372036854775807 as bigint) as id_number
    from explicit_withdrawals
    union all by name
    select
        promised_metrics.case_id,
        promised_metrics.metric,
        promised_metrics.metric || '.replaced.' || cast(epoch_us(policies_of_tickets.at_ts) as varchar) as change_id,
        policies_of_tickets.at_ts,
        2 as rank,
        cast(9223372036854775807 as bigint) as id_number,
        policies_of_tickets.policy as replaced_by,
        coalesce(policies_of_tickets.policy_id, '') as replaced_by_id
    from promised_metrics
    inner join policies_of_tickets on promised_metrics.case_id = policies_of_tickets.case_id and promised_metrics.is_group = policies_of_tickets.is_group
    union all by name
    select
        case_id,
        metric,
        metric || '.handed_on.' || cast(epoch_us(at_ts) as varchar) as change_id,
        at_ts,
        3 as rank,
        cast(9223372036854775807 as bigint) as id_number
    from group_changes
),

changes_with_neighbours as (
    select
        *,
        last_value(policy ignore nulls) over before_it as policy_before,
        last_value(case when target_seconds is not null then coalesce(policy_id, '') end ignore nulls) over before_it as policy_id_before,
        last_value(calendar ignore nulls) over before_it as calendar_before,
        last_value(is_on_case_schedule ignore nulls) over before_it as is_on_case_schedule_before,
        last_value(case when target_seconds is not null then at_ts end ignore nulls) over before_it as last_target_ts,
        first_value(case when target_seconds is not null then at_ts end ignore nulls) over behind_it as next_target_ts
    from target_changes
    window
        before_it as (
            partition by case_id, metric order by at_ts, rank, id_number, change_id rows between unbounded preceding and current row
        ),
        behind_it as (
            partition by case_id, metric order by at_ts, rank, id_number, change_id rows between current row and unbounded following
        )
),

effective_changes as (
    select
        *,
        lag(target_seconds is not null) over (partition by case_id, metric order by at_ts, rank, id_number, change_id) as is_promised_before
    from changes_with_neighbours
    where
        rank < 2
        or (rank = 3 and last_target_ts < at_ts and (next_target_ts is null or next_target_ts > at_ts + interval 1 minute))
        or (
            rank = 2
            and replaced_by is distinct from policy_before
            and (policy_id_before = '' or replaced_by_id <> policy_id_before)
            and (next_target_ts is null or next_target_ts > at_ts + interval 1 minute)
        )
)

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || effective_changes.change_id as applied_id,
    effective_changes.at_ts as applied_ts,
    effective_changes.id_number,
    effective_changes.metric,
    coalesce(effective_changes.policy, effective_changes.policy_before) as policy,
    coalesce(effective_changes.calendar, effective_changes.calendar_before) as calendar,
    effective_changes.target_seconds,
    -- What a reopen does: these run on in the same clock; a reply that was given stays given.
    case when effective_changes.metric in ('agent_work', 'requester_wait', 'total_resolution') then 'resume' else 'freeze' end as reopen,
    coalesce(effective_changes.is_on_case_schedule, effective_changes.is_on_case_schedule_before) as is_on_case_schedule,
    getvariable('schedule_change') as schedule_change,
    effective_changes.rank = 3 as is_hand_over
from effective_changes
inner join used_cases using (case_id)
where effective_changes.target_seconds is not null or coalesce(effective_changes.is_promised_before, false)
