-- Clocks whose outcome is not what the one rule says: breached means elapsed > target, met means elapsed <= target, running means
-- open and not stopped, unknown has a reason.
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
    is_open
from staging.sla_clocks
where
    intake_date >= $start_date
    and intake_date < $end_date
    and (case outcome
        when 'met' then elapsed_seconds <= target_seconds and stopped_at is not null
        when 'breached' then elapsed_seconds > target_seconds and stopped_at is not null
        when 'running' then is_open and stopped_at is null and elapsed_seconds is null
        else reason is not null
    end) is not true
