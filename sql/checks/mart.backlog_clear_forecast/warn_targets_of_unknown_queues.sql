-- Targets of forecast.yml for queues that no case was ever in.
-- A failure means that such a target is never asked; look first at the name in forecast.yml, targets.queues: clear_reason names the queues that exist.
select
    dimension_value,
    clear_reason
from mart.backlog_clear_forecast
where starts_with(clear_reason, 'no such queue')
