-- The Spark SQL of sql/checks/mart.bounce_pairs/assert_pairs_add_up_to_cases.sql, written by `make docs`.
WITH pairs AS (
  SELECT
    COALESCE(SUM(team_handoff_count), 0) AS team_handoff_count,
    COALESCE(SUM(returned_directly_count), 0) AS returned_directly_count,
    COALESCE(SUM(planned_return_count), 0) AS planned_return_count
  FROM mart.bounce_pairs
), cases AS (
  SELECT
    COALESCE(SUM(team_handoff_count), 0) AS team_handoff_count,
    COALESCE(SUM(return_direct_count), 0) AS returned_directly_count,
    COALESCE(SUM(planned_return_count), 0) AS planned_return_count
  FROM staging.ownership_cases
)
SELECT
  pairs.team_handoff_count,
  cases.team_handoff_count AS case_handoff_count,
  pairs.returned_directly_count,
  cases.returned_directly_count AS case_return_count,
  pairs.planned_return_count,
  cases.planned_return_count AS case_planned_return_count
FROM pairs
CROSS JOIN cases
WHERE
  pairs.team_handoff_count <> cases.team_handoff_count
  OR pairs.returned_directly_count <> cases.returned_directly_count
  OR pairs.planned_return_count <> cases.planned_return_count
