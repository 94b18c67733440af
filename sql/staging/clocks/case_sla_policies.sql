-- One row is one case, metric and stretch of time under one promise.
-- The first policy of sla_policies.yml whose scope a case meets is in force, at every instant by what the case was then
-- (staging.case_attributes). What a source promises by itself stands beside it, from the
-- instant the source applied it until it applied another or withdrew it. reopen is that of the policy in force at intake, for a source's
-- promises of the one applied first (docs/decisions/0014-sla-engine.md, 0023-schedules-that-change.md).
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

attribute_validity as (
    select
        attributes.case_id,
        attributes.attribute,
        attributes.value,
        attributes.valid_from_at,
        attributes.valid_to_at
    from staging.case_attributes as attributes
    where
        attributes.intake_date >= $start_date
        and attributes.intake_date < $end_date
        and exists (select 1 from staging.sla_policy_scopes as scopes where scopes.attribute = attributes.attribute)
),

applied_targets as (
    select *
    from raw.applied_targets
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

policies as (
    select *
    from staging.sla_policies
),

scopes as (
    select
        position,
        attribute,
        value
    from staging.sla_policy_scopes
),

policy_positions as (
    select
        policies.position,
        max(policies.reopen) as reopen,
        count(distinct scopes.attribute) as attributes
    from policies
    left join scopes on policies.position = scopes.position
    group by policies.position
),

catch_all_policy as (
    select min(position) as position
    from policy_positions
    where attributes = 0
),

-- Another policy can come into force only where an attribute changes.
instants as (
    select
        case_id,
        intake_ts as instant
    from cases

    union

    select
        case_id,
        valid_from_at as instant
    from attribute_validity
),

matching_scopes as (
    select
        instants.case_id,
        instants.instant,
        scopes.position,
        count(distinct scopes.attribute) as attributes
    from instants
    inner join attribute_validity
        on
            instants.case_id = attribute_validity.case_id
            and instants.instant >= attribute_validity.valid_from_at
            and (attribute_validity.valid_to_at is null or instants.instant < attribute_validity.valid_to_at)
    inner join scopes
        on
            attribute_validity.attribute = scopes.attribute
            and (
                attribute_validity.value = scopes.value
                or (scopes.attribute = 'tags' and instr(' ' || attribute_validity.value || ' ', ' ' || scopes.value || ' ') > 0)
            )
    group by instants.case_id, instants.instant, scopes.position
),

first_matching_policies as (
    select
        matching_scopes.case_id,
        matching_scopes.instant,
        min(matching_scopes.position) as position
    from matching_scopes
    inner join policy_positions
        on matching_scopes.position = policy_positions.position and matching_scopes.attributes = policy_positions.attributes
    group by matching_scopes.case_id, matching_scopes.instant
),

policies_at_instants as (
    select
        instants.case_id,
        instants.instant,
        case
            when catch_all_policy.position is null or first_matching_policies.position < catch_all_policy.position then first_matching_policies.position
            else catch_all_policy.position
        end as position
    from instants
    cross join catch_all_policy
    left join first_matching_policies on instants.case_id = first_matching_policies.case_id and instants.instant = first_matching_policies.instant
),

policies_with_previous as (
    select
        case_id,
        instant,
        position,
        row_number() over (partition by case_id order by instant) as instant_number,
        lag(position) over (partition by case_id order by instant) as previous_position
    from policies_at_instants
),

policy_validity as (
    select
        case_id,
        position,
        instant as in_force_from_at,
        lead(instant) over (partition by case_id order by instant) as in_force_to_at,
        first_value(position) over (partition by case_id order by instant) as position_at_intake
    from policies_with_previous
    where instant_number = 1 or position is distinct from previous_position
),

configured_promises as (
    select
        policy_validity.case_id,
        policies.metric,
        policies.policy,
        policies.calendar,
        policies.target_seconds,
        coalesce(policy_positions.reopen, 'freeze') as reopen,
        policies.change,
        policies.schedule_change,
        false as is_on_case_schedule,
        false as is_source_promise,
        policy_validity.in_force_from_at,
        policy_validity.in_force_to_at
    from policy_validity
    inner join policies on policy_validity.position = policies.position
    left join policy_positions on policy_validity.position_at_intake = policy_positions.position
),

applied_to_cases as (
    select
        targets.case_id,
        targets.metric,
        targets.source || ':' || targets.policy as policy,
        targets.calendar,
        targets.target_seconds,
        targets.is_on_case_schedule,
        targets.schedule_change,
        first_value(targets.reopen) over (
            partition by targets.case_id, targets.metric
            order by targets.applied_ts, targets.source_sequence, targets.applied_id
        ) as reopen,
        case when targets.applied_ts < cases.intake_ts then cases.intake_ts else targets.applied_ts end as applied_at,
        row_number() over (
            partition by targets.case_id, targets.metric
            order by targets.applied_ts, targets.source_sequence, targets.applied_id
        ) as applied_number
    from applied_targets as targets
    inner join cases on targets.case_id = cases.case_id
),

applied_with_next as (
    select
        *,
        lead(applied_at) over (partition by case_id, metric order by applied_number) as next_applied_at
    from applied_to_cases
),

-- Of several at one instant the last holds.
last_applied_of_instant as (
    select *
    from applied_with_next
    where next_applied_at is null or next_applied_at > applied_at
),

applied_with_previous as (
    select
        *,
        lag(applied_number) over (partition by case_id, metric order by applied_number) is null as is_first,
        lag(policy) over (partition by case_id, metric order by applied_number) as previous_policy,
        lag(calendar) over (partition by case_id, metric order by applied_number) as previous_calendar,
        lag(target_seconds) over (partition by case_id, metric order by applied_number) as previous_target_seconds,
        lag(is_on_case_schedule) over (partition by case_id, metric order by applied_number) as previous_is_on_case_schedule,
        lag(schedule_change) over (partition by case_id, metric order by applied_number) as previous_schedule_change
    from last_applied_of_instant
),

applied_changes as (
    select
        *,
        lead(applied_at) over (partition by case_id, metric order by applied_number) as in_force_to_at
    from applied_with_previous
    where
        is_first
        or policy is distinct from previous_policy
        or calendar is distinct from previous_calendar
        or target_seconds is distinct from previous_target_seconds
        or is_on_case_schedule is distinct from previous_is_on_case_schedule
        or schedule_change is distinct from previous_schedule_change
),

-- A target without seconds withdraws the promise: nothing is promised until another is applied.
source_promises as (
    select
        case_id,
        metric,
        policy,
        calendar,
        target_seconds,
        reopen,
        'retroactive' as change,
        schedule_change,
        is_on_case_schedule,
        true as is_source_promise,
        applied_at as in_force_from_at,
        in_force_to_at
    from applied_changes
    where target_seconds is not null
),

promises as (
    select *
    from configured_promises

    union all

    select *
    from source_promises
)

select
    cases.source,
    promises.case_id,
    cases.intake_date,
    promises.metric,
    promises.policy,
    promises.calendar,
    promises.target_seconds,
    promises.reopen,
    promises.change,
    promises.schedule_change,
    promises.is_on_case_schedule,
    promises.is_source_promise,
    promises.in_force_from_at,
    promises.in_force_to_at
from promises
inner join cases on promises.case_id = cases.case_id
