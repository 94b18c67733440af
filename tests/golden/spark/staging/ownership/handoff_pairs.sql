-- The Spark SQL of sql/staging/ownership/handoff_pairs.sql, written by `make docs`.
WITH runs AS (
  SELECT
    intake_date,
    case_id,
    team,
    run_number,
    MIN(started_at) AS started_at
  FROM staging.ownership_stints
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND NOT run_number IS NULL
  GROUP BY
    intake_date,
    case_id,
    team,
    run_number
), neighbouring_runs AS (
  SELECT
    *,
    LAG(team) OVER (PARTITION BY case_id ORDER BY run_number NULLS LAST) AS from_team,
    LEAD(team) OVER (PARTITION BY case_id ORDER BY run_number NULLS LAST) AS next_team,
    LEAD(started_at) OVER (PARTITION BY case_id ORDER BY run_number NULLS LAST) AS next_started_at
  FROM runs
), last_runs AS (
  SELECT
    case_id,
    team,
    MAX(run_number) AS last_run_number
  FROM runs
  GROUP BY
    case_id,
    team
)
SELECT
  handoffs.intake_date,
  handoffs.from_team,
  handoffs.team AS to_team,
  CAST(COUNT(*) AS BIGINT) AS team_handoff_count,
  CAST(COUNT(DISTINCT handoffs.case_id) AS BIGINT) AS cases,
  CAST(COUNT(*) FILTER(WHERE
    handoffs.next_team = handoffs.from_team) AS BIGINT) AS returned_directly_count,
  CAST(COUNT(*) FILTER(WHERE
    last_runs.last_run_number > handoffs.run_number) AS BIGINT) AS returned_count,
  CAST(COALESCE(
    SUM(
      CAST(UNIX_MICROS(CAST(handoffs.next_started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(handoffs.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ) FILTER(WHERE
      handoffs.next_team = handoffs.from_team),
    0
  ) AS BIGINT) AS detour_calendar_seconds
FROM neighbouring_runs AS handoffs
INNER JOIN last_runs
  ON handoffs.case_id = last_runs.case_id AND handoffs.from_team = last_runs.team
WHERE
  NOT handoffs.from_team IS NULL
GROUP BY
  handoffs.intake_date,
  handoffs.from_team,
  handoffs.team
