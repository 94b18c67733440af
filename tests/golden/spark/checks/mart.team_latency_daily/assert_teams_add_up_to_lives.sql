-- The Spark SQL of sql/checks/mart.team_latency_daily/assert_teams_add_up_to_lives.sql, written by `make docs`.
WITH teams AS (
  SELECT
    intake_date,
    SUM(
      queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds
    ) AS held_calendar_seconds,
    SUM(done_calendar_seconds) AS done_calendar_seconds,
    SUM(naive_calendar_seconds) AS naive_calendar_seconds,
    SUM(naive_done_calendar_seconds) AS naive_done_calendar_seconds
  FROM mart.team_latency_daily
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), lives AS (
  SELECT
    spans.intake_date,
    SUM(spans.calendar_seconds) FILTER(WHERE
      spans.state <> 'done') AS held_calendar_seconds,
    SUM(spans.calendar_seconds) FILTER(WHERE
      spans.state = 'done') AS done_calendar_seconds
  FROM staging.ownership_spans AS spans
  INNER JOIN staging.case_milestones AS cases
    ON spans.intake_date = cases.intake_date AND spans.case_id = cases.case_id
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND cases.intake_date >= :start_date
    AND cases.intake_date < :end_date
    AND NOT cases.is_open
  GROUP BY
    spans.intake_date
)
SELECT
  lives.intake_date,
  lives.held_calendar_seconds,
  teams.held_calendar_seconds AS team_held_calendar_seconds,
  teams.naive_calendar_seconds,
  lives.done_calendar_seconds,
  teams.done_calendar_seconds AS team_done_calendar_seconds,
  teams.naive_done_calendar_seconds
FROM lives
LEFT JOIN teams
  ON lives.intake_date = teams.intake_date
WHERE
  COALESCE(lives.held_calendar_seconds, 0) IS DISTINCT FROM teams.held_calendar_seconds
  OR teams.held_calendar_seconds IS DISTINCT FROM teams.naive_calendar_seconds
  OR COALESCE(lives.done_calendar_seconds, 0) IS DISTINCT FROM teams.done_calendar_seconds
  OR teams.done_calendar_seconds IS DISTINCT FROM teams.naive_done_calendar_seconds
