-- One row is one case: its hand-offs and returns, and how much of its time is charged to the wrong team.
-- Naive is what desks do without a history: all time is charged to the team of the last event. Time of another holder, UNASSIGNED too, is
-- misattributed. Counts and seconds are those that have ended; what they say of a case that is open is so far
-- (docs/decisions/0046-ownership.md).
with last_stints as (
    select
        case_id,
        team
    from staging.ownership_stints
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and is_last
),

totals as (
    select
        stints.case_id,
        max(last_stints.team) as last_team,
        max(stints.team) filter (where stints.stint = 1) as first_team,
        count(*) as stint_count,
        max(stints.run_number) as run_count,
        sum(case when stints.entered_by in ('handoff', 'return_direct', 'return_indirect') then 1 else 0 end) as team_handoff_count,
        sum(case when stints.entered_by = 'return_direct' then 1 else 0 end) as return_direct_count,
        sum(case when stints.entered_by = 'return_indirect' then 1 else 0 end) as return_indirect_count,
        sum(case when stints.is_planned_return then 1 else 0 end) as planned_return_count,
        bool_or(stints.is_initial_missing) as is_initial_missing,
        count(*) filter (where stints.queue_business_seconds is null) as unmeasured_stints,
        sum(stints.queue_calendar_seconds) as queue_calendar_seconds,
        sum(stints.active_calendar_seconds) as active_calendar_seconds,
        sum(stints.wait_customer_calendar_seconds) as wait_customer_calendar_seconds,
        sum(stints.wait_other_calendar_seconds) as wait_other_calendar_seconds,
        sum(stints.done_calendar_seconds) as done_calendar_seconds,
        sum(stints.inactive_calendar_seconds) as inactive_calendar_seconds,
        sum(case when stints.team <> last_stints.team then stints.queue_calendar_seconds else 0 end) as misattributed_queue_calendar_seconds,
        sum(case when stints.team <> last_stints.team then stints.active_calendar_seconds else 0 end) as misattributed_active_calendar_seconds,
        sum(case when stints.team <> last_stints.team then stints.wait_customer_calendar_seconds else 0 end) as misattributed_wait_customer_calendar_seconds,
        sum(case when stints.team <> last_stints.team then stints.wait_other_calendar_seconds else 0 end) as misattributed_wait_other_calendar_seconds,
        sum(case when stints.team <> last_stints.team then stints.done_calendar_seconds else 0 end) as misattributed_done_calendar_seconds,
        sum(stints.queue_business_seconds) as queue_business_seconds,
        sum(stints.active_business_seconds) as active_business_seconds,
        sum(stints.wait_customer_business_seconds) as wait_customer_business_seconds,
        sum(stints.wait_other_business_seconds) as wait_other_business_seconds,
        sum(stints.done_business_seconds) as done_business_seconds,
        sum(stints.inactive_business_seconds) as inactive_business_seconds,
        sum(case when stints.team <> last_stints.team then stints.queue_business_seconds else 0 end) as misattributed_queue_business_seconds,
        sum(case when stints.team <> last_stints.team then stints.active_business_seconds else 0 end) as misattributed_active_business_seconds,
        sum(case when stints.team <> last_stints.team then stints.wait_customer_business_seconds else 0 end) as misattributed_wait_customer_business_seconds,
        sum(case when stints.team <> last_stints.team then stints.wait_other_business_seconds else 0 end) as misattributed_wait_other_business_seconds,
        sum(case when stints.team <> last_stints.team then stints.done_business_seconds else 0 end) as misattributed_done_business_seconds
    from staging.ownership_stints as stints
    inner join last_stints on stints.case_id = last_stints.case_id
    where
        stints.intake_date >= $start_date
        and stints.intake_date < $end_date
    group by stints.case_id
),

contradictions as (
    select
        case_id,
        count(*) as contradiction_count
    from staging.ownership_contradictions
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id
)

