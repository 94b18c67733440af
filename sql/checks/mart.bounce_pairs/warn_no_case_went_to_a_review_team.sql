-- Review teams of ownership.yml that no team ever handed a case to, beside the teams that got any.
-- A failure means that the name is written otherwise than in the log, so that its returns still count as ping-pong, or that no case went there yet; look first at known_teams.
with told_teams as (
    select string_agg(to_team, ', ' order by to_team) as known_teams
    from (
        select distinct to_team
        from mart.bounce_pairs
    ) as teams
)

select
    review_teams.team as review_team,
    told_teams.known_teams
from staging.review_teams as review_teams
cross join told_teams
left join mart.bounce_pairs as pairs on review_teams.team = pairs.to_team
where pairs.to_team is null
