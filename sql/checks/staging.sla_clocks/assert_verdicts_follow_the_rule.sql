-- Clocks whose outcome is not what the one rule says: breached means elapsed > target, met means elapsed <= target, both of
-- clocks that their stop ended; running means open and not stopped, unknown has a reason.
-- A failure means that the verdicts contradict their own minutes; look first at sql/staging/clocks/sla_clocks.sql.
select
    case_id,
    policy,
    metric,
    cycle,
    outcome,
    reason,
    elapsed_seconds,
    target_seconds,
    stopped_at,
    is_stopped_by_event,
    is_open
from staging.sla_clocks
where
    intake_date >= $start_date
    and intake_date < $end_date
    and (case outcome
        when 'met' then elapsed_seconds <= target_seconds and is_stopped_by_event
        when 'breached' then elapsed_seconds > target_seconds and is_stopped_by_event
        when 'running' then is_open and stopped_at is null and elapsed_seconds is null
        else reason is not null
    end) is not true
