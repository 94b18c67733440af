-- The Spark SQL of sql/staging/ownership/handoff_pairs.sql, written by `make docs`.
WITH handoffs AS (
  SELECT
    intake_date,
    case_id,
    previous_team AS from_team,
    team AS to_team,
    run_number,
    visited_run_number,
    entered_by,
    is_planned_return,
    started_at
  FROM staging.ownership_stints
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND NOT previous_team IS NULL
), returns AS (
  SELECT
    case_id,
    visited_run_number + 1 AS undone_run_number,
    entered_by = 'return_direct' AS is_direct,
    is_planned_return AS is_planned,
    started_at
  FROM handoffs
  WHERE
    NOT visited_run_number IS NULL
)
SELECT
  handoffs.intake_date,
  handoffs.from_team,
  handoffs.to_team,
  CAST(COUNT(*) AS BIGINT) AS team_handoff_count,
  CAST(COUNT(DISTINCT handoffs.case_id) AS BIGINT) AS cases,
  CAST(COUNT(*) FILTER(WHERE
    returns.is_direct) AS BIGINT) AS returned_directly_count,
  CAST(COUNT(returns.case_id) AS BIGINT) AS returned_count,
  CAST(COUNT(*) FILTER(WHERE
    returns.is_planned) AS BIGINT) AS planned_return_count,
  CAST(COALESCE(
    SUM(
      CAST(UNIX_MICROS(CAST(returns.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(handoffs.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ) FILTER(WHERE
      returns.is_direct),
    0
  ) AS BIGINT) AS detour_calendar_seconds
FROM handoffs
LEFT JOIN returns
  ON handoffs.case_id = returns.case_id
  AND handoffs.run_number = returns.undone_run_number
GROUP BY
  handoffs.intake_date,
  handoffs.from_team,
  handoffs.to_team
