-- One row is one stretch of a case in which its openness, status, queue, agent, priority and tier stayed the same.
-- Half-open, disjoint and gap-free from intake to the end of the case (staging.case_milestones.ended_at); the last one has no end while the
-- case is open. From an end to the reopen that follows it a case is not open. Whether a case has ended is said by the source's order, not by
-- stamps: one that has not is open in its last stretch, whatever its status. A case that ended in the second in which it came in has one stretch
-- without length, so that it is counted. Type, region, brand, channel and customer are the
-- latest: staging.case_milestones has them. What stretches begin and end with follows from what cuts them, so that few cases are sorted again
-- (docs/decisions/0039-backlog-snapshot.md).
with ends as (
    select
        case_id,
        ended_at
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

-- Few cases are closed for a while; the others are open from intake to end.
reopened_cases as (
    select distinct spans.case_id
    from staging.status_spans as spans
    inner join ends on spans.case_id = ends.case_id
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and spans.status in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
        and not spans.is_open
        and (ends.ended_at is null or spans.started_at < ends.ended_at)
),

cases as (
    select
        cases.source,
        cases.case_id,
        cases.intake_date,
        cases.intake_ts,
        cases.ended_at,
        cases.is_cancelled,
        cases.priority,
        cases.tier,
        reopened_cases.case_id is not null as is_reopened
    from staging.case_milestones as cases
    left join reopened_cases on cases.case_id = reopened_cases.case_id
    where
        cases.intake_date >= $start_date
        and cases.intake_date < $end_date
),

status_spans as (
    select
        cases.source,
        cases.case_id,
        cases.intake_date,
        cases.intake_ts,
        cases.ended_at as case_ended_at,
        cases.is_cancelled,
        cases.priority,
        cases.tier,
        cases.is_reopened,
        spans.status,
        spans.status not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED') or spans.is_open as is_open,
        spans.started_at,
        case when spans.ended_at <= cases.ended_at then spans.ended_at else coalesce(cases.ended_at, spans.ended_at) end as ended_at
    from staging.status_spans as spans
    inner join cases on spans.case_id = cases.case_id
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and (cases.ended_at is null or spans.started_at < cases.ended_at)

    union all

    select
        source,
        case_id,
        intake_date,
        intake_ts,
        ended_at as case_ended_at,
        is_cancelled,
        priority,
        tier,
        is_reopened,
        'INTAKE' as status,
        true as is_open,
        intake_ts as started_at,
        ended_at
    from cases
    where ended_at <= intake_ts
),

neighbouring_spans as (
    select
        *,
        lag(is_open) over spans_in_order as was_open,
        lead(is_open) over spans_in_order as is_open_next,
        lead(status) over spans_in_order as next_status
    from status_spans
    where is_reopened
    window spans_in_order as (partition by case_id order by started_at)
),

open_runs as (
    select
        *,
        max(case when was_open is null or not was_open then started_at end) over (
            partition by case_id order by started_at rows between unbounded preceding and current row
        ) as run_started_at
    from neighbouring_spans

    union all

    select
        *,
        cast(null as boolean) as was_open,
        cast(null as boolean) as is_open_next,
        cast(null as varchar) as next_status,
        cast(null as timestamp) as run_started_at
    from status_spans
    where not is_reopened
),

owners as (
    select
        case_id,
        nullif(team, 'UNASSIGNED') as team,
        agent,
        held_from_at as started_at,
        held_to_at as ended_at,
        is_team_new,
        is_team_left
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_holding_start
),

held_spans as (
    select
        spans.case_id,
        spans.source,
        spans.intake_date,
        spans.intake_ts,
        spans.case_ended_at,
        spans.is_cancelled,
        spans.priority,
        spans.tier,
        spans.is_reopened,
        spans.was_open,
        spans.is_open_next,
        spans.next_status,
        spans.run_started_at,
        spans.status,
        spans.is_open,
        spans.started_at as status_started_at,
        spans.ended_at as status_ended_at,
        owners.team,
        owners.agent,
        owners.started_at as held_from_at,
        owners.started_at >= spans.started_at and owners.is_team_new as is_queue_new,
        coalesce(owners.ended_at <= spans.ended_at or (spans.ended_at is null and owners.ended_at is not null), false)
        and owners.is_team_left as is_queue_left,
        case when owners.started_at > spans.started_at then owners.started_at else spans.started_at end as started_at,
        case when owners.ended_at < spans.ended_at or spans.ended_at is null then owners.ended_at else spans.ended_at end as ended_at
    from open_runs as spans
    inner join owners
        on
            spans.case_id = owners.case_id
            and (owners.ended_at is null or owners.ended_at > spans.started_at)
            and (spans.ended_at is null or owners.started_at < spans.ended_at or owners.started_at <= spans.started_at)
),

attributes as (
    select
        case_id,
        attribute,
        value,
        valid_from_at,
        valid_to_at
    from staging.case_attributes
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and attribute in ('priority', 'tier')
),

-- Of a case without rows of an attribute it never changed.
prioritised_spans as (
    select
        spans.case_id,
        spans.source,
        spans.intake_date,
        spans.intake_ts,
        spans.case_ended_at,
        spans.is_cancelled,
        spans.priority,
        spans.tier,
        spans.is_reopened,
        spans.was_open,
        spans.is_open_next,
        spans.next_status,
        spans.run_started_at,
        spans.status,
        spans.is_open,
        spans.status_started_at,
        spans.status_ended_at,
        spans.team,
        spans.agent,
        spans.held_from_at,
        spans.is_queue_new and not coalesce(attributes.valid_from_at > spans.started_at, false) as is_queue_new,
        spans.is_queue_left and not coalesce(attributes.valid_to_at < spans.ended_at, false) as is_queue_left,
        attributes.case_id is not null as is_priority_told,
        attributes.value as told_priority,
        coalesce(attributes.valid_from_at >= spans.started_at, false) as is_priority_new,
        coalesce(attributes.valid_to_at <= spans.ended_at or (spans.ended_at is null and attributes.valid_to_at is not null), false) as is_priority_left,
        case when attributes.valid_from_at > spans.started_at then attributes.valid_from_at else spans.started_at end as started_at,
        case
            when attributes.valid_to_at < spans.ended_at or spans.ended_at is null then coalesce(attributes.valid_to_at, spans.ended_at)
            else spans.ended_at
        end as ended_at
    from held_spans as spans
    left join attributes
        on
            attributes.attribute = 'priority'
            and spans.case_id = attributes.case_id
            and (attributes.valid_to_at is null or attributes.valid_to_at > spans.started_at)
            and (spans.ended_at is null or attributes.valid_from_at < spans.ended_at or attributes.valid_from_at <= spans.started_at)
),

uniform_spans as (
    select
        spans.case_id,
        spans.source,
        spans.intake_date,
        spans.intake_ts,
        spans.case_ended_at,
        spans.is_cancelled,
        spans.priority,
        spans.tier,
        spans.is_reopened,
        spans.was_open,
        spans.is_open_next,
        spans.next_status,
        spans.run_started_at,
        spans.status,
        spans.is_open,
        spans.status_started_at,
        spans.status_ended_at,
        spans.team,
        spans.agent,
        spans.held_from_at,
        spans.is_queue_new and not coalesce(attributes.valid_from_at > spans.started_at, false) as is_queue_new,
        spans.is_queue_left and not coalesce(attributes.valid_to_at < spans.ended_at, false) as is_queue_left,
        spans.is_priority_told,
        spans.told_priority,
        spans.is_priority_new and not coalesce(attributes.valid_from_at > spans.started_at, false) as is_priority_new,
        spans.is_priority_left and not coalesce(attributes.valid_to_at < spans.ended_at, false) as is_priority_left,
        attributes.case_id is not null as is_tier_told,
        attributes.value as told_tier,
        coalesce(attributes.valid_from_at >= spans.started_at, false) as is_tier_new,
        coalesce(attributes.valid_to_at <= spans.ended_at or (spans.ended_at is null and attributes.valid_to_at is not null), false) as is_tier_left,
        case when attributes.valid_from_at > spans.started_at then attributes.valid_from_at else spans.started_at end as started_at,
        case
            when attributes.valid_to_at < spans.ended_at or spans.ended_at is null then coalesce(attributes.valid_to_at, spans.ended_at)
            else spans.ended_at
        end as ended_at
    from prioritised_spans as spans
    left join attributes
        on
            attributes.attribute = 'tier'
            and spans.case_id = attributes.case_id
            and (attributes.valid_to_at is null or attributes.valid_to_at > spans.started_at)
            and (spans.ended_at is null or attributes.valid_from_at < spans.ended_at or attributes.valid_from_at <= spans.started_at)
),

bounded_spans as (
    select
        *,
        case
            when started_at = intake_ts then 'opened'
            when not is_reopened or started_at > status_started_at or was_open = is_open then 'changed'
            when is_open then 'reopened'
            when status in ('CANCELLED', 'MERGED') then 'cancelled'
            else 'ended'
        end as began_with,
        case
            when ended_at is null or (ended_at = case_ended_at and not is_open) then null
            when ended_at = case_ended_at then case when is_cancelled then 'cancelled' else 'ended' end
            when not is_reopened or status_ended_at is null or ended_at < status_ended_at or is_open_next = is_open then 'changed'
            when not is_open then 'reopened'
            when next_status in ('CANCELLED', 'MERGED') then 'cancelled'
            else 'ended'
        end as ended_with,
        case when run_started_at > held_from_at then run_started_at else held_from_at end as stint_started_at
    from uniform_spans
),

-- The local dates that one UTC date has a part of: two, as a rule.
utc_dates as (
    select
        utc_date,
        min(local_date) as first_date,
        min(case when rank_of_date = 2 then segment_start_at end) as second_date_from_at,
        max(case when rank_of_date = 2 then local_date end) as second_date,
        min(case when rank_of_date = 3 then segment_start_at end) as third_date_from_at,
        max(case when rank_of_date = 3 then local_date end) as third_date
    from (
        select
            segments.utc_date,
            segments.local_date,
            segments.segment_start_at,
            1 + date_diff('day', first_dates.first_date, segments.local_date) as rank_of_date
        from staging.business_time as segments
        inner join (
            select
                utc_date,
                min(local_date) as first_date
            from staging.business_time
            where calendar = 'desk'
            group by utc_date
        ) as first_dates on segments.utc_date = first_dates.utc_date
        where segments.calendar = 'desk'
    ) as ranked_segments
    group by utc_date
)

-- An instant outside the calendars' horizon lies on its UTC date, as in staging.daily_flow.
select
    spans.source,
    spans.case_id,
    spans.intake_date,
    spans.started_at,
    spans.ended_at,
    case
        when start_dates.utc_date is null then cast(spans.started_at as date)
        when spans.started_at >= start_dates.third_date_from_at then start_dates.third_date
        when spans.started_at >= start_dates.second_date_from_at then start_dates.second_date
        else start_dates.first_date
    end as started_date,
    case
        when end_dates.utc_date is null then cast(spans.ended_at as date)
        when spans.ended_at >= end_dates.third_date_from_at then end_dates.third_date
        when spans.ended_at >= end_dates.second_date_from_at then end_dates.second_date
        else end_dates.first_date
    end as ended_date,
    spans.is_open,
    spans.began_with,
    spans.ended_with,
    spans.status,
    case
        when not spans.is_open then null
        when spans.status = 'CUSTOMER_WAIT' then 'customer'
        when spans.status = 'VENDOR_WAIT' then 'vendor'
        when spans.status = 'ON_HOLD' then 'other'
        else 'us'
    end as waits_for,
    spans.team,
    spans.agent,
    case when spans.is_priority_told then spans.told_priority else spans.priority end as priority,
    case when spans.is_tier_told then spans.told_tier else spans.tier end as tier,
    spans.stint_started_at,
    spans.began_with = 'changed' and spans.is_open and not spans.is_queue_new as is_queue_kept_at_start,
    coalesce(spans.ended_with = 'changed' and spans.is_open and not spans.is_queue_left, false) as is_queue_kept_at_end,
    spans.began_with = 'changed' and spans.is_open and not spans.is_priority_new as is_priority_kept_at_start,
    coalesce(spans.ended_with = 'changed' and spans.is_open and not spans.is_priority_left, false) as is_priority_kept_at_end,
    spans.began_with = 'changed' and spans.is_open and not spans.is_tier_new as is_tier_kept_at_start,
    coalesce(spans.ended_with = 'changed' and spans.is_open and not spans.is_tier_left, false) as is_tier_kept_at_end
from bounded_spans as spans
left join utc_dates as start_dates on cast(spans.started_at as date) = start_dates.utc_date
left join utc_dates as end_dates on cast(spans.ended_at as date) = end_dates.utc_date
