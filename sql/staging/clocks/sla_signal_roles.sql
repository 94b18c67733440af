-- One row is one signal that a metric listens to, under one way of reopening: what it does to a clock there, and how such a clock runs.
-- Every metric under every way of reopening, whether or not a policy promises it so. REOPENED starts nothing under freeze. How often a clock
-- runs: freeze = once, restart = anew at each reopen, resume and void = in parts of one cycle (docs/decisions/0014-sla-engine.md).
with ways_of_reopening as (
    select 'freeze' as reopen

    union all

    select 'restart' as reopen

    union all

    select 'resume' as reopen

    union all

    select 'void' as reopen
),

metrics as (
    select
        metric,
        bool_or(is_repeating) as is_repeating,
        bool_or(role = 'cancel') as is_cancellable,
        bool_or(role = 'start' and signal = 'INTAKE') as is_started_by_intake,
        bool_or(role = 'start' and signal = 'CUSTOMER_MESSAGE') as is_started_by_customers,
        bool_or(role = 'start_if_outbound') as is_started_otherwise_if_outbound,
        bool_or(role = 'after') as is_started_after_another_signal,
        bool_or(signal in ('GROUP_ASSIGNED', 'GROUP_CHANGED')) as is_about_groups
    from staging.sla_metric_rules
    group by metric
),

rules as (
    select
        rules.metric,
        ways_of_reopening.reopen,
        rules.signal,
        rules.role,
        rules.role = 'reopen' and ways_of_reopening.reopen <> 'freeze' as is_restart
    from staging.sla_metric_rules as rules
    cross join ways_of_reopening
    where rules.role <> 'pause'
),

roles as (
    select
        metric,
        reopen,
        signal,
        bool_or(role = 'start' or is_restart) as is_start,
        bool_or(role = 'start_if_outbound' or (role = 'start' and signal <> 'INTAKE') or is_restart) as is_start_but_intake,
        bool_or(role = 'stop') as is_stop,
        bool_or(role in ('stop', 'cancel')) as is_end,
        bool_or(role = 'after') as is_after
    from rules
    group by metric, reopen, signal
)

select
    roles.metric,
    roles.reopen,
    roles.signal,
    roles.is_start,
    case when metrics.is_started_otherwise_if_outbound then roles.is_start_but_intake else roles.is_start end as is_outbound_start,
    roles.is_stop,
    roles.is_end,
    roles.is_after,
    metrics.is_repeating,
    roles.reopen = 'freeze'
    and not metrics.is_repeating
    and not metrics.is_cancellable
    and not metrics.is_started_after_another_signal
    and not metrics.is_about_groups as is_run_once,
    roles.reopen in ('resume', 'void') and not metrics.is_repeating as is_run_in_parts,
    metrics.is_started_by_intake,
    metrics.is_started_by_customers,
    metrics.is_started_otherwise_if_outbound,
    metrics.is_started_after_another_signal
from roles
inner join metrics on roles.metric = metrics.metric
