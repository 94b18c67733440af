-- One row is one team, the one with most time first.
select *
from mart.team_latency
order by held_calendar_seconds desc, team
