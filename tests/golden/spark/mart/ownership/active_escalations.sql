-- The Spark SQL of sql/mart/ownership/active_escalations.sql, written by `make docs`.
WITH open_cases AS (
  SELECT
    *,
    snapshot_at + INTERVAL '1' SECOND AS seen_before_at
  FROM mart.backlog_now
), stints AS (
  SELECT
    open_cases.case_id,
    open_cases.snapshot_at,
    stints.team,
    stints.entered_by,
    stints.is_planned_return,
    stints.stint,
    stints.started_at,
    stints.ended_at
  FROM open_cases
  INNER JOIN staging.ownership_stints AS stints
    ON open_cases.intake_date = stints.intake_date
    AND open_cases.case_id = stints.case_id
    AND stints.started_at < open_cases.seen_before_at
), bounces AS (
  SELECT
    case_id,
    MAX(stint) AS stint,
    COUNT(*) FILTER(WHERE
      entered_by IN ('handoff', 'return_direct', 'return_indirect')) AS team_handoff_count,
    COUNT(*) FILTER(WHERE
      entered_by = 'return_direct') AS return_direct_count,
    COUNT(*) FILTER(WHERE
      entered_by = 'return_indirect') AS return_indirect_count,
    COUNT(*) FILTER(WHERE
      is_planned_return) AS planned_return_count,
    MAX(started_at) AS started_at
  FROM stints
  GROUP BY
    case_id
), activities AS (
  SELECT
    open_cases.case_id,
    events.canonical_ts AS happened_at
  FROM open_cases
  INNER JOIN staging.events_clean AS events
    ON open_cases.intake_date = events.intake_date
    AND open_cases.case_id = events.case_id
    AND events.canonical_ts < open_cases.seen_before_at
  UNION ALL
  SELECT
    open_cases.case_id,
    messages.sent_ts AS happened_at
  FROM open_cases
  INNER JOIN staging.messages_deduped AS messages
    ON open_cases.intake_date = messages.intake_date
    AND open_cases.case_id = messages.case_id
    AND messages.sent_ts < open_cases.seen_before_at
  UNION ALL
  SELECT
    open_cases.case_id,
    spans.started_at AS happened_at
  FROM open_cases
  INNER JOIN staging.ownership_spans AS spans
    ON open_cases.intake_date = spans.intake_date
    AND open_cases.case_id = spans.case_id
    AND spans.started_at < open_cases.seen_before_at
  UNION ALL
  SELECT
    case_id,
    status_since_at AS happened_at
  FROM open_cases
  WHERE
    NOT status_since_at IS NULL
), last_activities AS (
  SELECT
    open_cases.case_id,
    CASE
      WHEN MAX(activities.happened_at) > open_cases.snapshot_at
      THEN open_cases.snapshot_at
      ELSE MAX(activities.happened_at)
    END AS last_activity_at
  FROM open_cases
  INNER JOIN activities
    ON open_cases.case_id = activities.case_id
  GROUP BY
    open_cases.case_id,
    open_cases.snapshot_at
)
SELECT
  open_cases.snapshot_at,
  open_cases.source,
  open_cases.case_id,
  open_cases.intake_date,
  open_cases.intake_ts,
  open_cases.case_type,
  open_cases.priority,
  open_cases.tier,
  open_cases.status,
  open_cases.waits_for,
  COALESCE(open_cases.team, 'UNASSIGNED') AS team,
  open_cases.agent,
  open_cases.age_calendar_minutes,
  open_cases.age_business_minutes,
  bounces.stint,
  CAST(CAST(CAST(UNIX_MICROS(CAST(open_cases.snapshot_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(bounces.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS team_stint_calendar_minutes,
  CAST(bounces.team_handoff_count AS BIGINT) AS team_handoff_count,
  CAST(bounces.return_direct_count AS BIGINT) AS return_direct_count,
  CAST(bounces.return_indirect_count AS BIGINT) AS return_indirect_count,
  CAST(bounces.planned_return_count AS BIGINT) AS planned_return_count,
  CAST(bounces.return_direct_count - bounces.planned_return_count AS BIGINT) AS ping_pong_count,
  last_activities.last_activity_at,
  CAST(CAST(CAST(UNIX_MICROS(CAST(open_cases.snapshot_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(last_activities.last_activity_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS silent_calendar_minutes,
  open_cases.next_policy,
  open_cases.next_metric,
  open_cases.next_due_at,
  open_cases.next_remaining_business_minutes,
  open_cases.breached_clocks,
  open_cases.breached_since_at
FROM open_cases
INNER JOIN bounces
  ON open_cases.case_id = bounces.case_id
INNER JOIN last_activities
  ON open_cases.case_id = last_activities.case_id
