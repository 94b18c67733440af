-- The Spark SQL of sql/staging/ownership/routing_loop_paths.sql, written by `make docs`.
WITH handoffs AS (
  SELECT
    intake_date,
    case_id,
    team,
    run_number,
    visited_run_number,
    is_planned_return,
    started_at
  FROM staging.ownership_stints
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND NOT previous_team IS NULL
), loops AS (
  SELECT
    returns.intake_date,
    returns.case_id,
    returns.run_number,
    returns.is_planned_return AS is_planned,
    returns.run_number - returns.visited_run_number AS loop_handoff_count,
    returns.team || ' > ' || LISTAGG(handoffs.team, ' > ') WITHIN GROUP (ORDER BY
      handoffs.run_number NULLS LAST) AS loop_path,
    CAST(UNIX_MICROS(CAST(returns.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(MIN(handoffs.started_at) AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS away_calendar_seconds
  FROM handoffs AS returns
  INNER JOIN handoffs
    ON returns.case_id = handoffs.case_id
    AND returns.visited_run_number < handoffs.run_number
    AND returns.run_number >= handoffs.run_number
  WHERE
    NOT returns.visited_run_number IS NULL
  GROUP BY
    returns.intake_date,
    returns.case_id,
    returns.team,
    returns.run_number,
    returns.visited_run_number,
    returns.is_planned_return,
    returns.started_at
)
SELECT
  intake_date,
  loop_path,
  is_planned,
  CAST(loop_handoff_count AS BIGINT) AS loop_handoff_count,
  CAST(COUNT(*) AS BIGINT) AS loop_count,
  CAST(COUNT(DISTINCT case_id) AS BIGINT) AS cases,
  CAST(SUM(away_calendar_seconds) AS BIGINT) AS away_calendar_seconds
FROM loops
GROUP BY
  intake_date,
  loop_path,
  is_planned,
  loop_handoff_count
