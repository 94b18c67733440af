-- One row is one open clock at one instant, and what was known of it, of its case and of its queue just before.
-- The same SELECT for training and for scoring: whom it is about, and as of when, mart.risk_instants says. Nothing that happened at the instant or later
-- counts, nor what a case became later: attributes are those that held then, counts are of events up to then, the queue is that of the end of
-- the local date before. Where an event had happened by then that the log received only later, is_received is false: nobody could have known the
-- row; messages and changes of attributes, which have no instant of receipt, count as received when they happened. Where the promise came into force only later, is_promise_in_force is false. An attribute of which the source tells no changes is NULL: it may
-- have become so only after the instant (docs/decisions/0043-breach-risk.md).
with instants as (
    select
        case_id,
        intake_date,
        policy,
        metric,
        cycle,
        predicted_at
    from mart.risk_instants
),

-- Dates outside of which nothing is looked for.
bounds as (
    select
        min(intake_date) as first_intake_date,
        max(intake_date) as last_intake_date,
        cast(min(predicted_at) as date) - interval 40 day as first_date,
        cast(max(predicted_at) as date) + interval 1 day as last_date
    from instants
),

instant_cases as (
    select
        case_id,
        intake_date,
        predicted_at
    from instants
    group by case_id, intake_date, predicted_at
),

wanted_cases as (
    select
        case_id,
        intake_date
    from instants
    group by case_id, intake_date
),

-- The stretch of the clock that holds the instant.
clock_states as (
    select
        instants.case_id,
        instants.intake_date,
        instants.policy,
        instants.metric,
        instants.cycle,
        instants.predicted_at,
        clocks.source,
        clocks.calendar,
        clocks.state,
        clocks.started_at,
        clocks.running_seconds_before,
        clocks.open_seconds_at_start,
        clocks.target_seconds,
        clocks.due_at
    from instants
    inner join staging.backlog_clocks as clocks
        on
            instants.case_id = clocks.case_id
            and instants.intake_date = clocks.intake_date
            and instants.policy = clocks.policy
            and instants.metric = clocks.metric
            and instants.cycle = clocks.cycle
            and instants.predicted_at > clocks.started_at
            and (clocks.stopped_at is null or instants.predicted_at <= clocks.stopped_at)
),

-- F at the instants, and what the calendar says then.
calendar_instants as (
    select
        looked.calendar,
        looked.predicted_at,
        segments.is_open as is_calendar_open,
        segments.open_seconds_before
        + case
            when segments.is_open then (epoch_us(looked.predicted_at) - epoch_us(segments.segment_start_at)) // 1000000
            else 0
        end as open_seconds
    from (
        select distinct
            calendar,
            predicted_at
        from clock_states
    ) as looked
    inner join staging.business_time as segments
        on
            looked.calendar = segments.calendar
            and cast(looked.predicted_at as date) = segments.utc_date
            and looked.predicted_at >= segments.segment_start_at
            and looked.predicted_at < segments.segment_end_at
),

promises as (
    select
        clock_states.case_id,
        clock_states.policy,
        clock_states.metric,
        clock_states.cycle,
        clock_states.predicted_at,
        max(promises.target_seconds) as promised_seconds
    from clock_states
    inner join staging.case_sla_policies as promises
        on
            clock_states.case_id = promises.case_id
            and clock_states.intake_date = promises.intake_date
            and clock_states.metric = promises.metric
            and clock_states.policy = promises.policy
    where
        promises.in_force_from_at < clock_states.predicted_at
        and (promises.in_force_to_at is null or promises.in_force_to_at >= clock_states.predicted_at)
    group by clock_states.case_id, clock_states.policy, clock_states.metric, clock_states.cycle, clock_states.predicted_at
),

case_events as (
    select
        events.case_id,
        events.status,
        events.canonical_ts,
        events.ingestion_ts,
        lag(events.status) over events_in_order as previous_status,
        row_number() over events_in_order as event_number,
        sum(case when events.is_reopen then 1 else 0 end) over (
            partition by events.case_id order by events.canonical_ts, events.source_sequence, events.event_id rows between unbounded preceding and current row
        ) as reopens
    from staging.events_clean as events
    inner join wanted_cases on events.case_id = wanted_cases.case_id and events.intake_date = wanted_cases.intake_date
    window events_in_order as (partition by events.case_id order by events.canonical_ts, events.source_sequence, events.event_id)
),

known_events as (
    select
        instant_cases.case_id,
        instant_cases.predicted_at,
        count(*) as events,
        max(events.event_number) as last_event_number,
        max(events.ingestion_ts) as last_received_at
    from instant_cases
    inner join case_events as events on instant_cases.case_id = events.case_id and instant_cases.predicted_at > events.canonical_ts
    group by instant_cases.case_id, instant_cases.predicted_at
),

