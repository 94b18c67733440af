-- One row is one local date.
-- Open backlog, what came in and what ended, date by date: the burn-down; and how crowded the desk was.
select
    backlog.calendar_date,
    backlog.opened_cases,
    backlog.ended_cases,
    backlog.open_backlog_cases,
    backlog.opened_cases - backlog.ended_cases as backlog_change_cases,
    congestion.congestion_index
from mart.backlog_daily_proxy as backlog
left join mart.congestion_daily as congestion on backlog.calendar_date = congestion.calendar_date
order by backlog.calendar_date
