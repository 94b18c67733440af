-- One row is a target that Zendesk applied to a ticket, or (without a target) the instant at which what it promised ends: it was taken off, or
-- its policy was taken off, or replaced by one without that metric. Explicit ends come after the targets of their instant. Metric events of
-- one update may bear stamps some seconds apart, so a policy that replaces another ends nothing that gets a target within a minute.
with targets as (
    select
        case_id,
        metric,
        is_group,
        metric_event_id as mark_id,
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

promised as (
    select distinct
        case_id,
        metric,
        is_group
    from targets
    where target_seconds is not null
),

-- The last word of an instant about each field.
told as (
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

taken_off as (
    select
        promised.case_id,
        promised.metric,
        told.at_ts
    from promised
    inner join told
        on
            promised.case_id = told.case_id
            and told.value is null
            and (
                (told.field = 'sla_policy' and not promised.is_group)
                or (told.field = 'group_sla_policy' and promised.is_group)
                or promised.metric = case told.field
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
policies as (
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
        from told
        where field in ('sla_policy', 'group_sla_policy') and value is not null
    ) as named
    group by case_id, at_ts, is_group
),

marks as (
    select
        *,
        cast(null as varchar) as replaced_by,
        cast(null as varchar) as replaced_by_id
    from targets
    union all
    select distinct
        case_id,
        metric,
        cast(null as boolean) as is_group,
        metric || '.ends.' || cast(epoch_us(at_ts) as varchar) as mark_id,
        at_ts,
        1 as rank,
        cast(9223372036854775807 as bigint) as id_number,
        null as policy,
        null as policy_id,
        null as calendar,
        null as is_on_case_schedule,
        null as target_seconds,
        null as replaced_by,
        null as replaced_by_id
    from taken_off
    union all
    select
        promised.case_id,
        promised.metric,
        cast(null as boolean) as is_group,
        promised.metric || '.replaced.' || cast(epoch_us(policies.at_ts) as varchar) as mark_id,
        policies.at_ts,
        2 as rank,
        cast(9223372036854775807 as bigint) as id_number,
        null as policy,
        null as policy_id,
        null as calendar,
        null as is_on_case_schedule,
        null as target_seconds,
        policies.policy as replaced_by,
        coalesce(policies.policy_id, '') as replaced_by_id
    from promised
    inner join policies on promised.case_id = policies.case_id and promised.is_group = policies.is_group
),

surrounded as (
    select
        *,
        last_value(policy ignore nulls) over before_it as policy_before,
        last_value(case when target_seconds is not null then coalesce(policy_id, '') end ignore nulls) over before_it as policy_id_before,
        last_value(calendar ignore nulls) over before_it as calendar_before,
        last_value(is_on_case_schedule ignore nulls) over before_it as is_on_case_schedule_before,
        first_value(case when target_seconds is not null then at_ts end ignore nulls) over behind_it as next_target_ts
    from marks
    window
        before_it as (
            partition by case_id, metric order by at_ts, rank, id_number, mark_id rows between unbounded preceding and current row
        ),
        behind_it as (
            partition by case_id, metric order by at_ts, rank, id_number, mark_id rows between current row and unbounded following
        )
),

meant as (
    select
        *,
        lag(target_seconds is not null) over (partition by case_id, metric order by at_ts, rank, id_number, mark_id) as is_promised_before
    from surrounded
    where
        rank < 2
        or (
            replaced_by is distinct from policy_before
            and (policy_id_before = '' or replaced_by_id <> policy_id_before)
            and (next_target_ts is null or next_target_ts > at_ts + interval 1 minute)
        )
)

select
    used_cases.case_id,
    used_cases.intake_date,
    used_cases.case_id || '#' || meant.mark_id as applied_id,
    meant.at_ts as applied_ts,
    meant.id_number,
    meant.metric,
    coalesce(meant.policy, meant.policy_before) as policy,
    coalesce(meant.calendar, meant.calendar_before) as calendar,
    meant.target_seconds,
    coalesce(meant.is_on_case_schedule, meant.is_on_case_schedule_before) as is_on_case_schedule,
    getvariable('schedule_change') as schedule_change
from meant
inner join used_cases using (case_id)
where meant.target_seconds is not null or coalesce(meant.is_promised_before, false)
