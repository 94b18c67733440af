-- One row is one case: what was said, who held it, how long each side waited, how it ended and how it was rated.
-- Business minutes are F of the calendar `desk`. Of a stretch that goes on nothing is counted yet, as vendors do: waits are those that have ended.
-- A case that the desk began is answered from the customer's first message on. What is before intake is unknown, never negative. Whether a case
-- without a message has none or its source tells none is said by mart.case_facts: one date alone does not know it. The definitions, and the
-- vendors' own: docs/decisions/0025-facts-of-a-case.md.
with messages as (
    select
        case_id,
        intake_date,
        count(*) filter (where signal = 'PUBLIC_REPLY') as public_replies,
        count(*) filter (where signal = 'BOT_REPLY') as bot_replies,
        count(*) filter (where signal = 'CUSTOMER_MESSAGE') as customer_messages,
        count(*) filter (where signal = 'PRIVATE_NOTE') as private_notes
    from staging.messages_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id, intake_date
),

-- What opens a case that the desk began answers nobody.
openings as (
    select
        replies.case_id,
        replies.intake_date,
        count(*) as opening_replies
    from staging.messages_deduped as replies
    inner join staging.case_milestones as begun on replies.case_id = begun.case_id and replies.intake_date = begun.intake_date
    where
        replies.intake_date >= $start_date
        and replies.intake_date < $end_date
        and replies.signal = 'PUBLIC_REPLY'
        and begun.initiated_by in ('agent', 'automation')
        and replies.sent_ts <= begun.intake_ts
    group by replies.case_id, replies.intake_date
),

