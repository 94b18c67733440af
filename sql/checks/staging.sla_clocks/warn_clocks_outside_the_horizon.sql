-- Clocks that begin or end outside the horizon of their calendar.
-- A failure means that their business time, and so their outcome, is unknown; look first whether the instants are right, then widen `horizon` in
-- calendars.yml.
select
    case_id,
    policy,
    metric,
    cycle,
    calendar,
    started_at,
    stopped_at
from staging.sla_clocks
where
    intake_date >= $start_date
    and intake_date < $end_date
    and reason = 'outside_calendar_horizon'