case_messages as (
    select
        instant_cases.case_id,
        instant_cases.predicted_at,
        count(*) filter (where messages.signal = 'CUSTOMER_MESSAGE') as customer_messages,
        count(*) filter (where messages.signal = 'PUBLIC_REPLY') as replies,
        max(messages.sent_ts) filter (where messages.signal = 'CUSTOMER_MESSAGE') as last_customer_message_at
    from instant_cases
    inner join staging.messages_deduped as messages
        on
            instant_cases.case_id = messages.case_id
            and instant_cases.intake_date = messages.intake_date
            and instant_cases.predicted_at > messages.sent_ts
    group by instant_cases.case_id, instant_cases.predicted_at
),

known_spans as (
    select
        instant_cases.case_id,
        instant_cases.predicted_at,
        spans.started_at,
        spans.began_with,
        spans.is_queue_kept_at_start,
        spans.team,
        spans.agent,
        spans.priority,
        spans.tier,
        spans.stint_started_at,
        spans.waits_for
    from instant_cases
    inner join staging.backlog_spans as spans
        on
            instant_cases.case_id = spans.case_id
            and instant_cases.intake_date = spans.intake_date
            and instant_cases.predicted_at > spans.started_at
    where spans.is_open
),

-- Who holds the case, and what it is: an instant within no open stretch (a clock that a closed status does not stop) has the last one before.
case_spans as (
    select
        case_id,
        predicted_at,
        max(started_at) as span_started_at,
        count(*) filter (where began_with = 'changed' and not is_queue_kept_at_start) as queue_changes
    from known_spans
    group by case_id, predicted_at
),

case_states as (
    select
        case_spans.case_id,
        case_spans.predicted_at,
        case_spans.queue_changes,
        spans.team,
        spans.agent,
        spans.priority,
        spans.tier,
        spans.stint_started_at,
        spans.waits_for
    from case_spans
    inner join known_spans as spans
        on case_spans.case_id = spans.case_id and case_spans.predicted_at = spans.predicted_at and case_spans.span_started_at = spans.started_at
),

-- What a case was at the instant; one whose attribute never changed has no row of it.
attributes as (
    select
        instant_cases.case_id,
        instant_cases.predicted_at,
        max(case when attributes.attribute = 'case_type' then 1 else 0 end) as has_case_type,
        max(case when attributes.attribute = 'case_type' then attributes.value end) as case_type,
        max(case when attributes.attribute = 'channel' then 1 else 0 end) as has_channel,
        max(case when attributes.attribute = 'channel' then attributes.value end) as channel,
        max(case when attributes.attribute = 'region' then 1 else 0 end) as has_region,
        max(case when attributes.attribute = 'region' then attributes.value end) as region,
        max(case when attributes.attribute = 'brand' then 1 else 0 end) as has_brand,
        max(case when attributes.attribute = 'brand' then attributes.value end) as brand
    from instant_cases
    inner join staging.case_attributes as attributes
        on
            instant_cases.case_id = attributes.case_id
            and instant_cases.intake_date = attributes.intake_date
            and attributes.valid_from_at < instant_cases.predicted_at
            and (attributes.valid_to_at is null or attributes.valid_to_at >= instant_cases.predicted_at)
    where attributes.attribute in ('case_type', 'channel', 'region', 'brand')
    group by instant_cases.case_id, instant_cases.predicted_at
),

-- Attributes of which a source tells only what they were at the end: no features, and neither is the backlog of a queue that is one.
final_values as (
    select
        source,
        max(case when attribute = 'team' then 1 else 0 end) as is_team_final,
        max(case when attribute = 'agent' then 1 else 0 end) as is_agent_final,
        max(case when attribute = 'priority' then 1 else 0 end) as is_priority_final,
        max(case when attribute = 'tier' then 1 else 0 end) as is_tier_final,
        max(case when attribute = 'case_type' then 1 else 0 end) as is_case_type_final,
        max(case when attribute = 'channel' then 1 else 0 end) as is_channel_final,
        max(case when attribute = 'region' then 1 else 0 end) as is_region_final,
        max(case when attribute = 'brand' then 1 else 0 end) as is_brand_final
    from staging.final_attributes
    group by source
),

desk_instants as (
    select
        looked.predicted_at,
        desk_time.local_date,
        midnights.starts_at
    from (select distinct predicted_at from instants) as looked
    inner join staging.business_time as desk_time
        on
            desk_time.calendar = 'desk'
            and cast(looked.predicted_at as date) = desk_time.utc_date
            and looked.predicted_at >= desk_time.segment_start_at
            and looked.predicted_at < desk_time.segment_end_at
    inner join (
        select
            local_date,
            min(segment_start_at) as starts_at
        from staging.business_time
        where calendar = 'desk'
        group by local_date
    ) as midnights on desk_time.local_date = midnights.local_date
),

