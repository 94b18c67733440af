-- One row is one pair of teams, what comes straight back most often first.
select *
from mart.bounce_pairs
order by returned_directly_count desc, team_handoff_count desc, from_team, to_team
