-- One row is one promise with an objective, all or one queue, and one pair of windows: how fast its error budget burns.
-- burn = share of bad clocks among those that fell due in the window / (1 - objective): at 1 the budget lasts exactly its 20 business days. A pair burns
-- where the long window shows that it matters and the short one that it still goes on, and at least 10 clocks fell due in the long one: page (burn 10, a
-- tenth of the budget in a hundredth of the period), ticket (2, a tenth in a twentieth), slow (1, a quarter in a quarter); the short window is a
-- twelfth of the long one (docs/decisions/0040-error-budget-and-now.md).
with objectives as (
    select
        policy,
        metric,
        objective_pct
    from staging.sla_policies
    where objective_pct is not null
),

windows as (
    select
        now_at,
        window_name,
        alert,
        is_short,
        threshold_burn,
        from_at
    from mart.burn_windows
    where alert is not null
),

told_dimensions as (
    select coalesce(bool_or(is_queue_told), false) as is_queue_told
    from mart.backlog_sources
),

clocks as (
    select
        due_clocks.policy,
        due_clocks.metric,
        due_clocks.queue,
        due_clocks.due_at,
        due_clocks.is_bad
    from mart.due_clocks as due_clocks
    inner join objectives on due_clocks.policy = objectives.policy and due_clocks.metric = objectives.metric
),

-- All is there whether anything fell due or not; a queue where something did within the period of the budget.
promises as (
    select
        policy,
        metric,
        'all' as dimension,
        'all' as dimension_value,
        objective_pct
    from objectives

    union all

    select distinct
        objectives.policy,
        objectives.metric,
        'queue' as dimension,
        clocks.queue as dimension_value,
        objectives.objective_pct
    from objectives
    inner join clocks on objectives.policy = clocks.policy and objectives.metric = clocks.metric
    inner join told_dimensions on told_dimensions.is_queue_told
),

window_counts as (
    select
        windows.alert,
        windows.is_short,
        clocks.policy,
        clocks.metric,
        case when grouping(clocks.queue) = 0 then 'queue' else 'all' end as dimension,
        coalesce(clocks.queue, 'all') as dimension_value,
        count(*) as due_clocks,
        count(*) filter (where clocks.is_bad) as bad_clocks
    from windows
    inner join clocks on clocks.due_at > windows.from_at and clocks.due_at <= windows.now_at
    group by
        grouping sets (
            (windows.alert, windows.is_short, clocks.policy, clocks.metric),
            (windows.alert, windows.is_short, clocks.policy, clocks.metric, clocks.queue)
        )
),

burns as (
    select
        long_windows.now_at,
        promises.policy,
        promises.metric,
        promises.dimension,
        promises.dimension_value,
        promises.objective_pct,
        long_windows.alert,
        long_windows.threshold_burn,
        long_windows.from_at as long_from_at,
        short_windows.from_at as short_from_at,
        coalesce(long_counts.due_clocks, 0) as long_due_clocks,
        coalesce(long_counts.bad_clocks, 0) as long_bad_clocks,
        coalesce(short_counts.due_clocks, 0) as short_due_clocks,
        coalesce(short_counts.bad_clocks, 0) as short_bad_clocks,
        (100.0 * long_counts.bad_clocks / nullif(long_counts.due_clocks, 0)) / nullif(100.0 - promises.objective_pct, 0) as long_burn,
        (100.0 * short_counts.bad_clocks / nullif(short_counts.due_clocks, 0)) / nullif(100.0 - promises.objective_pct, 0) as short_burn
    from promises
    inner join windows as long_windows on not long_windows.is_short
    inner join windows as short_windows on long_windows.alert = short_windows.alert and short_windows.is_short
    left join window_counts as long_counts
        on
            promises.policy = long_counts.policy
            and promises.metric = long_counts.metric
            and promises.dimension = long_counts.dimension
            and promises.dimension_value = long_counts.dimension_value
            and long_windows.alert = long_counts.alert
            and not long_counts.is_short
    left join window_counts as short_counts
        on
            promises.policy = short_counts.policy
            and promises.metric = short_counts.metric
            and promises.dimension = short_counts.dimension
            and promises.dimension_value = short_counts.dimension_value
            and long_windows.alert = short_counts.alert
            and short_counts.is_short
)

select
    cast(now_at as timestamp) as now_at,
    policy,
    metric,
    dimension,
    dimension_value,
    alert,
    objective_pct,
    cast(threshold_burn as double) as threshold_burn,
    cast(long_from_at as timestamp) as long_from_at,
    cast(short_from_at as timestamp) as short_from_at,
    cast(long_due_clocks as bigint) as long_due_clocks,
    cast(long_bad_clocks as bigint) as long_bad_clocks,
    cast(short_due_clocks as bigint) as short_due_clocks,
    cast(short_bad_clocks as bigint) as short_bad_clocks,
    cast(long_burn as double) as long_burn,
    cast(short_burn as double) as short_burn,
    coalesce(long_due_clocks >= 10 and long_burn >= threshold_burn and short_burn >= threshold_burn, false) as is_burning
from burns
