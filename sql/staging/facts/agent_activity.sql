-- One row is one intake date, source, local month and agent: what the agent answered, took and resolved in that month of that date's cases.
-- A case is taken in the month in which the agent comes to hold it, and resolved by who holds it at that instant, in the month of that instant;
-- a reopen counts back to the resolution that it undid. What a source tells without an agent is nobody's. First replies
-- are in staging.case_facts. Agents of ticket systems are pseudonyms (docs/decisions/0025-facts-of-a-case.md).
with holders as (
    select
        source,
        case_id,
        intake_date,
        agent,
        held_from_at as started_at,
        held_to_at as ended_at,
        is_team_new
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_holding_start
        and agent is not null
),

-- Few agents keep a case that goes to another team: they have not taken it again.
kept_cases as (
    select
        holders.case_id,
        holders.intake_date,
        holders.started_at
    from holders
    inner join holders as previous_holders
        on
            holders.case_id = previous_holders.case_id
            and holders.intake_date = previous_holders.intake_date
            and holders.started_at = previous_holders.ended_at
            and holders.agent = previous_holders.agent
    where holders.is_team_new
),

ends as (
    select
        case_id,
        intake_date,
        status,
        canonical_ts,
        source_sequence,
        event_id
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and status in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
),

-- Counted apart: a count beside each end would be joined to it, and all ends of a date be held twice.
cases_with_several_ends as (
    select
        case_id,
        intake_date
    from ends
    group by case_id, intake_date
    having count(*) > 1
),

-- Only where a case has several ends, one of them may follow right after another.
events_in_order as (
    select
        events.case_id,
        events.intake_date,
        events.event_id,
        lag(events.status) over (partition by events.case_id, events.intake_date order by events.source_sequence, events.event_id) as status_before
    from staging.events_clean as events
    inner join cases_with_several_ends as cases on events.case_id = cases.case_id and events.intake_date = cases.intake_date
    where
        events.intake_date >= $start_date
        and events.intake_date < $end_date
),

reopens as (
    select
        case_id,
        intake_date,
        source_sequence,
        event_id,
        row_number() over (partition by case_id, intake_date order by source_sequence desc, event_id desc) as number_from_the_last
    from staging.events_clean
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_reopen
),

resolutions as (
    select
        ends.case_id,
        ends.intake_date,
        case when ends.canonical_ts < cases.intake_ts then cases.intake_ts else ends.canonical_ts end as resolved_at,
        coalesce(
            reopens.source_sequence > ends.source_sequence
            or (reopens.source_sequence = ends.source_sequence and reopens.event_id > ends.event_id),
            false
        ) as is_reopened
    from ends
    inner join staging.case_milestones as cases on ends.case_id = cases.case_id and ends.intake_date = cases.intake_date
    left join events_in_order as events
        on ends.case_id = events.case_id and ends.intake_date = events.intake_date and ends.event_id = events.event_id
    left join reopens
        on ends.case_id = reopens.case_id and ends.intake_date = reopens.intake_date and reopens.number_from_the_last = 1
    where
        cases.intake_date >= $start_date
        and cases.intake_date < $end_date
        and ends.status in ('RESOLVED', 'CLOSED')
        and coalesce(events.status_before, 'INTAKE') not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
),

activities as (
    select
        source,
        agent,
        sent_ts as happened_at,
        case_id,
        intake_date,
        case when signal = 'PUBLIC_REPLY' then 'public_reply' else 'private_note' end as activity
    from staging.messages_deduped
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and agent is not null
        and signal in ('PUBLIC_REPLY', 'PRIVATE_NOTE')

    union all

    select
        holders.source,
        holders.agent,
        holders.started_at as happened_at,
        holders.case_id,
        holders.intake_date,
        'taken' as activity
    from holders
    left join kept_cases
        on
            holders.case_id = kept_cases.case_id
            and holders.intake_date = kept_cases.intake_date
            and holders.started_at = kept_cases.started_at
    where kept_cases.case_id is null

    union all

    select
        holders.source,
        holders.agent,
        resolutions.resolved_at as happened_at,
        resolutions.case_id,
        resolutions.intake_date,
        case when resolutions.is_reopened then 'resolved_and_reopened' else 'resolved' end as activity
    from resolutions
    inner join holders
        on
            resolutions.case_id = holders.case_id
            and resolutions.intake_date = holders.intake_date
            and resolutions.resolved_at >= holders.started_at
            and (holders.ended_at is null or resolutions.resolved_at < holders.ended_at)
),

dated_activities as (
    select
        activities.source,
        activities.agent,
        activities.case_id,
        activities.intake_date,
        activities.activity,
        cast(date_trunc('month', coalesce(local_time.local_date, cast(activities.happened_at as date))) as date) as month_date
    from activities
    left join staging.business_time as local_time
        on
            local_time.calendar = 'desk'
            and cast(activities.happened_at as date) = local_time.utc_date
            and activities.happened_at >= local_time.segment_start_at
            and activities.happened_at < local_time.segment_end_at
),

-- An agent's cases of a month once each, so that counting cases is counting rows.
cases_of_agents as (
    select
        intake_date,
        source,
        month_date,
        agent,
        case_id,
        count(*) filter (where activity = 'public_reply') as public_replies,
        count(*) filter (where activity = 'private_note') as private_notes,
        bool_or(activity = 'taken') as is_taken,
        bool_or(activity in ('resolved', 'resolved_and_reopened')) as is_resolved,
        bool_or(activity = 'resolved_and_reopened') as is_reopened_after
    from dated_activities
    group by intake_date, source, month_date, agent, case_id
)

select
    intake_date,
    source,
    month_date,
    agent,
    cast(sum(public_replies) as bigint) as public_reply_count,
    cast(sum(private_notes) as bigint) as private_note_count,
    cast(count(*) filter (where is_taken) as bigint) as taken_cases,
    cast(count(*) filter (where is_resolved) as bigint) as resolved_cases,
    cast(count(*) filter (where is_reopened_after) as bigint) as reopened_after_cases
from cases_of_agents
group by intake_date, source, month_date, agent