cases as (
    select
        case_id,
        -- Windows sort by a number in less time than by an id.
        row_number() over (order by case_id) as case_number,
        intake_ts,
        case when least(resolved_ts, closed_ts) >= intake_ts then least(resolved_ts, closed_ts) end as first_resolution_ts,
        case
            when is_open or is_cancelled then null
            when ended_at > intake_ts or least(resolved_ts, closed_ts) >= intake_ts then ended_at
        end as full_resolution_ts
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

counted_cases as (
    select
        cases.*,
        intake_time.open_seconds_before
        + case
            when intake_time.is_open then (epoch_us(cases.intake_ts) - epoch_us(intake_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_intake,
        first_time.open_seconds_before
        + case
            when first_time.is_open then (epoch_us(cases.first_resolution_ts) - epoch_us(first_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_first_resolution,
        full_time.open_seconds_before
        + case
            when full_time.is_open then (epoch_us(cases.full_resolution_ts) - epoch_us(full_time.segment_start_at)) // 1000000
            else 0
        end as open_seconds_at_full_resolution
    from cases
    left join staging.business_time as intake_time
        on
            intake_time.calendar = 'desk'
            and cast(cases.intake_ts as date) = intake_time.utc_date
            and cases.intake_ts >= intake_time.segment_start_at
            and cases.intake_ts < intake_time.segment_end_at
    left join staging.business_time as first_time
        on
            first_time.calendar = 'desk'
            and cast(cases.first_resolution_ts as date) = first_time.utc_date
            and cases.first_resolution_ts >= first_time.segment_start_at
            and cases.first_resolution_ts < first_time.segment_end_at
    left join staging.business_time as full_time
        on
            full_time.calendar = 'desk'
            and cast(cases.full_resolution_ts as date) = full_time.utc_date
            and cases.full_resolution_ts >= full_time.segment_start_at
            and cases.full_resolution_ts < full_time.segment_end_at
),

resolutions as (
    select
        case_id,
        case_number,
        (epoch_us(first_resolution_ts) - epoch_us(intake_ts)) // 1000000 as first_calendar_seconds,
        open_seconds_at_first_resolution - open_seconds_at_intake as first_business_seconds,
        (epoch_us(full_resolution_ts) - epoch_us(intake_ts)) // 1000000 as full_calendar_seconds,
        open_seconds_at_full_resolution - open_seconds_at_intake as full_business_seconds
    from counted_cases
),

measured_spans as (
    select
        spans.case_id,
        spans.status = 'CUSTOMER_WAIT' as is_agent_wait,
        spans.status in ('ON_HOLD', 'VENDOR_WAIT') as is_on_hold,
        (epoch_us(spans.ended_at) - epoch_us(spans.started_at)) // 1000000 as calendar_seconds,
        stop_time.open_seconds_before
        + case
            when stop_time.is_open then (epoch_us(spans.ended_at) - epoch_us(stop_time.segment_start_at)) // 1000000
            else 0
        end
        - start_time.open_seconds_before
        - case
            when start_time.is_open then (epoch_us(spans.started_at) - epoch_us(start_time.segment_start_at)) // 1000000
            else 0
        end as business_seconds
    from staging.status_spans as spans
    left join staging.business_time as start_time
        on
            start_time.calendar = 'desk'
            and cast(spans.started_at as date) = start_time.utc_date
            and spans.started_at >= start_time.segment_start_at
            and spans.started_at < start_time.segment_end_at
    left join staging.business_time as stop_time
        on
            stop_time.calendar = 'desk'
            and cast(spans.ended_at as date) = stop_time.utc_date
            and spans.ended_at >= stop_time.segment_start_at
            and spans.ended_at < stop_time.segment_end_at
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and spans.ended_at is not null
        and spans.status not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
),

waits as (
    select
        case_id,
        sum(calendar_seconds) filter (where is_agent_wait) as agent_calendar_seconds,
        sum(business_seconds) filter (where is_agent_wait) as agent_business_seconds,
        sum(calendar_seconds) filter (where not is_agent_wait) as requester_calendar_seconds,
        sum(business_seconds) filter (where not is_agent_wait) as requester_business_seconds,
        sum(calendar_seconds) filter (where is_on_hold) as on_hold_calendar_seconds,
        sum(business_seconds) filter (where is_on_hold) as on_hold_business_seconds,
        count(*) - count(business_seconds) as unmeasured_spans
    from measured_spans
    group by case_id
),

-- Of a case that has a stretch outside the horizon no wait is known in business time.
case_times as (
    select
        resolutions.*,
        waits.agent_calendar_seconds,
        waits.agent_business_seconds,
        waits.requester_calendar_seconds,
        waits.requester_business_seconds,
        waits.on_hold_calendar_seconds,
        waits.on_hold_business_seconds,
        coalesce(waits.unmeasured_spans, 0) = 0
        and (resolutions.first_calendar_seconds is null or resolutions.first_business_seconds is not null)
        and (resolutions.full_calendar_seconds is null or resolutions.full_business_seconds is not null) as is_measured
    from resolutions
    left join waits on resolutions.case_id = waits.case_id
),

holders as (
    select
        cases.case_number,
        nullif(spans.team, 'UNASSIGNED') as team,
        spans.agent,
        last_value(nullif(spans.team, 'UNASSIGNED') ignore nulls) over (
            partition by cases.case_number order by spans.held_from_at rows between unbounded preceding and 1 preceding
        ) as team_before,
        last_value(spans.agent ignore nulls) over (
            partition by cases.case_number order by spans.held_from_at rows between unbounded preceding and 1 preceding
        ) as agent_before
    from staging.ownership_spans as spans
    inner join cases on spans.case_id = cases.case_id
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and spans.is_holding_start
),

stations as (
    select
        case_number,
        count(distinct agent) as agent_station_count,
        count(distinct team) as team_station_count,
        count(*) filter (where team <> team_before or agent <> agent_before) as handoff_count
    from holders
    group by case_number
),

-- With the desk's month in which the reply was given, which mart.agent_activity counts by.
first_replies as (
    select
        replies.case_id,
        replies.intake_date,
        replies.first_reply_at,
        replies.first_reply_agent,
        replies.first_reply_calendar_minutes,
        replies.first_reply_business_minutes,
        cast(date_trunc('month', coalesce(local_time.local_date, cast(replies.first_reply_at as date))) as date) as first_reply_month_date
    from staging.first_replies as replies
    left join staging.business_time as local_time
        on
            local_time.calendar = 'desk'
            and cast(replies.first_reply_at as date) = local_time.utc_date
            and replies.first_reply_at >= local_time.segment_start_at
            and replies.first_reply_at < local_time.segment_end_at
    where
        replies.intake_date >= $start_date
        and replies.intake_date < $end_date
),

facts as (
    select
        case_id,
        intake_date,
        rating_number,
        rating_word,
        rating_verdict,
        is_bot_involved,
        is_bot_resolved,
        handling_calendar_minutes,
        sla_name
    from staging.case_source_facts
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

dimensions as (
    select
        case_id,
        intake_date,
        string_agg(dimension_name || '=' || dimension_value, '; ' order by dimension_name) as dimensions
    from staging.case_dimensions
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id, intake_date
)

select
    milestones.source,
    milestones.case_id,
    milestones.intake_date,
    milestones.intake_ts,
    milestones.priority,
    milestones.tier,
    milestones.case_type,
    milestones.team,
    milestones.agent,
    milestones.brand,
    milestones.region,
    milestones.channel,
    milestones.customer,
    cast(dimensions.dimensions as varchar) as dimensions,
    milestones.initiated_by,
    milestones.merged_into,
    milestones.is_open,
    milestones.is_cancelled,
    cast(coalesce(messages.public_replies, 0) as bigint) as public_reply_count,
    cast(coalesce(messages.bot_replies, 0) as bigint) as bot_reply_count,
    cast(coalesce(messages.customer_messages, 0) as bigint) as customer_message_count,
    cast(coalesce(messages.private_notes, 0) as bigint) as private_note_count,
    case
        when milestones.is_open or milestones.is_cancelled then null
        else messages.public_replies - coalesce(openings.opening_replies, 0) <= 1
    end as is_one_touch,
    milestones.reopen_count,
    cast(coalesce(stations.agent_station_count, 0) as bigint) as agent_station_count,
    cast(coalesce(stations.team_station_count, 0) as bigint) as team_station_count,
    cast(coalesce(stations.handoff_count, 0) as bigint) as handoff_count,
    first_replies.first_reply_at,
    first_replies.first_reply_agent,
    first_replies.first_reply_month_date,
    first_replies.first_reply_calendar_minutes,
    first_replies.first_reply_business_minutes,
    cast(case_times.first_calendar_seconds / 60.0 as double) as first_resolution_calendar_minutes,
    cast(case_times.first_business_seconds / 60.0 as double) as first_resolution_business_minutes,
    cast(case_times.full_calendar_seconds / 60.0 as double) as full_resolution_calendar_minutes,
    cast(case_times.full_business_seconds / 60.0 as double) as full_resolution_business_minutes,
    cast(coalesce(case_times.agent_calendar_seconds, 0) / 60.0 as double) as agent_wait_calendar_minutes,
    cast(case when case_times.is_measured then coalesce(case_times.agent_business_seconds, 0) end / 60.0 as double) as agent_wait_business_minutes,
    cast(coalesce(case_times.requester_calendar_seconds, 0) / 60.0 as double) as requester_wait_calendar_minutes,
    cast(case when case_times.is_measured then coalesce(case_times.requester_business_seconds, 0) end / 60.0 as double) as requester_wait_business_minutes,
    cast(coalesce(case_times.on_hold_calendar_seconds, 0) / 60.0 as double) as on_hold_calendar_minutes,
    cast(case when case_times.is_measured then coalesce(case_times.on_hold_business_seconds, 0) end / 60.0 as double) as on_hold_business_minutes,
    facts.rating_number,
    facts.rating_word,
    facts.rating_verdict,
    coalesce(facts.is_bot_involved, messages.bot_replies > 0) as is_bot_involved,
    facts.is_bot_resolved,
    facts.handling_calendar_minutes,
    facts.sla_name
from staging.case_milestones as milestones
left join messages on milestones.case_id = messages.case_id and milestones.intake_date = messages.intake_date
left join openings on milestones.case_id = openings.case_id and milestones.intake_date = openings.intake_date
left join first_replies
    on milestones.case_id = first_replies.case_id and milestones.intake_date = first_replies.intake_date
inner join case_times on milestones.case_id = case_times.case_id
left join stations on case_times.case_number = stations.case_number
left join facts on milestones.case_id = facts.case_id and milestones.intake_date = facts.intake_date
left join dimensions on milestones.case_id = dimensions.case_id and milestones.intake_date = dimensions.intake_date
where
    milestones.intake_date >= $start_date
    and milestones.intake_date < $end_date