desk_dates as (
    select distinct desk_time.local_date
    from staging.business_time as desk_time
    cross join bounds
    where
        desk_time.calendar = 'desk'
        and desk_time.local_date >= bounds.first_date
        and desk_time.local_date <= bounds.last_date
),

wanted_queues as (
    select distinct coalesce(team, 'none') as queue
    from case_states
),

-- Cases open in each queue at the end of each date, as far as was known by then: before the dates of the instants in one row.
queue_day_movements as (
    select
        movements.queue_name,
        case when movements.counted_from_date < bounds.first_date then cast(bounds.first_date as date) else movements.counted_from_date end as counted_from_date,
        sum(movements.arrived_cases) as arrived_cases,
        sum(movements.gone_cases) as gone_cases
    from staging.queue_movements as movements
    cross join bounds
    where movements.counted_from_date <= bounds.last_date
    group by movements.queue_name, case when movements.counted_from_date < bounds.first_date then cast(bounds.first_date as date) else movements.counted_from_date end
),

loaded_dates as (
    select distinct intake_date
    from ops.partition_as_of
),

loaded_bounds as (
    select
        min(intake_date) as first_date,
        max(intake_date) as last_date
    from loaded_dates
),

queue_days as (
    select
        wanted_queues.queue,
        desk_dates.local_date,
        sum(coalesce(movements.arrived_cases, 0) - coalesce(movements.gone_cases, 0)) over (
            partition by wanted_queues.queue order by desk_dates.local_date rows between unbounded preceding and current row
        ) as open_cases,
        sum(case when desk_dates.local_date > bounds.first_date then coalesce(movements.gone_cases, 0) else 0 end) over (
            partition by wanted_queues.queue order by desk_dates.local_date rows between unbounded preceding and current row
        ) as gone_cases_so_far,
        sum(
            case
                when loaded_dates.intake_date is null and desk_dates.local_date > loaded_bounds.first_date and desk_dates.local_date < loaded_bounds.last_date then 1
                else 0
            end
        ) over (
            partition by wanted_queues.queue order by desk_dates.local_date rows between unbounded preceding and current row
        ) as unloaded_dates_so_far
    from wanted_queues
    cross join desk_dates
    cross join bounds
    cross join loaded_bounds
    left join loaded_dates on desk_dates.local_date = loaded_dates.intake_date
    left join queue_day_movements as movements on wanted_queues.queue = movements.queue_name and desk_dates.local_date = movements.counted_from_date
),

numbered_queue_days as (
    select
        *,
        row_number() over (partition by queue order by local_date) as day_number
    from queue_days
),

-- Usual: the mean of the same weekday in the four weeks before, for a queue breathes with the week. The first weeks of a log have none, nor has what
-- follows dates that are not loaded: what was open and left then is not known.
queue_states as (
    select
        days.queue,
        days.local_date,
        max(days.open_cases) as open_cases,
        case
            when max(days.day_number) > 28 and max(days.unloaded_dates_so_far) = min(earlier.unloaded_dates_so_far)
                then sum(earlier.open_cases) / 4.0
        end as usual_open_cases,
        case
            when max(days.day_number) > 28 and max(days.unloaded_dates_so_far) = min(earlier.unloaded_dates_so_far)
                then (max(days.gone_cases_so_far) - min(earlier.gone_cases_so_far)) / 28.0
        end as gone_cases_per_day
    from numbered_queue_days as days
    left join queue_days as earlier
        on
            days.queue = earlier.queue
            and (
                days.local_date = earlier.local_date + interval 7 day
                or days.local_date = earlier.local_date + interval 14 day
                or days.local_date = earlier.local_date + interval 21 day
                or days.local_date = earlier.local_date + interval 28 day
            )
    group by days.queue, days.local_date
)

