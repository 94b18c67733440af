-- One row is one queue: what left it, who worked on it, and what a case takes there.
-- Nobody writes down what a case takes. What a log tells: its pace (mart.pace_days: the last 10 business days on which it had work, with closed dates before each) and heads at work on those days (an agent
-- counts on a date by the share of what was done that was done here). work = busy heads x open time / cases that left, on closed dates too: a simulated head has none to do them in. Heads are busy within an open hour (mart.work_hours) with no more cases than waited for us at its
-- start and end; and no case takes longer than it waited there, so neither idle hours nor tickets that are stuck make a queue slow. Where the source counts its
-- minutes of handling, those of cases taken in over the last 90 days stand beside it (docs/decisions/0044-next-best-ticket.md).
with now_instant as (
    select
        now_at,
        now_date
    from mart.desk_now
),

told_dimensions as (
    select coalesce(bool_or(is_queue_told), false) as is_queue_told
    from mart.backlog_sources
),

pace_days as (
    select
        case when days.dimension = 'all' then 'none' else days.dimension_value end as queue,
        days.dimension,
        days.dimension_value,
        days.calendar_date,
        days.gone_cases,
        days.pace_day_business_minutes
    from mart.pace_days as days
    cross join told_dimensions
    where
        (days.dimension = 'queue' and told_dimensions.is_queue_told)
        or (days.dimension = 'all' and not told_dimensions.is_queue_told)
),

queue_paces as (
    select
        queue,
        count(*) as pace_days,
        min(calendar_date) as from_date,
        sum(gone_cases) as gone_cases,
        sum(pace_day_business_minutes) as business_minutes
    from pace_days
    group by queue
),

-- A queue that stands idle now and then has worked days before the desk's last 10.
done_period as (
    select min(from_date) as from_date
    from queue_paces
),

-- What was done: stretches of open cases that ended by now.
done_spans as (
    select
        coalesce(spans.team, 'none') as queue,
        spans.intake_date,
        spans.case_id,
        spans.agent,
        spans.started_at,
        spans.ended_at,
        spans.ended_date,
        spans.is_queue_kept_at_end,
        coalesce(spans.waits_for, 'us') = 'us' as is_work
    from staging.backlog_spans as spans
    inner join done_period on spans.ended_date >= done_period.from_date
    inner join now_instant on spans.ended_at <= now_instant.now_at
    where spans.is_open
),

-- Ever: every 5th pick of the guarded index is counted from it. All that left by what is told of each intake date, without what left after now.
ever_counts as (
    select
        queue_name as queue,
        sum(gone_cases) as done_cases
    from staging.queue_movements
    group by queue_name

    union all

    select
        coalesce(spans.team, 'none') as queue,
        -count(*) as done_cases
    from staging.backlog_spans as spans
    inner join now_instant on spans.ended_at > now_instant.now_at
    where
        spans.is_open
        and not spans.is_queue_kept_at_end
    group by coalesce(spans.team, 'none')
),

ever_done_counts as (
    select
        queue,
        sum(done_cases) as done_cases
    from ever_counts
    group by queue
),

-- Who left since the first of the queue's days, until yesterday: how long they waited bounds what a case takes.
left_spans as (
    select
        done_spans.queue,
        done_spans.intake_date,
        done_spans.case_id
    from done_spans
    inner join queue_paces on done_spans.queue = queue_paces.queue and done_spans.ended_date >= queue_paces.from_date
    inner join now_instant on done_spans.ended_date < now_instant.now_date
    where not done_spans.is_queue_kept_at_end
),

left_counts as (
    select
        queue,
        count(*) as gone_cases
    from left_spans
    group by queue
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
        agent_days.queue,
        count(distinct agent_days.agent) as agents,
        sum(cast(1.0 * agent_days.done_here / nullif(agent_days.done_anywhere, 0) as decimal(28, 12))) as agent_days
    from agent_days
    inner join pace_days on agent_days.queue = pace_days.queue and agent_days.ended_date = pace_days.calendar_date
    group by agent_days.queue
),

-- Of the queue's days those on which anybody did anything anywhere.
worked_dates as (
    select
        pace_days.queue,
        count(distinct agent_days.ended_date) as worked_dates
    from pace_days
    inner join agent_days on pace_days.calendar_date = agent_days.ended_date
    group by pace_days.queue
),

-- How many work at once: whole heads, one where no agent is told. Where no source tells queues, everything is in none.
heads as (
    select
        agent_heads.queue,
        agent_heads.agents,
        cast(agent_heads.agent_days as double) / nullif(worked_dates.worked_dates, 0) as working_heads,
        greatest(1, round(cast(agent_heads.agent_days as double) / nullif(worked_dates.worked_dates, 0))) as heads
    from agent_heads
    inner join worked_dates on agent_heads.queue = worked_dates.queue
),

queue_hours as (
    select
        pace_days.queue,
        hours.waiting_cases_at_start,
        hours.waiting_cases_at_end
    from mart.work_hours as hours
    inner join pace_days
        on
            hours.dimension = pace_days.dimension
            and hours.dimension_value = pace_days.dimension_value
            and hours.calendar_date = pace_days.calendar_date
),

