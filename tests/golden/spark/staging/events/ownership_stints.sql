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
    SUM(CASE WHEN state = 'queue' THEN calendar_seconds ELSE 0 END) AS queue_calendar_seconds,
    SUM(CASE WHEN state = 'active' THEN calendar_seconds ELSE 0 END) AS active_calendar_seconds,
    SUM(CASE WHEN state = 'wait_customer' THEN calendar_seconds ELSE 0 END) AS wait_customer_calendar_seconds,
    SUM(CASE WHEN state = 'wait_other' THEN calendar_seconds ELSE 0 END) AS wait_other_calendar_seconds,
    SUM(CASE WHEN state = 'done' THEN calendar_seconds ELSE 0 END) AS done_calendar_seconds,
    SUM(inactive_calendar_seconds) AS inactive_calendar_seconds,
    SUM(CASE WHEN state = 'queue' THEN business_seconds ELSE 0 END) AS queue_business_seconds,
    SUM(CASE WHEN state = 'active' THEN business_seconds ELSE 0 END) AS active_business_seconds,
    SUM(CASE WHEN state = 'wait_customer' THEN business_seconds ELSE 0 END) AS wait_customer_business_seconds,
    SUM(CASE WHEN state = 'wait_other' THEN business_seconds ELSE 0 END) AS wait_other_business_seconds,
    SUM(CASE WHEN state = 'done' THEN business_seconds ELSE 0 END) AS done_business_seconds,
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
), unassigned_stints AS (
  SELECT
    nobody.case_id,
    nobody.stint,
    before.team AS team_before,
    after.team AS team_after
  FROM stints AS nobody
  LEFT JOIN stints AS before
    ON nobody.case_id = before.case_id AND nobody.stint - 1 = before.stint
  LEFT JOIN stints AS after
    ON nobody.case_id = after.case_id AND nobody.stint + 1 = after.stint
  WHERE
    nobody.team = 'UNASSIGNED'
), stints_without_a_new_run AS (
  SELECT
    case_id,
    stint
  FROM unassigned_stints
  UNION ALL
  SELECT
    case_id,
    stint + 1 AS stint
  FROM unassigned_stints
  WHERE
    team_before = team_after
), counted_stints_without_a_new_run AS (
  SELECT
    case_id,
    stint AS from_stint,
    LEAD(stint) OVER (PARTITION BY case_id ORDER BY stint NULLS LAST) AS until_stint,
    ROW_NUMBER() OVER (PARTITION BY case_id ORDER BY stint NULLS LAST) AS stint_count
  FROM stints_without_a_new_run
), numbered_stints AS (
  SELECT
    stints.*,
    COALESCE(unassigned_stints.team_before, NULLIF(previous_stints.team, 'UNASSIGNED')) AS previous_team,
    CASE
      WHEN stints.team <> 'UNASSIGNED'
      THEN stints.stint - COALESCE(skipped.stint_count, 0)
    END AS run_number
  FROM stints
  LEFT JOIN stints AS previous_stints
    ON stints.case_id = previous_stints.case_id
    AND stints.stint - 1 = previous_stints.stint
  LEFT JOIN unassigned_stints
    ON stints.case_id = unassigned_stints.case_id
    AND stints.stint - 1 = unassigned_stints.stint
  LEFT JOIN counted_stints_without_a_new_run AS skipped
    ON stints.case_id = skipped.case_id
    AND stints.stint >= skipped.from_stint
    AND (
      skipped.until_stint IS NULL OR stints.stint < skipped.until_stint
    )
), returning_teams AS (
  SELECT
    case_id,
    team
  FROM numbered_stints
  WHERE
    NOT run_number IS NULL
  GROUP BY
    case_id,
    team
  HAVING
    MAX(run_number) > MIN(run_number)
), visits AS (
  SELECT
    stints.case_id,
    stints.stint,
    MAX(stints.run_number) OVER (
      PARTITION BY stints.case_id, stints.team
      ORDER BY stints.stint NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND 1 preceding
    ) AS visited_run_number
  FROM numbered_stints AS stints
  INNER JOIN returning_teams
    ON stints.case_id = returning_teams.case_id AND stints.team = returning_teams.team
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
  CASE
    WHEN NOT stints.run_number IS NULL AND stints.team <> stints.previous_team
    THEN stints.previous_team
  END AS previous_team,
  CASE
    WHEN stints.stint = 1
    THEN 'initial'
    WHEN stints.run_number IS NULL
    THEN 'unassigned'
    WHEN stints.previous_team IS NULL OR stints.team = stints.previous_team
    THEN 'taken_up'
    WHEN visits.visited_run_number IS NULL
    THEN 'handoff'
    WHEN stints.run_number - visits.visited_run_number = 2
    THEN 'return_direct'
    ELSE 'return_indirect'
  END AS entered_by,
  COALESCE(
    stints.team <> stints.previous_team
    AND stints.run_number - visits.visited_run_number = 2
    AND NOT review_teams.team IS NULL,
    FALSE
  ) AS is_planned_return,
  actors.entered_by_actor,
  CAST(stints.run_number AS BIGINT) AS run_number,
  CAST(CASE WHEN stints.team <> stints.previous_team THEN visits.visited_run_number END AS BIGINT) AS visited_run_number,
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
FROM numbered_stints AS stints
LEFT JOIN visits
  ON stints.case_id = visits.case_id AND stints.stint = visits.stint
LEFT JOIN actors
  ON stints.case_id = actors.case_id AND stints.stint = actors.stint
LEFT JOIN staging.review_teams AS review_teams
  ON stints.previous_team = review_teams.team
