-- The Spark SQL of sql/checks/mart.bounce_pairs/warn_no_case_went_to_a_review_team.sql, written by `make docs`.
WITH told_teams AS (
  SELECT
    LISTAGG(to_team, ', ') WITHIN GROUP (ORDER BY
      to_team NULLS LAST) AS known_teams
  FROM (
    SELECT DISTINCT
      to_team
    FROM mart.bounce_pairs
  ) AS teams
)
SELECT
  review_teams.team AS review_team,
  told_teams.known_teams
FROM staging.review_teams AS review_teams
CROSS JOIN told_teams
LEFT JOIN mart.bounce_pairs AS pairs
  ON review_teams.team = pairs.to_team
WHERE
  pairs.to_team IS NULL
