-- One row is one local month, agent and case: how often the agent accepted the case in the month and handed it on, and how long it took.
-- Accepted: the agent comes to hold the case, from another or from nobody; handed on: the next holder is another agent. Both count in the month
-- in which the agent accepted. Handling is open time of the team's calendar, queued or worked on, that has ended. Who was named and replaced
-- within one instant has not held the case (docs/decisions/0046-ownership.md).
with cases as (
    select
        source,
        case_id,
        intake_date,
        -- Windows sort by a number in less time than by an id.
        row_number() over (order by case_id) as case_number
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

agent_spans as (
    select
        case_id,
        agent,
        held_from_at,
        min(span_number) as span_number,
        min(started_at) as started_at,
        sum(case when state in ('queue', 'active') then business_seconds end) as handling_business_seconds
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and (ended_at is null or ended_at > started_at)
    group by case_id, agent, held_from_at
),

followed_agent_spans as (
    select
        cases.case_number,
        agent_spans.span_number,
        agent_spans.agent,
        agent_spans.started_at,
        agent_spans.handling_business_seconds,
        lead(agent_spans.agent) over (partition by cases.case_number order by agent_spans.span_number) as next_agent
    from agent_spans
    inner join cases on agent_spans.case_id = cases.case_id
),

-- Few agents keep a case from one span to the next.
continued_cases as (
    select distinct case_number
    from followed_agent_spans
    where agent = next_agent
),

continued_spans as (
    select
        spans.*,
        lag(spans.agent) over (partition by spans.case_number order by spans.span_number) as previous_agent
    from followed_agent_spans as spans
    inner join continued_cases on spans.case_number = continued_cases.case_number
),

numbered_runs as (
    select
        *,
        sum(case when agent is distinct from previous_agent then 1 else 0 end) over (
            partition by case_number order by span_number rows between unbounded preceding and current row
        ) as run_number
    from continued_spans
),

handlings as (
    select
        spans.case_number,
        spans.agent,
        spans.started_at as accepted_at,
        spans.next_agent <> spans.agent as is_handed_on,
        spans.handling_business_seconds
    from followed_agent_spans as spans
    left join continued_cases on spans.case_number = continued_cases.case_number
    where spans.agent is not null and continued_cases.case_number is null

    union all

    select
        case_number,
        agent,
        min(started_at) as accepted_at,
        bool_or(next_agent <> agent) as is_handed_on,
        sum(handling_business_seconds) as handling_business_seconds
    from numbered_runs
    where agent is not null
    group by case_number, run_number, agent
)

select
    cases.source,
    cases.intake_date,
    cast(date_trunc('month', coalesce(local_time.local_date, cast(handlings.accepted_at as date))) as date) as month_date,
    handlings.agent,
    cases.case_id,
    cast(count(*) as bigint) as accepted_count,
    cast(count(*) filter (where handlings.is_handed_on) as bigint) as handed_on_count,
    cast(coalesce(sum(handlings.handling_business_seconds), 0) as bigint) as handling_business_seconds
from handlings
inner join cases on handlings.case_number = cases.case_number
left join staging.business_time as local_time
    on
        local_time.calendar = 'desk'
        and cast(handlings.accepted_at as date) = local_time.utc_date
        and handlings.accepted_at >= local_time.segment_start_at
        and handlings.accepted_at < local_time.segment_end_at
group by
    cases.source,
    cases.intake_date,
    cast(date_trunc('month', coalesce(local_time.local_date, cast(handlings.accepted_at as date))) as date),
    handlings.agent,
    cases.case_id
