-- One row is one visit of a case to a queue in a window of five business days, the last one or the one before: how it came, when it was due and what became of it.
-- What a replay of the window is made of (docs/decisions/0044-next-best-ticket.md): how the queue stood at its start and what came in it; the window before the last only of queues to which fewer than 400 came in the last. A case is there from when it
-- first waits for us in the visit until it leaves the queue. Its clock is the one that decided then when it was due: of those within their target the first to fall due; where all were
-- past it, the first that was. Instants are open seconds of the desk from the window's start: negative before it, 0 at it for what was there already.
with now_instant as (
    select
        now_at,
        now_date,
        first_intake_date
    from mart.desk_now
),

desk_time as (
    select
        utc_date,
        segment_start_at,
        segment_end_at,
        local_date,
        open_seconds_before,
        is_open
    from staging.business_time
    where calendar = 'desk'
),

numbered_days as (
    select
        days.local_date,
        min(days.segment_start_at) as starts_at,
        min(days.open_seconds_before) as open_seconds_before,
        sum((epoch_us(days.segment_end_at) - epoch_us(days.segment_start_at)) // 1000000) as open_seconds,
        row_number() over (order by days.local_date desc) as days_ago
    from desk_time as days
    inner join now_instant
        on
            days.local_date < now_instant.now_date
            and days.local_date >= now_instant.now_date - interval 45 day
            and days.local_date >= now_instant.first_intake_date
    where days.is_open
    group by days.local_date
),

windows as (
    select
        (days_ago - 1) // 5 + 1 as window_number,
        min(starts_at) as from_at,
        min(open_seconds_before) as from_open_seconds,
        sum(open_seconds) as window_seconds
    from numbered_days
    where days_ago <= 10
    group by (days_ago - 1) // 5 + 1
    having count(*) = 5
),

first_window as (
    select min(from_at) as from_at
    from windows
    having count(*) > 0
),

last_window as (
    select from_at
    from windows
    where window_number = 1
),

-- So many cases came to them in the last window that it tells enough.
busy_queues as (
    select coalesce(spans.team, 'none') as queue
    from staging.backlog_spans as spans
    inner join last_window on spans.started_at > last_window.from_at
    inner join now_instant on spans.started_at < now_instant.now_at
    where
        spans.is_open
        and not spans.is_queue_kept_at_start
    group by coalesce(spans.team, 'none')
    having count(*) >= 400
),

recent_spans as (
    select
        coalesce(spans.team, 'none') as queue,
        busy_queues.queue is not null as is_busy,
        spans.intake_date,
        spans.case_id,
        spans.priority,
        spans.started_at,
        case when spans.ended_at <= now_instant.now_at then spans.ended_at end as ended_at,
        spans.stint_started_at,
        coalesce(spans.waits_for, 'us') = 'us' as is_work,
        sum(case when spans.is_queue_kept_at_start then 0 else 1 end) over (
            partition by spans.case_id
            order by spans.started_at, spans.ended_at nulls last
        ) as visit_number
    from staging.backlog_spans as spans
    cross join last_window
    inner join first_window on spans.ended_at is null or spans.ended_at > first_window.from_at
    inner join now_instant on spans.started_at < now_instant.now_at
    left join busy_queues on coalesce(spans.team, 'none') = busy_queues.queue
    where
        spans.is_open
        and (busy_queues.queue is null or spans.ended_at is null or spans.ended_at > last_window.from_at)
),

visits as (
    select
        windows.window_number,
        spans.queue,
        spans.intake_date,
        spans.case_id,
        spans.visit_number,
        min(case when spans.started_at > windows.from_at then spans.started_at else windows.from_at end) as came_at,
        min(spans.stint_started_at) as stint_started_at,
        max(spans.priority) as priority
    from recent_spans as spans
    inner join windows
        on
            (spans.ended_at is null or spans.ended_at > windows.from_at)
            and (windows.window_number = 1 or not spans.is_busy)
    where spans.is_work
    group by
        windows.window_number,
        spans.queue,
        spans.intake_date,
        spans.case_id,
        spans.visit_number
),

came_times as (
    select
        visits.*,
        windows.from_open_seconds,
        windows.window_seconds,
        came_time.open_seconds_before
        + case when came_time.is_open then (epoch_us(visits.came_at) - epoch_us(came_time.segment_start_at)) // 1000000 else 0 end
        - windows.from_open_seconds as came_seconds,
        visits.came_at = windows.from_at as is_there_at_start
    from visits
    inner join windows on visits.window_number = windows.window_number
    inner join desk_time as came_time
        on
            cast(visits.came_at as date) = came_time.utc_date
            and visits.came_at >= came_time.segment_start_at
            and visits.came_at < came_time.segment_end_at
),

-- What came after its window belongs to the next one.
window_visits as (
    select *
    from came_times
    where
        is_there_at_start
        or came_seconds < window_seconds
),

recent_clocks as (
    select
        clocks.intake_date,
        clocks.case_id,
        clocks.policy,
        clocks.metric,
        clocks.cycle,
        clocks.started_at,
        clocks.stopped_at,
        clocks.target_seconds,
        clocks.due_at,
        clocks.outcome
    from staging.sla_clocks as clocks
    inner join first_window on clocks.stopped_at is null or clocks.stopped_at > first_window.from_at
    where not clocks.is_superseded
),

-- As known now: what stopped by now, and what runs.
known_clocks as (
    select
        clocks.intake_date,
        clocks.case_id,
        clocks.policy,
        clocks.metric,
        clocks.cycle,
        clocks.started_at,
        case when running.case_id is null then clocks.stopped_at end as stopped_at,
        clocks.target_seconds,
        case when running.case_id is null then clocks.due_at else running.due_at end as due_at,
        case when running.case_id is null then clocks.outcome = 'breached' else running.is_past_target end as is_breached
    from recent_clocks as clocks
    cross join now_instant
    left join mart.clock_now as running
        on
            clocks.intake_date = running.intake_date
            and clocks.case_id = running.case_id
            and clocks.policy = running.policy
            and clocks.metric = running.metric
            and clocks.cycle = running.cycle
    where
        running.case_id is not null
        or (clocks.outcome in ('met', 'breached') and clocks.stopped_at <= now_instant.now_at)
),

ranked_clocks as (
    select
        visits.window_number,
        visits.queue,
        visits.intake_date,
        visits.case_id,
        visits.visit_number,
        clocks.policy,
        clocks.metric,
        clocks.target_seconds,
        clocks.due_at,
        clocks.stopped_at,
        clocks.is_breached,
        row_number() over (
            partition by visits.window_number, visits.intake_date, visits.case_id, visits.visit_number
            order by clocks.due_at <= visits.came_at, clocks.due_at, clocks.policy, clocks.metric, clocks.cycle
        ) as position_by_due
    from window_visits as visits
    inner join known_clocks as clocks
        on
            visits.intake_date = clocks.intake_date
            and visits.case_id = clocks.case_id
            and clocks.started_at <= visits.came_at
            and (clocks.stopped_at is null or clocks.stopped_at > visits.came_at)
    where clocks.due_at is not null
),

deciding_clocks as (
    select
        clocks.*,
        due_time.open_seconds_before
        + case when due_time.is_open then (epoch_us(clocks.due_at) - epoch_us(due_time.segment_start_at)) // 1000000 else 0 end as due_open_seconds,
        stop_time.open_seconds_before
        + case when stop_time.is_open then (epoch_us(clocks.stopped_at) - epoch_us(stop_time.segment_start_at)) // 1000000 else 0 end as stop_open_seconds
    from ranked_clocks as clocks
    inner join desk_time as due_time
        on
            cast(clocks.due_at as date) = due_time.utc_date
            and clocks.due_at >= due_time.segment_start_at
            and clocks.due_at < due_time.segment_end_at
    left join desk_time as stop_time
        on
            cast(clocks.stopped_at as date) = stop_time.utc_date
            and clocks.stopped_at >= stop_time.segment_start_at
            and clocks.stopped_at < stop_time.segment_end_at
    where clocks.position_by_due = 1
)

select
    cast(visits.window_number as bigint) as window_number,
    visits.queue,
    visits.intake_date,
    visits.case_id,
    cast(visits.visit_number as bigint) as visit_number,
    visits.priority,
    cast(visits.window_seconds as bigint) as window_business_seconds,
    visits.is_there_at_start,
    cast(visits.stint_started_at as timestamp) as stint_started_at,
    cast(visits.came_seconds as bigint) as came_business_seconds,
    clocks.metric as due_metric,
    clocks.target_seconds,
    cast(clocks.due_open_seconds - visits.from_open_seconds as bigint) as due_business_seconds,
    cast(clocks.stop_open_seconds - visits.from_open_seconds as bigint) as stopped_business_seconds,
    clocks.is_breached as is_due_breached,
    objectives.objective_pct
from window_visits as visits
left join deciding_clocks as clocks
    on
        visits.window_number = clocks.window_number
        and visits.intake_date = clocks.intake_date
        and visits.case_id = clocks.case_id
        and visits.visit_number = clocks.visit_number
left join staging.sla_policies as objectives on clocks.policy = objectives.policy and clocks.metric = objectives.metric
