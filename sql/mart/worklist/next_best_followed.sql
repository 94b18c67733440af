-- One row is one instant and one case that was shown among the first of its queue then, or was worked on instead, up to the next instant or now.
-- Only what somebody could have seen while it held counts: not the lists of a replay, of a log that has ended, or of a trial.
-- Worked on: the first thing that happened to the open case after the instant: another status, holder or queue, its end, or a reply of a person; what was
-- cancelled or merged was not. Of a queue as many are compared as were shown and as were worked on, whichever is less: ten shown and three worked on are
-- the first three shown beside the first three worked on. Of the last 30 days. What became of a case: of its clocks that ran at the instant and were not
-- past due (docs/decisions/0044-next-best-ticket.md).
with now_instant as (
    select now_at
    from mart.desk_now
),

known_instants as (
    select distinct shown.shown_at
    from ops.next_best_shown as shown
    inner join now_instant on shown.shown_at <= now_instant.now_at
    where shown.is_of_the_present
),

numbered_instants as (
    select
        shown_at,
        lead(shown_at) over (order by shown_at) as next_shown_at
    from known_instants
),

shown_instants as (
    select
        numbered_instants.shown_at,
        coalesce(numbered_instants.next_shown_at, now_instant.now_at) as shown_until_at
    from numbered_instants
    inner join now_instant
        on
            numbered_instants.shown_at < now_instant.now_at
            and numbered_instants.shown_at >= now_instant.now_at - interval 30 day
),

first_instants as (
    select min(shown_at) as first_shown_at
    from shown_instants
),

shown_tickets as (
    select
        shown.shown_at,
        shown.queue,
        shown.case_id,
        shown.position_in_queue,
        shown.picking_policy,
        count(*) over (partition by shown.shown_at, shown.queue) as shown_count
    from ops.next_best_shown as shown
    inner join shown_instants on shown.shown_at = shown_instants.shown_at
    where shown.position_in_queue <= 10
),

-- What was open then and ours to work on.
late_spans as (
    select
        spans.intake_date,
        spans.case_id,
        spans.team,
        spans.started_at,
        spans.ended_at,
        spans.ended_with
    from staging.backlog_spans as spans
    inner join first_instants on spans.ended_at is null or spans.ended_at > first_instants.first_shown_at
    where
        spans.is_open
        and (spans.waits_for = 'us' or spans.waits_for is null)
),

workable_spans as (
    select
        shown_instants.shown_at,
        shown_instants.shown_until_at,
        late_spans.intake_date,
        late_spans.case_id,
        coalesce(late_spans.team, 'none') as queue,
        case when late_spans.ended_with in ('changed', 'ended') then late_spans.ended_at end as changed_at
    from shown_instants
    inner join late_spans
        on
            shown_instants.shown_at >= late_spans.started_at
            and (late_spans.ended_at is null or late_spans.ended_at > shown_instants.shown_at)
),

first_replies as (
    select
        workable_spans.shown_at,
        workable_spans.case_id,
        min(messages.sent_ts) as replied_at
    from workable_spans
    inner join staging.messages_deduped as messages
        on
            workable_spans.intake_date = messages.intake_date
            and workable_spans.case_id = messages.case_id
            and workable_spans.shown_at < messages.sent_ts
    where messages.signal = 'PUBLIC_REPLY'
    group by
        workable_spans.shown_at,
        workable_spans.case_id
),

worked_cases as (
    select
        workable_spans.shown_at,
        workable_spans.shown_until_at,
        workable_spans.intake_date,
        workable_spans.queue,
        workable_spans.case_id,
        case
            when first_replies.replied_at is null or first_replies.replied_at > workable_spans.changed_at then workable_spans.changed_at
            else first_replies.replied_at
        end as worked_at
    from workable_spans
    left join first_replies on workable_spans.shown_at = first_replies.shown_at and workable_spans.case_id = first_replies.case_id
),

