-- One row is one stretch of a case in which its openness, status, queue, agent, priority and tier stayed the same.
-- Half-open, disjoint and gap-free from intake to the end of the case (staging.case_milestones.ended_at); the last one has no end while the
-- case is open. From an end to the reopen that follows it a case is not open. Whether a case has ended is said by the source's order, not by
-- stamps: one that has not is open in its last stretch, whatever its status. A case that ended in the second in which it came in has one stretch
-- without length, so that it is counted. Type, region, brand, channel and customer are the latest (docs/decisions/0039-backlog-snapshot.md).
with cases as (
    select
        source,
        case_id,
        intake_date,
        intake_ts,
        ended_at,
        is_cancelled,
        priority,
        tier,
        case_type,
        region,
        brand,
        channel,
        customer
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

status_spans as (
    select
        spans.case_id,
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
        case_id,
        'INTAKE' as status,
        true as is_open,
        intake_ts as started_at,
        ended_at
    from cases
    where ended_at <= intake_ts
),

owners as (
    select
        case_id,
        team,
        agent,
        started_at,
        ended_at
    from staging.case_owners
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

held_spans as (
    select
        spans.case_id,
        spans.status,
        spans.is_open,
        owners.team,
        owners.agent,
        case when owners.started_at > spans.started_at then owners.started_at else spans.started_at end as started_at,
        case when owners.ended_at < spans.ended_at or spans.ended_at is null then owners.ended_at else spans.ended_at end as ended_at
    from status_spans as spans
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
        spans.status,
        spans.is_open,
        spans.team,
        spans.agent,
        attributes.case_id is not null as is_priority_told,
        attributes.value as told_priority,
        case when attributes.valid_from_at > spans.started_at then attributes.valid_from_at else spans.started_at end as started_at,
        case when attributes.valid_to_at < spans.ended_at or spans.ended_at is null then coalesce(attributes.valid_to_at, spans.ended_at) else spans.ended_at end
            as ended_at
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
        spans.status,
        spans.is_open,
        spans.team,
        spans.agent,
        case when spans.is_priority_told then spans.told_priority else cases.priority end as priority,
        case when attributes.case_id is not null then attributes.value else cases.tier end as tier,
        case when attributes.valid_from_at > spans.started_at then attributes.valid_from_at else spans.started_at end as started_at,
        case when attributes.valid_to_at < spans.ended_at or spans.ended_at is null then coalesce(attributes.valid_to_at, spans.ended_at) else spans.ended_at end
            as ended_at
    from prioritised_spans as spans
    inner join cases on spans.case_id = cases.case_id
    left join attributes
        on
            attributes.attribute = 'tier'
            and spans.case_id = attributes.case_id
            and (attributes.valid_to_at is null or attributes.valid_to_at > spans.started_at)
            and (spans.ended_at is null or attributes.valid_from_at < spans.ended_at or attributes.valid_from_at <= spans.started_at)
),

-- An instant outside the calendars' horizon lies on its UTC date, as in staging.daily_flow.
dated_spans as (
    select
        spans.*,
        coalesce(desk_time.local_date, cast(spans.started_at as date)) as started_date
    from uniform_spans as spans
    left join staging.business_time as desk_time
        on
            desk_time.calendar = 'desk'
            and cast(spans.started_at as date) = desk_time.utc_date
            and spans.started_at >= desk_time.segment_start_at
            and spans.started_at < desk_time.segment_end_at
),

spans_with_neighbours as (
    select
        *,
        row_number() over spans_in_order as span_number,
        lag(is_open) over spans_in_order as was_open,
        lag(team) over spans_in_order as previous_team,
        lag(agent) over spans_in_order as previous_agent,
        lag(priority) over spans_in_order as previous_priority,
        lag(tier) over spans_in_order as previous_tier,
        lead(is_open) over spans_in_order as is_open_next,
        lead(status) over spans_in_order as next_status,
        lead(team) over spans_in_order as next_team,
        lead(priority) over spans_in_order as next_priority,
        lead(tier) over spans_in_order as next_tier,
        lead(started_date) over spans_in_order as next_started_date
    from dated_spans
    window spans_in_order as (partition by case_id order by started_at, ended_at nulls last)
),

stints as (
    select
        *,
        max(
            case
                when span_number = 1 or was_open <> is_open or team is distinct from previous_team or agent is distinct from previous_agent
                    then started_at
            end
        ) over (partition by case_id order by span_number rows between unbounded preceding and current row) as stint_started_at
    from spans_with_neighbours
)

select
    cases.source,
    stints.case_id,
    cases.intake_date,
    cast(stints.span_number as bigint) as span_number,
    stints.started_at,
    stints.ended_at,
    stints.started_date,
    case
        when stints.next_started_date is not null then stints.next_started_date
        when stints.ended_at is not null then coalesce(desk_time.local_date, cast(stints.ended_at as date))
    end as ended_date,
    stints.is_open,
    case
        when stints.span_number = 1 then 'opened'
        when stints.is_open and not stints.was_open then 'reopened'
        when stints.is_open = stints.was_open then 'changed'
        when stints.status in ('CANCELLED', 'MERGED') then 'cancelled'
        else 'ended'
    end as began_with,
    case
        when stints.ended_at is null then null
        when stints.is_open_next is null and not stints.is_open then null
        when stints.is_open_next is null then case when cases.is_cancelled then 'cancelled' else 'ended' end
        when stints.is_open_next = stints.is_open then 'changed'
        when stints.is_open_next then 'reopened'
        when stints.next_status in ('CANCELLED', 'MERGED') then 'cancelled'
        else 'ended'
    end as ended_with,
    stints.status,
    case
        when not stints.is_open then null
        when stints.status = 'CUSTOMER_WAIT' then 'customer'
        when stints.status = 'VENDOR_WAIT' then 'vendor'
        when stints.status = 'ON_HOLD' then 'other'
        else 'us'
    end as waits_for,
    stints.team,
    stints.agent,
    stints.priority,
    stints.tier,
    cases.case_type,
    cases.region,
    cases.brand,
    cases.channel,
    cases.customer,
    cases.intake_ts,
    stints.stint_started_at,
    coalesce(stints.was_open and stints.is_open and stints.team is not distinct from stints.previous_team, false) as is_queue_kept_at_start,
    coalesce(stints.is_open_next and stints.is_open and stints.team is not distinct from stints.next_team, false) as is_queue_kept_at_end,
    coalesce(stints.was_open and stints.is_open and stints.priority is not distinct from stints.previous_priority, false) as is_priority_kept_at_start,
    coalesce(stints.is_open_next and stints.is_open and stints.priority is not distinct from stints.next_priority, false) as is_priority_kept_at_end,
    coalesce(stints.was_open and stints.is_open and stints.tier is not distinct from stints.previous_tier, false) as is_tier_kept_at_start,
    coalesce(stints.is_open_next and stints.is_open and stints.tier is not distinct from stints.next_tier, false) as is_tier_kept_at_end
from stints
inner join cases on stints.case_id = cases.case_id
left join staging.business_time as desk_time
    on
        stints.next_started_date is null
        and desk_time.calendar = 'desk'
        and cast(stints.ended_at as date) = desk_time.utc_date
        and stints.ended_at >= desk_time.segment_start_at
        and stints.ended_at < desk_time.segment_end_at
