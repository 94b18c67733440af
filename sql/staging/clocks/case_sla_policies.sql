-- One row is one case, metric and stretch of time under one promise.
-- The first policy of sla_policies.yml whose scope a case meets is in force, at every instant by what the case was then: a change
-- holds from its instant on, those up to intake from intake on. What a source promises by itself stands beside it, from the
-- instant the source applied it until it applied another or withdrew it. reopen is that of the policy in force at intake, for a source's
-- promises of the one applied first (docs/decisions/0014-sla-engine.md, 0023-schedules-that-change.md).
with cases as (
    select *
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

scopes as (
    select
        position,
        attribute,
        value
    from staging.sla_policy_scopes
),

scoped as (
    select distinct attribute
    from scopes
),

positions as (
    select
        policies.position,
        max(policies.reopen) as reopen,
        count(distinct scopes.attribute) as attributes
    from staging.sla_policies as policies
    left join scopes on policies.position = scopes.position
    group by policies.position
),

for_everyone as (
    select min(position) as position
    from positions
    where attributes = 0
),

changes as (
    select
        changes.case_id,
        changes.attribute,
        changes.value,
        changes.previous_value,
        case when changes.changed_ts < cases.intake_ts then cases.intake_ts else changes.changed_ts end as changed_at,
        row_number() over (
            partition by changes.case_id, changes.attribute
            order by changes.changed_ts, changes.source_sequence, changes.change_id
        ) as change_number
    from raw.attribute_changes as changes
    inner join scoped on changes.attribute = scoped.attribute
    inner join cases on changes.case_id = cases.case_id
    where
        changes.intake_date >= $start_date
        and changes.intake_date < $end_date
),

-- raw.cases has the latest values; what a case was at intake its first change tells.
at_intake as (
    select
        cases.case_id,
        cases.intake_ts,
        scoped.attribute,
        case
            when changes.case_id is not null then changes.previous_value
            when scoped.attribute = 'priority' then cases.priority
            when scoped.attribute = 'tier' then cases.tier
            when scoped.attribute = 'brand' then cases.brand
            when scoped.attribute = 'region' then cases.region
            when scoped.attribute = 'channel' then cases.channel
            when scoped.attribute = 'team' then cases.team
            when scoped.attribute = 'case_type' then cases.case_type
            when scoped.attribute = 'customer' then cases.customer
            when scoped.attribute = 'tags' then cases.tags
            when scoped.attribute = 'source' then cases.source
            when scoped.attribute = 'initiated_by' then cases.initiated_by
        end as value
    from cases
    cross join scoped
    left join changes
        on cases.case_id = changes.case_id and scoped.attribute = changes.attribute and changes.change_number = 1
),

changing as (
    select
        case_id,
        attribute,
        value,
        intake_ts as held_from,
        cast(0 as bigint) as change_number
    from at_intake

    union all

    select
        case_id,
        attribute,
        value,
        changed_at as held_from,
        change_number
    from changes
),

lasting as (
    select
        case_id,
        attribute,
        value,
        held_from,
        lead(held_from) over (partition by case_id, attribute order by change_number) as held_to
    from changing
),

held as (
    select
        case_id,
        attribute,
        value,
        held_from,
        held_to
    from lasting
    where held_to is null or held_to > held_from
),

instants as (
    select
        case_id,
        intake_ts as instant
    from cases

    union

    select
        case_id,
        held_from as instant
    from held
),

met as (
    select
        instants.case_id,
        instants.instant,
        scopes.position,
        count(distinct scopes.attribute) as attributes
    from instants
    inner join held
        on
            instants.case_id = held.case_id
            and instants.instant >= held.held_from
            and (held.held_to is null or instants.instant < held.held_to)
    inner join scopes
        on
            held.attribute = scopes.attribute
            and (
                held.value = scopes.value
                or (scopes.attribute = 'tags' and instr(' ' || held.value || ' ', ' ' || scopes.value || ' ') > 0)
            )
    group by instants.case_id, instants.instant, scopes.position
),

first_met as (
    select
        met.case_id,
        met.instant,
        min(met.position) as position
    from met
    inner join positions on met.position = positions.position and met.attributes = positions.attributes
    group by met.case_id, met.instant
),

in_force as (
    select
        instants.case_id,
        instants.instant,
        case
            when for_everyone.position is null or first_met.position < for_everyone.position then first_met.position
            else for_everyone.position
        end as position
    from instants
    cross join for_everyone
    left join first_met on instants.case_id = first_met.case_id and instants.instant = first_met.instant
),

compared as (
    select
        case_id,
        instant,
        position,
        row_number() over (partition by case_id order by instant) as instant_number,
        lag(position) over (partition by case_id order by instant) as previous_position
    from in_force
),

stretches as (
    select
        case_id,
        position,
        instant as in_force_from_at,
        lead(instant) over (partition by case_id order by instant) as in_force_to_at,
        first_value(position) over (partition by case_id order by instant) as position_at_intake
    from compared
    where instant_number = 1 or position is distinct from previous_position
),

configured as (
    select
        stretches.case_id,
        policies.metric,
        policies.policy,
        policies.calendar,
        policies.target_seconds,
        coalesce(positions.reopen, 'freeze') as reopen,
        policies.change,
        policies.schedule_change,
        false as is_on_case_schedule,
        false as is_source_promise,
        stretches.in_force_from_at,
        stretches.in_force_to_at
    from stretches
    inner join staging.sla_policies as policies on stretches.position = policies.position
    left join positions on stretches.position_at_intake = positions.position
),

applied as (
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
    from raw.applied_targets as targets
    inner join cases on targets.case_id = cases.case_id
    where
        targets.intake_date >= $start_date
        and targets.intake_date < $end_date
),

applied_with_next as (
    select
        *,
        lead(applied_at) over (partition by case_id, metric order by applied_number) as next_applied_at
    from applied
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

applied_stretches as (
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
promised_by_source as (
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
    from applied_stretches
    where target_seconds is not null
),

promises as (
    select *
    from configured

    union all

    select *
    from promised_by_source
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