numbered_work as (
    select
        shown_at,
        queue,
        case_id,
        worked_at,
        row_number() over (partition by shown_at, queue order by worked_at, case_id) as position_worked,
        count(*) over (partition by shown_at, queue) as worked_count
    from worked_cases
    where worked_at <= shown_until_at
),

worked_counts as (
    select distinct
        shown_at,
        queue,
        worked_count
    from numbered_work
),

shown_counts as (
    select distinct
        shown_at,
        queue,
        shown_count
    from shown_tickets
),

compared_tickets as (
    select
        worked_cases.shown_at,
        worked_cases.shown_until_at,
        worked_cases.intake_date,
        worked_cases.queue,
        worked_cases.case_id,
        shown_tickets.position_in_queue,
        shown_tickets.picking_policy,
        numbered_work.worked_at,
        numbered_work.position_worked,
        coalesce(shown_tickets.position_in_queue <= least(shown_tickets.shown_count, worked_counts.worked_count), false) as is_shown,
        coalesce(numbered_work.position_worked <= least(shown_counts.shown_count, worked_counts.worked_count), false) as is_worked
    from worked_cases
    inner join shown_counts on worked_cases.shown_at = shown_counts.shown_at and worked_cases.queue = shown_counts.queue
    inner join worked_counts on worked_cases.shown_at = worked_counts.shown_at and worked_cases.queue = worked_counts.queue
    left join shown_tickets on worked_cases.shown_at = shown_tickets.shown_at and worked_cases.case_id = shown_tickets.case_id
    left join numbered_work on worked_cases.shown_at = numbered_work.shown_at and worked_cases.case_id = numbered_work.case_id
),

clock_outcomes as (
    select
        compared_tickets.shown_at,
        compared_tickets.case_id,
        count(*) filter (
            where clocks.outcome = 'breached' or (clocks.outcome = 'running' and clocks.due_at < now_instant.now_at)
        ) as breached_clocks,
        count(*) filter (where clocks.outcome = 'running') as running_clocks,
        count(*) filter (where clocks.outcome = 'unknown') as unknown_clocks
    from compared_tickets
    inner join now_instant on compared_tickets.is_shown or compared_tickets.is_worked
    inner join staging.sla_clocks as clocks
        on
            compared_tickets.intake_date = clocks.intake_date
            and compared_tickets.case_id = clocks.case_id
            and compared_tickets.shown_at >= clocks.started_at
            and (clocks.stopped_at is null or compared_tickets.shown_at < clocks.stopped_at)
            and (clocks.due_at is null or compared_tickets.shown_at < clocks.due_at)
    where not clocks.is_superseded
    group by
        compared_tickets.shown_at,
        compared_tickets.case_id
)

select
    cast(tickets.shown_at as timestamp) as shown_at,
    cast(tickets.shown_until_at as timestamp) as shown_until_at,
    tickets.queue,
    tickets.case_id,
    cast(tickets.position_in_queue as bigint) as position_in_queue,
    tickets.picking_policy,
    cast(tickets.worked_at as timestamp) as worked_at,
    cast(tickets.position_worked as bigint) as position_worked,
    case
        when tickets.is_shown and tickets.is_worked then 'followed'
        when tickets.is_shown then 'passed over'
        else 'worked on instead'
    end as followed,
    case when tickets.is_shown then tickets.is_worked end as is_followed,
    case
        when outcomes.case_id is null then 'nothing to keep'
        when outcomes.breached_clocks > 0 then 'breached'
        when outcomes.running_clocks > 0 then 'running'
        when outcomes.unknown_clocks > 0 then 'unknown'
        else 'met'
    end as outcome_by_now
from compared_tickets as tickets
left join clock_outcomes as outcomes on tickets.shown_at = outcomes.shown_at and tickets.case_id = outcomes.case_id
where
    tickets.is_shown
    or tickets.is_worked