select
    cases.source,
    cases.case_id,
    cases.intake_date,
    cases.intake_ts,
    cases.priority,
    cases.tier,
    cases.case_type,
    cases.is_open,
    cases.ended_at,
    totals.first_team,
    totals.last_team,
    cast(totals.stint_count as bigint) as stint_count,
    -- Every run is of a team that is new to the case, or a return.
    cast(coalesce(totals.run_count, 0) - totals.return_direct_count - totals.return_indirect_count as bigint) as team_station_count,
    cast(totals.team_handoff_count as bigint) as team_handoff_count,
    cast(totals.return_direct_count as bigint) as return_direct_count,
    cast(totals.return_indirect_count as bigint) as return_indirect_count,
    cast(totals.planned_return_count as bigint) as planned_return_count,
    totals.is_initial_missing,
    cast(coalesce(contradictions.contradiction_count, 0) as bigint) as contradiction_count,
    cast(totals.queue_calendar_seconds as bigint) as queue_calendar_seconds,
    cast(totals.active_calendar_seconds as bigint) as active_calendar_seconds,
    cast(totals.wait_customer_calendar_seconds as bigint) as wait_customer_calendar_seconds,
    cast(totals.wait_other_calendar_seconds as bigint) as wait_other_calendar_seconds,
    cast(totals.done_calendar_seconds as bigint) as done_calendar_seconds,
    cast(totals.inactive_calendar_seconds as bigint) as inactive_calendar_seconds,
    cast(coalesce(totals.misattributed_queue_calendar_seconds, 0) as bigint) as misattributed_queue_calendar_seconds,
    cast(coalesce(totals.misattributed_active_calendar_seconds, 0) as bigint) as misattributed_active_calendar_seconds,
    cast(coalesce(totals.misattributed_wait_customer_calendar_seconds, 0) as bigint) as misattributed_wait_customer_calendar_seconds,
    cast(coalesce(totals.misattributed_wait_other_calendar_seconds, 0) as bigint) as misattributed_wait_other_calendar_seconds,
    cast(coalesce(totals.misattributed_done_calendar_seconds, 0) as bigint) as misattributed_done_calendar_seconds,
    cast(case when totals.unmeasured_stints = 0 then totals.queue_business_seconds end as bigint) as queue_business_seconds,
    cast(case when totals.unmeasured_stints = 0 then totals.active_business_seconds end as bigint) as active_business_seconds,
    cast(case when totals.unmeasured_stints = 0 then totals.wait_customer_business_seconds end as bigint) as wait_customer_business_seconds,
    cast(case when totals.unmeasured_stints = 0 then totals.wait_other_business_seconds end as bigint) as wait_other_business_seconds,
    cast(case when totals.unmeasured_stints = 0 then totals.done_business_seconds end as bigint) as done_business_seconds,
    cast(case when totals.unmeasured_stints = 0 then totals.inactive_business_seconds end as bigint) as inactive_business_seconds,
    cast(case when totals.unmeasured_stints = 0 then coalesce(totals.misattributed_queue_business_seconds, 0) end as bigint) as misattributed_queue_business_seconds,
    cast(case when totals.unmeasured_stints = 0 then coalesce(totals.misattributed_active_business_seconds, 0) end as bigint) as misattributed_active_business_seconds,
    cast(case when totals.unmeasured_stints = 0 then coalesce(totals.misattributed_wait_customer_business_seconds, 0) end as bigint) as misattributed_wait_customer_business_seconds,
    cast(case when totals.unmeasured_stints = 0 then coalesce(totals.misattributed_wait_other_business_seconds, 0) end as bigint) as misattributed_wait_other_business_seconds,
    cast(case when totals.unmeasured_stints = 0 then coalesce(totals.misattributed_done_business_seconds, 0) end as bigint) as misattributed_done_business_seconds
from staging.case_milestones as cases
inner join totals on cases.case_id = totals.case_id
left join contradictions on cases.case_id = contradictions.case_id
where
    cases.intake_date >= $start_date
    and cases.intake_date < $end_date
