-- The Spark SQL of sql/staging/clocks/sla_signals.sql, written by `make docs`.
WITH cases AS (
  SELECT
    case_id,
    intake_ts,
    COALESCE(initiated_by IN ('agent', 'automation'), FALSE) AS is_outbound
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), messages AS (
  SELECT
    *
  FROM staging.messages_deduped
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), teams AS (
  SELECT
    source,
    case_id,
    intake_date,
    value AS team,
    valid_from_at,
    valid_to_at,
    event_id
  FROM staging.case_attributes
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND attribute = 'team'
), open_spans AS (
  SELECT
    case_id,
    started_at,
    ended_at
  FROM staging.status_spans
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND NOT status IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
), requested_signals AS (
  SELECT DISTINCT
    signal
  FROM staging.sla_metric_rules
  WHERE
    role <> 'pause'
), teams_with_previous AS (
  SELECT
    *,
    LAG(team) OVER (PARTITION BY case_id ORDER BY valid_from_at NULLS LAST) AS previous_team,
    LAG(valid_from_at) OVER (PARTITION BY case_id ORDER BY valid_from_at NULLS LAST) IS NULL AS is_at_intake
  FROM teams
), signals AS (
  SELECT
    source,
    case_id,
    intake_date,
    status AS signal,
    canonical_ts AS signal_at,
    2 AS sort_rank,
    source_sequence,
    event_id
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND NOT status IN ('INTAKE', 'REOPENED')
  UNION ALL
  SELECT
    source,
    case_id,
    intake_date,
    'REOPENED' AS signal,
    canonical_ts AS signal_at,
    2 AS sort_rank,
    source_sequence,
    event_id
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND (
      is_reopen OR status = 'REOPENED'
    )
  UNION ALL
  SELECT
    messages.source,
    messages.case_id,
    messages.intake_date,
    messages.signal,
    messages.sent_ts AS signal_at,
    2 AS sort_rank,
    messages.source_sequence,
    messages.message_id AS event_id
  FROM messages
  INNER JOIN cases
    ON messages.case_id = cases.case_id
  WHERE
    messages.signal <> 'CUSTOMER_MESSAGE'
    OR messages.sent_ts > cases.intake_ts
    OR cases.is_outbound
  UNION ALL
  SELECT
    source,
    case_id,
    intake_date,
    'GROUP_CHANGED' AS signal,
    valid_from_at AS signal_at,
    2 AS sort_rank,
    CAST(-1 AS BIGINT) AS source_sequence,
    event_id
  FROM teams_with_previous
  WHERE
    NOT previous_team IS NULL
  UNION ALL
  SELECT
    source,
    case_id,
    intake_date,
    'GROUP_ASSIGNED' AS signal,
    valid_from_at AS signal_at,
    1 AS sort_rank,
    CAST(-1 AS BIGINT) AS source_sequence,
    event_id
  FROM teams_with_previous
  WHERE
    is_at_intake AND NOT team IS NULL
  UNION ALL
  SELECT
    teams.source,
    teams.case_id,
    teams.intake_date,
    'GROUP_ASSIGNED' AS signal,
    teams.valid_from_at AS signal_at,
    2 AS sort_rank,
    CAST(-1 AS BIGINT) AS source_sequence,
    teams.event_id
  FROM teams_with_previous AS teams
  INNER JOIN open_spans
    ON teams.case_id = open_spans.case_id
    AND open_spans.started_at < teams.valid_from_at
    AND (
      open_spans.ended_at IS NULL OR open_spans.ended_at >= teams.valid_from_at
    )
  WHERE
    NOT teams.team IS NULL AND NOT teams.is_at_intake
  UNION ALL
  SELECT
    teams.source,
    teams.case_id,
    teams.intake_date,
    'GROUP_ASSIGNED' AS signal,
    events.canonical_ts AS signal_at,
    2 AS sort_rank,
    events.source_sequence,
    events.event_id
  FROM teams_with_previous AS teams
  INNER JOIN staging.events_clean AS events
    ON teams.case_id = events.case_id
    AND (
      teams.is_at_intake OR events.canonical_ts >= teams.valid_from_at
    )
    AND (
      teams.valid_to_at IS NULL OR events.canonical_ts < teams.valid_to_at
    )
  WHERE
    events.intake_date >= :start_date
    AND events.intake_date < :end_date
    AND events.is_reopen
    AND NOT teams.team IS NULL
)
SELECT
  signals.source,
  signals.case_id,
  signals.intake_date,
  signals.signal,
  signals.signal_at,
  CAST(DENSE_RANK() OVER (
    PARTITION BY signals.case_id
    ORDER BY signals.sort_rank NULLS LAST, signals.signal_at NULLS LAST, signals.source_sequence NULLS LAST, signals.event_id NULLS LAST
  ) AS BIGINT) AS signal_order,
  signals.event_id
FROM signals
INNER JOIN requested_signals
  ON signals.signal = requested_signals.signal
