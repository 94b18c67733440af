-- Review teams of ownership.yml that no team ever handed a case to, and the team whose name is most like it.
-- A failure means that the name is written otherwise than in the log, and that its returns still count as ping-pong, or that no case went there yet; look first at meant_team.
with told_teams as (
    select from_team as team
    from mart.bounce_pairs

    union

    select to_team as team
    from mart.bounce_pairs
),

unknown_teams as (
    select review_teams.team
    from staging.review_teams as review_teams
    left join mart.bounce_pairs as pairs on review_teams.team = pairs.to_team
    where pairs.to_team is null
),

likely_teams as (
    select
        unknown_teams.team,
        told_teams.team as meant_team,
        row_number() over (
            partition by unknown_teams.team order by levenshtein(lower(unknown_teams.team), lower(told_teams.team)), told_teams.team
        ) as position
    from unknown_teams
    inner join told_teams on unknown_teams.team <> told_teams.team
)

select
    unknown_teams.team as review_team,
    likely_teams.meant_team
from unknown_teams
left join likely_teams on unknown_teams.team = likely_teams.team and likely_teams.position = 1