select
    clock_states.source,
    clock_states.case_id,
    clock_states.intake_date,
    clock_states.policy,
    clock_states.metric,
    clock_states.cycle,
    clock_states.predicted_at,
    coalesce(known_events.last_received_at < clock_states.predicted_at, true) as is_received,
    promises.promised_seconds is not null and promises.promised_seconds = clock_states.target_seconds as is_promise_in_force,
    clock_states.calendar,
    clock_states.state = 'paused' as is_paused,
    calendar_instants.is_calendar_open,
    cast(
        case
            when clock_states.state = 'running'
                then clock_states.running_seconds_before + calendar_instants.open_seconds - clock_states.open_seconds_at_start
            else clock_states.running_seconds_before
        end as bigint
    ) as elapsed_seconds,
    clock_states.target_seconds,
    cast(
        case
            when clock_states.state = 'running'
                then clock_states.running_seconds_before + calendar_instants.open_seconds - clock_states.open_seconds_at_start
            else clock_states.running_seconds_before
        end
        / nullif(clock_states.target_seconds, 0) as double
    ) as target_used_share,
    cast(
        clock_states.target_seconds
        - case
            when clock_states.state = 'running'
                then clock_states.running_seconds_before + calendar_instants.open_seconds - clock_states.open_seconds_at_start
            else clock_states.running_seconds_before
        end as bigint
    ) as remaining_seconds,
    clock_states.due_at,
    cast((epoch_us(clock_states.due_at) - epoch_us(clock_states.predicted_at)) // 1000000 / 60.0 as double) as due_in_calendar_minutes,
    cast((epoch_us(clock_states.predicted_at) - epoch_us(cases.intake_ts)) // 1000000 / 60.0 as double) as known_age_calendar_minutes,
    last_events.status as known_status,
    last_events.previous_status,
    cast((epoch_us(clock_states.predicted_at) - epoch_us(last_events.canonical_ts)) // 1000000 / 60.0 as double) as unchanged_calendar_minutes,
    cast(coalesce(known_events.events, 0) as bigint) as known_events,
    cast(coalesce(last_events.reopens, 0) as bigint) as known_reopen_count,
    cast(coalesce(case_states.queue_changes, 0) as bigint) as known_handoff_count,
    cast(coalesce(case_messages.customer_messages, 0) as bigint) as known_message_count,
    cast(coalesce(case_messages.replies, 0) as bigint) as known_reply_count,
    case_states.waits_for,
    cast((epoch_us(clock_states.predicted_at) - epoch_us(case_states.stint_started_at)) // 1000000 / 60.0 as double) as known_stint_calendar_minutes,
    case when coalesce(final_values.is_team_final, 0) = 0 then case_states.team end as team,
    case when coalesce(final_values.is_agent_final, 0) = 0 then case_states.agent end as agent,
    case when coalesce(final_values.is_priority_final, 0) = 0 then case_states.priority end as priority,
    case when coalesce(final_values.is_tier_final, 0) = 0 then case_states.tier end as tier,
    case
        when final_values.is_case_type_final = 1 then null
        when attributes.has_case_type = 1 then attributes.case_type
        else cases.case_type
    end as case_type,
    case
        when final_values.is_channel_final = 1 then null
        when attributes.has_channel = 1 then attributes.channel
        else cases.channel
    end as channel,
    case
        when final_values.is_region_final = 1 then null
        when attributes.has_region = 1 then attributes.region
        else cases.region
    end as region,
    case
        when final_values.is_brand_final = 1 then null
        when attributes.has_brand = 1 then attributes.brand
        else cases.brand
    end as brand,
    cast(
        date_diff('day', date '1900-01-01', desk_instants.local_date) - date_diff('day', date '1900-01-01', desk_instants.local_date) // 7 * 7 + 1 as bigint
    ) as weekday_number,
    cast((epoch_us(clock_states.predicted_at) - epoch_us(desk_instants.starts_at)) // 1000000 / 60.0 as double) as since_midnight_calendar_minutes,
    cast(case when coalesce(final_values.is_team_final, 0) = 0 then queue_states.open_cases end as bigint) as queue_open_cases,
    cast(case when coalesce(final_values.is_team_final, 0) = 0 then queue_states.usual_open_cases end as double) as usual_queue_open_cases,
    cast(case when coalesce(final_values.is_team_final, 0) = 0 then queue_states.gone_cases_per_day end as double) as queue_gone_cases_per_day
from clock_states
inner join staging.case_milestones as cases on clock_states.case_id = cases.case_id and clock_states.intake_date = cases.intake_date
left join calendar_instants on clock_states.calendar = calendar_instants.calendar and clock_states.predicted_at = calendar_instants.predicted_at
left join promises
    on
        clock_states.case_id = promises.case_id
        and clock_states.policy = promises.policy
        and clock_states.metric = promises.metric
        and clock_states.cycle = promises.cycle
        and clock_states.predicted_at = promises.predicted_at
left join known_events on clock_states.case_id = known_events.case_id and clock_states.predicted_at = known_events.predicted_at
left join case_events as last_events on known_events.case_id = last_events.case_id and known_events.last_event_number = last_events.event_number
left join case_messages on clock_states.case_id = case_messages.case_id and clock_states.predicted_at = case_messages.predicted_at
left join case_states on clock_states.case_id = case_states.case_id and clock_states.predicted_at = case_states.predicted_at
left join attributes on clock_states.case_id = attributes.case_id and clock_states.predicted_at = attributes.predicted_at
left join final_values on clock_states.source = final_values.source
left join desk_instants on clock_states.predicted_at = desk_instants.predicted_at
left join queue_states
    on coalesce(case_states.team, 'none') = queue_states.queue and desk_instants.local_date = queue_states.local_date + interval 1 day
