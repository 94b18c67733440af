-- One row is one open case: who has it, what is most overdue first.
select *
from mart.active_escalations
order by breached_clocks desc, next_due_at nulls last, age_calendar_minutes desc, case_id
