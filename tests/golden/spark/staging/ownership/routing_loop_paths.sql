-- The Spark SQL of sql/staging/ownership/routing_loop_paths.sql, written by `make docs`.
WITH runs AS (
  SELECT
    intake_date,
    case_id,
    team,
    run_number,
    MAX(visited_run_number) AS visited_run_number,
    MIN(started_at) AS started_at
  FROM staging.ownership_stints
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND NOT run_number IS NULL
  GROUP BY
    intake_date,
    case_id,
    team,
    run_number
), loops AS (
  SELECT
    returns.intake_date,
    returns.case_id,
    returns.run_number,
    returns.run_number - returns.visited_run_number AS loop_handoff_count,
    LISTAGG(runs.team, ' > ') WITHIN GROUP (ORDER BY
      runs.run_number NULLS LAST) AS loop_path,
    CAST(UNIX_MICROS(CAST(MIN(returns.started_at) AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(
      CAST(MIN(runs.started_at) FILTER(WHERE
        runs.run_number = returns.visited_run_number + 1) AS TIMESTAMP_LTZ)
    ) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS away_calendar_seconds
  FROM runs AS returns
  INNER JOIN runs
    ON returns.case_id = runs.case_id
    AND returns.visited_run_number <= runs.run_number
    AND returns.run_number >= runs.run_number
  WHERE
    NOT returns.visited_run_number IS NULL
  GROUP BY
    returns.intake_date,
    returns.case_id,
    returns.run_number,
    returns.visited_run_number
)
SELECT
  intake_date,
  loop_path,
  CAST(loop_handoff_count AS BIGINT) AS loop_handoff_count,
  CAST(COUNT(*) AS BIGINT) AS loop_count,
  CAST(COUNT(DISTINCT case_id) AS BIGINT) AS cases,
  CAST(SUM(away_calendar_seconds) AS BIGINT) AS away_calendar_seconds
FROM loops
GROUP BY
  intake_date,
  loop_path,
  loop_handoff_count