busy_hours as (
    select
        queue_hours.queue,
        sum(
            least(coalesce(heads.heads, 1), queue_hours.waiting_cases_at_start) + least(coalesce(heads.heads, 1), queue_hours.waiting_cases_at_end)
        ) / 2.0 / nullif(count(*), 0) as busy_heads
    from queue_hours
    left join heads on queue_hours.queue = heads.queue
    group by queue_hours.queue
),

left_cases as (
    select distinct
        queue,
        intake_date,
        case_id
    from left_spans
),

-- How long those that left had waited for us there, in stretches that ended since the first of the days; earlier visits included.
stays as (
    select
        spans.queue,
        sum(
            end_time.open_seconds_before
            + case when end_time.is_open then (epoch_us(spans.ended_at) - epoch_us(end_time.segment_start_at)) // 1000000 else 0 end
            - start_time.open_seconds_before
            - case when start_time.is_open then (epoch_us(spans.started_at) - epoch_us(start_time.segment_start_at)) // 1000000 else 0 end
        ) / 60.0 as stay_minutes
    from done_spans as spans
    inner join left_cases
        on
            spans.queue = left_cases.queue
            and spans.intake_date = left_cases.intake_date
            and spans.case_id = left_cases.case_id
    inner join staging.business_time as start_time
        on
            start_time.calendar = 'desk'
            and cast(spans.started_at as date) = start_time.utc_date
            and spans.started_at >= start_time.segment_start_at
            and spans.started_at < start_time.segment_end_at
    inner join staging.business_time as end_time
        on
            end_time.calendar = 'desk'
            and cast(spans.ended_at as date) = end_time.utc_date
            and spans.ended_at >= end_time.segment_start_at
            and spans.ended_at < end_time.segment_end_at
    where spans.is_work
    group by spans.queue
),

handling as (
    select
        coalesce(facts.team, 'none') as queue,
        count(*) as handled_cases,
        cast(sum(cast(facts.handling_calendar_minutes as decimal(28, 12))) as double) / nullif(count(*), 0) as handling_mean_calendar_minutes
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
    from done_spans
    where not is_queue_kept_at_end

    union

    select queue
    from queue_paces

    union

    select coalesce(team, 'none') as queue
    from mart.backlog_now
),

measured_queues as (
    select
        queues.queue,
        coalesce(queue_paces.pace_days, 0) as pace_days,
        coalesce(queue_paces.business_minutes, 0) as business_minutes,
        coalesce(queue_paces.gone_cases, 0) as gone_cases,
        coalesce(ever_done_counts.done_cases, 0) as done_cases,
        coalesce(heads.agents, 0) as agents,
        heads.working_heads,
        coalesce(heads.heads, 1) as heads,
        busy_hours.busy_heads,
        stays.stay_minutes / nullif(left_counts.gone_cases, 0) as stay_mean_minutes,
        handling.handled_cases,
        handling.handling_mean_calendar_minutes
    from queues
    left join queue_paces on queues.queue = queue_paces.queue
    left join left_counts on queues.queue = left_counts.queue
    left join ever_done_counts on queues.queue = ever_done_counts.queue
    left join heads on queues.queue = heads.queue
    left join busy_hours on queues.queue = busy_hours.queue
    left join stays on queues.queue = stays.queue
    left join handling on queues.queue = handling.queue
)

select
    cast(now_instant.now_at as timestamp) as now_at,
    measured_queues.queue,
    cast(measured_queues.pace_days as bigint) as pace_days,
    cast(measured_queues.business_minutes as double) as pace_business_minutes,
    cast(measured_queues.gone_cases as bigint) as gone_cases,
    cast(measured_queues.done_cases as bigint) as done_cases,
    cast(measured_queues.agents as bigint) as agents,
    cast(measured_queues.working_heads as double) as working_heads,
    cast(measured_queues.heads as bigint) as simulated_heads,
    cast(measured_queues.busy_heads as double) as busy_heads,
    cast(measured_queues.stay_mean_minutes as double) as stay_mean_business_minutes,
    cast(
        case
            when measured_queues.gone_cases > 0 then
                least(
                    greatest(coalesce(measured_queues.busy_heads, measured_queues.heads), 0.05) * measured_queues.business_minutes / nullif(measured_queues.gone_cases, 0),
                    coalesce(
                        nullif(measured_queues.stay_mean_minutes, 0),
                        greatest(coalesce(measured_queues.busy_heads, measured_queues.heads), 0.05) * measured_queues.business_minutes / nullif(measured_queues.gone_cases, 0)
                    )
                )
        end as double
    ) as pace_work_business_minutes,
    cast(coalesce(measured_queues.handled_cases, 0) as bigint) as handled_cases,
    cast(measured_queues.handling_mean_calendar_minutes as double) as handling_mean_calendar_minutes
from measured_queues
cross join now_instant
