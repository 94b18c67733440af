-- One row is one queue: what came into it and left it, who worked on it, and what a case takes there, over the last 10 business days before today.
-- Nobody writes down what a case takes. What a log tells: heads at work (an agent counts on a date by the share of what was done that was done here) and
-- cases that left. work = busy heads x open time / cases that left; heads are not busier than there were open cases that wait for us at the ends of the dates,
-- so that a queue that idles is not slow. Where the source counts its minutes of handling, those of cases taken in over the last 90 days stand beside it
-- (docs/decisions/0044-next-best-ticket.md).
with now_instant as (
    select
        now_at,
        now_date,
        first_intake_date
    from mart.desk_now
),

business_days as (
    select
        days.local_date,
        sum((epoch_us(days.segment_end_at) - epoch_us(days.segment_start_at)) // 1000000) / 60.0 as business_minutes
    from staging.business_time as days
    inner join now_instant
        on
            days.local_date < now_instant.now_date
            and days.local_date >= now_instant.now_date - interval 45 day
            and days.local_date >= now_instant.first_intake_date
    where
        days.calendar = 'desk'
        and days.is_open
    group by days.local_date
),

numbered_days as (
    select
        local_date,
        business_minutes,
        row_number() over (order by local_date desc) as days_ago
    from business_days
),

pace_period as (
    select
        min(local_date) as from_date,
        count(*) as pace_days,
        sum(business_minutes) as business_minutes
    from numbered_days
    where days_ago <= 10
),

-- What was done: stretches of open cases that ended by now.
done_spans as (
    select
        coalesce(spans.team, 'none') as queue,
        spans.agent,
        spans.ended_date,
        spans.is_queue_kept_at_end
    from staging.backlog_spans as spans
    inner join pace_period on spans.ended_date >= pace_period.from_date
    inner join now_instant on spans.ended_at <= now_instant.now_at
    where spans.is_open
),

-- Ever: every 5th pick of the guarded index is counted from it.
ever_done_counts as (
    select
        coalesce(spans.team, 'none') as queue,
        count(*) as done_cases
    from staging.backlog_spans as spans
    inner join now_instant on spans.ended_at <= now_instant.now_at
    where
        spans.is_open
        and not spans.is_queue_kept_at_end
    group by coalesce(spans.team, 'none')
),

left_counts as (
    select
        queue,
        count(*) as gone_cases
    from done_spans
    where not is_queue_kept_at_end
    group by queue
),

arrived_counts as (
    select
        coalesce(spans.team, 'none') as queue,
        count(*) as arrived_cases
    from staging.backlog_spans as spans
    inner join pace_period on spans.started_date >= pace_period.from_date
    inner join now_instant on spans.started_at <= now_instant.now_at
    where
        spans.is_open
        and not spans.is_queue_kept_at_start
    group by coalesce(spans.team, 'none')
),

agent_days as (
    select
        queue,
        agent,
        ended_date,
        count(*) as done_here,
        sum(count(*)) over (partition by agent, ended_date) as done_anywhere
    from done_spans
    where agent is not null
    group by queue, agent, ended_date
),

agent_heads as (
    select
        queue,
        count(distinct agent) as agents,
        sum(cast(done_here as double) / nullif(done_anywhere, 0)) as agent_days
    from agent_days
    group by queue
),

-- Dates on which anybody did anything: a desk may work when its calendar is closed.
worked_dates as (
    select count(distinct ended_date) as worked_dates
    from done_spans
    where agent is not null
),

told_dimensions as (
    select coalesce(bool_or(is_queue_told), false) as is_queue_told
    from mart.backlog_sources
),

-- Where no source tells queues, everything is in none.
open_levels as (
    select
        case when days.dimension = 'all' then 'none' else days.dimension_value end as queue,
        avg(coalesce(days.active_cases, days.open_cases)) as waiting_for_us_cases
    from mart.backlog_daily as days
    inner join numbered_days on days.calendar_date = numbered_days.local_date and numbered_days.days_ago <= 10
    cross join told_dimensions
    where
        (days.dimension = 'queue' and told_dimensions.is_queue_told)
        or (days.dimension = 'all' and not told_dimensions.is_queue_told)
    group by case when days.dimension = 'all' then 'none' else days.dimension_value end
),

handling as (
    select
        coalesce(facts.team, 'none') as queue,
        count(*) as handled_cases,
        avg(facts.handling_calendar_minutes) as handling_mean_calendar_minutes
    from staging.case_facts as facts
    inner join now_instant
        on
            facts.intake_date >= now_instant.now_date - interval 90 day
            and facts.intake_date < now_instant.now_date
    where
        facts.handling_calendar_minutes > 0
        and not facts.is_open
    group by coalesce(facts.team, 'none')
),

queues as (
    select queue
    from left_counts

    union

    select queue
    from arrived_counts

    union

    select coalesce(team, 'none') as queue
    from mart.backlog_now
),

measured_queues as (
    select
        queues.queue,
        pace_period.pace_days,
        pace_period.business_minutes,
        coalesce(arrived_counts.arrived_cases, 0) as arrived_cases,
        coalesce(left_counts.gone_cases, 0) as gone_cases,
        coalesce(ever_done_counts.done_cases, 0) as done_cases,
        coalesce(agent_heads.agents, 0) as agents,
        agent_heads.agent_days / nullif(worked_dates.worked_dates, 0) as working_heads,
        greatest(1, round(coalesce(agent_heads.agent_days / nullif(worked_dates.worked_dates, 0), 1))) as heads,
        open_levels.waiting_for_us_cases,
        handling.handled_cases,
        handling.handling_mean_calendar_minutes
    from queues
    cross join pace_period
    cross join worked_dates
    left join left_counts on queues.queue = left_counts.queue
    left join ever_done_counts on queues.queue = ever_done_counts.queue
    left join arrived_counts on queues.queue = arrived_counts.queue
    left join agent_heads on queues.queue = agent_heads.queue
    left join open_levels on queues.queue = open_levels.queue
    left join handling on queues.queue = handling.queue
)

select
    cast(now_instant.now_at as timestamp) as now_at,
    measured_queues.queue,
    cast(measured_queues.pace_days as bigint) as pace_days,
    cast(measured_queues.business_minutes as double) as pace_business_minutes,
    cast(measured_queues.arrived_cases as bigint) as arrived_cases,
    cast(measured_queues.gone_cases as bigint) as gone_cases,
    cast(measured_queues.done_cases as bigint) as done_cases,
    cast(measured_queues.agents as bigint) as agents,
    cast(measured_queues.working_heads as double) as working_heads,
    cast(measured_queues.heads as bigint) as simulated_heads,
    cast(
        least(measured_queues.heads, greatest(coalesce(measured_queues.waiting_for_us_cases, measured_queues.heads), 0.05))
        * measured_queues.business_minutes / nullif(measured_queues.gone_cases, 0) as double
    ) as pace_work_business_minutes,
    cast(coalesce(measured_queues.handled_cases, 0) as bigint) as handled_cases,
    cast(measured_queues.handling_mean_calendar_minutes as double) as handling_mean_calendar_minutes
from measured_queues
cross join now_instant
