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
        cases.case_number,
        spans.agent,
        spans.held_from_at as started_at,
        sum(case when spans.state in ('queue', 'active') then spans.business_seconds end) as handling_business_seconds
    from staging.ownership_spans as spans
    inner join cases on spans.case_id = cases.case_id
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and (spans.ended_at is null or spans.ended_at > spans.started_at)
    group by cases.case_number, spans.agent, spans.held_from_at
),

followed_agent_spans as (
    select
        *,
        lead(agent) over (partition by case_number order by started_at) as next_agent
    from agent_spans
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
        lag(spans.agent) over (partition by spans.case_number order by spans.started_at) as previous_agent
    from followed_agent_spans as spans
    inner join continued_cases on spans.case_number = continued_cases.case_number
),

numbered_runs as (
    select
        *,
        sum(case when agent is distinct from previous_agent then 1 else 0 end) over (
            partition by case_number order by started_at rows between unbounded preceding and current row
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
),

handlings_of_months as (
    select
        handlings.case_number,
        cast(date_trunc('month', coalesce(local_time.local_date, cast(handlings.accepted_at as date))) as date) as month_date,
        handlings.agent,
        count(*) as accepted_count,
        count(*) filter (where handlings.is_handed_on) as handed_on_count,
        coalesce(sum(handlings.handling_business_seconds), 0) as handling_business_seconds
    from handlings
    left join staging.business_time as local_time
        on
            local_time.calendar = 'desk'
            and cast(handlings.accepted_at as date) = local_time.utc_date
            and handlings.accepted_at >= local_time.segment_start_at
            and handlings.accepted_at < local_time.segment_end_at
    group by
        handlings.case_number,
        cast(date_trunc('month', coalesce(local_time.local_date, cast(handlings.accepted_at as date))) as date),
        handlings.agent
)

select
    cases.source,
    cases.intake_date,
    months.month_date,
    months.agent,
    cases.case_id,
    cast(months.accepted_count as bigint) as accepted_count,
    cast(months.handed_on_count as bigint) as handed_on_count,
    cast(months.handling_business_seconds as bigint) as handling_business_seconds
from handlings_of_months as months
inner join cases on months.case_number = cases.case_number
