-- One row is one source, local month and agent: what the agent answered, took and resolved in it.
-- A case is taken in the month in which the agent comes to hold it, and resolved by who holds it at that instant, in the month of that instant;
-- a reopen counts back to the resolution that it undid. What a source tells without an agent is nobody's. Agents of ticket systems are
-- pseudonyms (docs/decisions/0025-facts-of-a-case.md).
with holders as (
    select
        source,
        case_id,
        intake_date,
        agent,
        started_at,
        ended_at,
        lag(agent) over (partition by case_id, intake_date order by started_at) as agent_before
    from staging.case_owners
),

cases_with_agents as (
    select distinct
        case_id,
        intake_date
    from staging.case_owners
    where agent is not null
),

events_in_order as (
    select
        events.case_id,
        events.intake_date,
        events.status,
        events.canonical_ts,
        lag(events.status) over (partition by events.case_id, events.intake_date order by events.source_sequence, events.event_id) as status_before,
        max(case when events.is_reopen then events.source_sequence end) over (
            partition by events.case_id, events.intake_date
            order by events.source_sequence, events.event_id
            rows between 1 following and unbounded following
        ) as later_reopen_sequence
    from staging.events_clean as events
    inner join cases_with_agents on events.case_id = cases_with_agents.case_id and events.intake_date = cases_with_agents.intake_date
),

resolutions as (
    select
        events.case_id,
        events.intake_date,
        case when events.canonical_ts < cases.intake_ts then cases.intake_ts else events.canonical_ts end as resolved_at,
        events.later_reopen_sequence is not null as is_reopened
    from events_in_order as events
    inner join staging.case_milestones as cases on events.case_id = cases.case_id and events.intake_date = cases.intake_date
    where
        events.status in ('RESOLVED', 'CLOSED')
        and coalesce(events.status_before, 'INTAKE') not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
),

activities as (
    select
        source,
        agent,
        sent_ts as happened_at,
        case_id,
        case when signal = 'PUBLIC_REPLY' then 'public_reply' else 'private_note' end as activity,
        cast(null as double) as business_minutes
    from staging.messages_deduped
    where agent is not null and signal in ('PUBLIC_REPLY', 'PRIVATE_NOTE')

    union all

    select
        source,
        agent,
        started_at as happened_at,
        case_id,
        'taken' as activity,
        cast(null as double) as business_minutes
    from holders
    where agent is not null and agent is distinct from agent_before

    union all

    select
        holders.source,
        holders.agent,
        resolutions.resolved_at as happened_at,
        resolutions.case_id,
        case when resolutions.is_reopened then 'resolved_and_reopened' else 'resolved' end as activity,
        cast(null as double) as business_minutes
    from resolutions
    inner join holders
        on
            resolutions.case_id = holders.case_id
            and resolutions.intake_date = holders.intake_date
            and resolutions.resolved_at >= holders.started_at
            and (holders.ended_at is null or resolutions.resolved_at < holders.ended_at)
    where holders.agent is not null

    union all

    select
        source,
        first_reply_agent as agent,
        first_reply_at as happened_at,
        case_id,
        'first_reply' as activity,
        first_reply_business_minutes as business_minutes
    from staging.first_replies
    where first_reply_agent is not null
),

dated as (
    select
        activities.source,
        activities.agent,
        activities.case_id,
        activities.activity,
        activities.business_minutes,
        cast(date_trunc('month', coalesce(local_time.local_date, cast(activities.happened_at as date))) as date) as month_date
    from activities
    left join staging.business_time as local_time
        on
            local_time.calendar = 'desk'
            and cast(activities.happened_at as date) = local_time.utc_date
            and activities.happened_at >= local_time.segment_start_at
            and activities.happened_at < local_time.segment_end_at
)

select
    source,
    month_date,
    agent,
    cast(count(*) filter (where activity = 'public_reply') as bigint) as public_reply_count,
    cast(count(*) filter (where activity = 'private_note') as bigint) as private_note_count,
    cast(count(distinct case_id) filter (where activity = 'taken') as bigint) as taken_cases,
    cast(count(distinct case_id) filter (where activity in ('resolved', 'resolved_and_reopened')) as bigint) as resolved_cases,
    cast(count(distinct case_id) filter (where activity = 'resolved_and_reopened') as bigint) as reopened_after_cases,
    cast(count(distinct case_id) filter (where activity = 'first_reply') as bigint) as first_replied_cases,
    cast(quantile_cont(business_minutes, 0.5) as double) as first_reply_p50_business_minutes
from dated
group by source, month_date, agent
