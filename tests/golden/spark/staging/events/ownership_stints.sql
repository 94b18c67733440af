-- The Spark SQL of sql/staging/events/ownership_stints.sql, written by `make docs`.
WITH stints AS (
  SELECT
    source,
    case_id,
    intake_date,
    stint,
    team,
    MIN(started_at) AS started_at,
    MAX(ended_at) AS ended_at,
    BOOL_OR(ended_at IS NULL) AS is_last,
    BOOL_OR(is_open) AS is_open,
    SUM(calendar_seconds) FILTER(WHERE
      state = 'queue') AS queue_calendar_seconds,
    SUM(calendar_seconds) FILTER(WHERE
      state = 'active') AS active_calendar_seconds,
    SUM(calendar_seconds) FILTER(WHERE
      state = 'wait_customer') AS wait_customer_calendar_seconds,
    SUM(calendar_seconds) FILTER(WHERE
      state = 'wait_other') AS wait_other_calendar_seconds,
    SUM(calendar_seconds) FILTER(WHERE
      state = 'done') AS done_calendar_seconds,
    SUM(inactive_calendar_seconds) AS inactive_calendar_seconds,
    SUM(business_seconds) FILTER(WHERE
      state = 'queue') AS queue_business_seconds,
    SUM(business_seconds) FILTER(WHERE
      state = 'active') AS active_business_seconds,
    SUM(business_seconds) FILTER(WHERE
      state = 'wait_customer') AS wait_customer_business_seconds,
    SUM(business_seconds) FILTER(WHERE
      state = 'wait_other') AS wait_other_business_seconds,
    SUM(business_seconds) FILTER(WHERE
      state = 'done') AS done_business_seconds,
    SUM(inactive_business_seconds) AS inactive_business_seconds,
    COALESCE(BOOL_OR(ended_at > started_at AND business_seconds IS NULL), FALSE) AS is_outside_horizon
  FROM staging.ownership_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    source,
    case_id,
    intake_date,
    stint,
    team
), team_stints AS (
  SELECT
    case_id,
    stint,
    team,
    LAG(team) OVER (PARTITION BY case_id ORDER BY stint NULLS LAST) AS previous_team
  FROM stints
  WHERE
    team <> 'UNASSIGNED'
), numbered_runs AS (
  SELECT
    *,
    SUM(CASE WHEN previous_team IS NULL OR team <> previous_team THEN 1 ELSE 0 END) OVER (
      PARTITION BY case_id
      ORDER BY stint NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS run_number
  FROM team_stints
), returning_teams AS (
  SELECT
    case_id,
    team
  FROM numbered_runs
  GROUP BY
    case_id,
    team
  HAVING
    MAX(run_number) > MIN(run_number)
), visits AS (
  SELECT
    runs.case_id,
    runs.stint,
    MAX(runs.run_number) OVER (
      PARTITION BY runs.case_id, runs.team
      ORDER BY runs.stint NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND 1 preceding
    ) AS visited_run_number
  FROM numbered_runs AS runs
  INNER JOIN returning_teams
    ON runs.case_id = returning_teams.case_id AND runs.team = returning_teams.team
), actors AS (
  SELECT
    stints.case_id,
    stints.stint,
    CASE WHEN MIN(changes.actor) = MAX(changes.actor) THEN MAX(changes.actor) END AS entered_by_actor
  FROM raw.attribute_changes AS changes
  INNER JOIN stints
    ON changes.case_id = stints.case_id
    AND changes.changed_ts = stints.started_at
    AND COALESCE(changes.value, 'UNASSIGNED') = stints.team
  WHERE
    changes.intake_date >= :start_date
    AND changes.intake_date < :end_date
    AND changes.attribute = 'team'
    AND NOT changes.actor IS NULL
  GROUP BY
    stints.case_id,
    stints.stint
)
SELECT
  stints.source,
  stints.case_id,
  stints.intake_date,
  stints.stint,
  stints.team,
  CASE WHEN runs.team <> runs.previous_team THEN runs.previous_team END AS previous_team,
  CASE
    WHEN stints.stint = 1
    THEN 'initial'
    WHEN runs.case_id IS NULL
    THEN 'unassigned'
    WHEN runs.previous_team IS NULL OR runs.team = runs.previous_team
    THEN 'taken_up'
    WHEN visits.visited_run_number IS NULL
    THEN 'handoff'
    WHEN runs.run_number - visits.visited_run_number = 2
    THEN 'return_direct'
    ELSE 'return_indirect'
  END AS entered_by,
  actors.entered_by_actor,
  CAST(runs.run_number AS BIGINT) AS run_number,
  CAST(CASE WHEN runs.team <> runs.previous_team THEN visits.visited_run_number END AS BIGINT) AS visited_run_number,
  stints.started_at,
  CASE WHEN NOT stints.is_last THEN stints.ended_at END AS ended_at,
  stints.is_last,
  stints.is_open,
  stints.stint = 1 AND stints.team = 'UNASSIGNED' AS is_initial_missing,
  CAST(COALESCE(stints.queue_calendar_seconds, 0) AS BIGINT) AS queue_calendar_seconds,
  CAST(COALESCE(stints.active_calendar_seconds, 0) AS BIGINT) AS active_calendar_seconds,
  CAST(COALESCE(stints.wait_customer_calendar_seconds, 0) AS BIGINT) AS wait_customer_calendar_seconds,
  CAST(COALESCE(stints.wait_other_calendar_seconds, 0) AS BIGINT) AS wait_other_calendar_seconds,
  CAST(COALESCE(stints.done_calendar_seconds, 0) AS BIGINT) AS done_calendar_seconds,
  CAST(COALESCE(stints.inactive_calendar_seconds, 0) AS BIGINT) AS inactive_calendar_seconds,
  CAST(CASE
    WHEN NOT stints.is_outside_horizon
    THEN COALESCE(stints.queue_business_seconds, 0)
  END AS BIGINT) AS queue_business_seconds,
  CAST(CASE
    WHEN NOT stints.is_outside_horizon
    THEN COALESCE(stints.active_business_seconds, 0)
  END AS BIGINT) AS active_business_seconds,
  CAST(CASE
    WHEN NOT stints.is_outside_horizon
    THEN COALESCE(stints.wait_customer_business_seconds, 0)
  END AS BIGINT) AS wait_customer_business_seconds,
  CAST(CASE
    WHEN NOT stints.is_outside_horizon
    THEN COALESCE(stints.wait_other_business_seconds, 0)
  END AS BIGINT) AS wait_other_business_seconds,
  CAST(CASE
    WHEN NOT stints.is_outside_horizon
    THEN COALESCE(stints.done_business_seconds, 0)
  END AS BIGINT) AS done_business_seconds,
  CAST(CASE
    WHEN NOT stints.is_outside_horizon
    THEN COALESCE(stints.inactive_business_seconds, 0)
  END AS BIGINT) AS inactive_business_seconds
FROM stints
LEFT JOIN numbered_runs AS runs
  ON stints.case_id = runs.case_id AND stints.stint = runs.stint
LEFT JOIN visits
  ON stints.case_id = visits.case_id AND stints.stint = visits.stint
LEFT JOIN actors
  ON stints.case_id = actors.case_id AND stints.stint = actors.stint
