-- The Spark SQL of sql/staging/events/case_owners.sql, written by `make docs`.
WITH cases AS (
  SELECT
    source,
    case_id,
    intake_date,
    intake_ts,
    team,
    agent,
    ROW_NUMBER() OVER (ORDER BY case_id NULLS LAST) AS case_number
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), changes AS (
  SELECT
    case_id,
    changed_ts,
    source_sequence,
    change_id,
    attribute,
    value,
    previous_value,
    ROW_NUMBER() OVER (
      PARTITION BY case_id, attribute
      ORDER BY changed_ts NULLS LAST, source_sequence NULLS LAST, change_id NULLS LAST
    ) AS change_number
  FROM raw.attribute_changes
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND attribute IN ('team', 'agent')
), first_changes AS (
  SELECT
    case_id,
    MAX(previous_value) FILTER(WHERE
      attribute = 'team') AS team,
    MAX(previous_value) FILTER(WHERE
      attribute = 'agent') AS agent,
    BOOL_OR(attribute = 'team') AS is_team_changed,
    BOOL_OR(attribute = 'agent') AS is_agent_changed
  FROM changes
  WHERE
    change_number = 1
  GROUP BY
    case_id
), events AS (
  SELECT
    case_id,
    canonical_ts,
    source_sequence,
    event_id,
    team,
    agent
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND (
      NOT team IS NULL OR NOT agent IS NULL
    )
), cases_with_assignee_events AS (
  SELECT
    case_id,
    BOOL_OR(NOT team IS NULL) AS is_team_named,
    BOOL_OR(NOT agent IS NULL) AS is_agent_named
  FROM events
  GROUP BY
    case_id
), assignment_events AS (
  SELECT
    cases.case_number,
    0 AS sort_rank,
    cases.intake_ts AS told_at,
    cases.intake_ts AS stamped_at,
    CAST(-1 AS BIGINT) AS source_sequence,
    CAST(NULL AS STRING) AS event_id,
    CASE
      WHEN named.is_team_named
      THEN ''
      WHEN first_changes.is_team_changed
      THEN COALESCE(first_changes.team, '')
      ELSE COALESCE(cases.team, '')
    END AS team,
    CASE
      WHEN named.is_agent_named
      THEN ''
      WHEN first_changes.is_agent_changed
      THEN COALESCE(first_changes.agent, '')
      ELSE COALESCE(cases.agent, '')
    END AS agent
  FROM cases
  LEFT JOIN first_changes
    ON cases.case_id = first_changes.case_id
  LEFT JOIN cases_with_assignee_events AS named
    ON cases.case_id = named.case_id
  UNION ALL
  SELECT
    cases.case_number,
    1 AS sort_rank,
    CASE
      WHEN events.canonical_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE events.canonical_ts
    END AS told_at,
    events.canonical_ts AS stamped_at,
    events.source_sequence,
    events.event_id,
    events.team,
    events.agent
  FROM events
  INNER JOIN cases
    ON events.case_id = cases.case_id
  UNION ALL
  SELECT
    cases.case_number,
    1 AS sort_rank,
    CASE
      WHEN changes.changed_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE changes.changed_ts
    END AS told_at,
    changes.changed_ts AS stamped_at,
    changes.source_sequence,
    changes.change_id AS event_id,
    CASE WHEN changes.attribute = 'team' THEN COALESCE(changes.value, '') END AS team,
    CASE WHEN changes.attribute = 'agent' THEN COALESCE(changes.value, '') END AS agent
  FROM changes
  INNER JOIN cases
    ON changes.case_id = cases.case_id
), holders AS (
  SELECT
    case_number,
    told_at,
    event_id,
    LAST_VALUE(team) IGNORE NULLS OVER (
      PARTITION BY case_number
      ORDER BY sort_rank NULLS LAST, stamped_at NULLS LAST, source_sequence NULLS LAST, event_id
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS team,
    LAST_VALUE(agent) IGNORE NULLS OVER (
      PARTITION BY case_number
      ORDER BY sort_rank NULLS LAST, stamped_at NULLS LAST, source_sequence NULLS LAST, event_id
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS agent,
    LEAD(told_at) OVER (
      PARTITION BY case_number
      ORDER BY sort_rank NULLS LAST, stamped_at NULLS LAST, source_sequence NULLS LAST, event_id
    ) AS next_told_at
  FROM assignment_events
), holders_with_previous AS (
  SELECT
    case_number,
    told_at,
    event_id,
    team,
    agent,
    LAG(team) OVER (PARTITION BY case_number ORDER BY told_at NULLS LAST) AS previous_team,
    LAG(agent) OVER (PARTITION BY case_number ORDER BY told_at NULLS LAST) AS previous_agent
  FROM holders
  WHERE
    next_told_at IS NULL OR next_told_at > told_at
), hand_offs AS (
  SELECT
    case_number,
    told_at,
    event_id,
    team,
    agent,
    previous_team IS NULL OR team <> previous_team AS is_team_new,
    LEAD(previous_team IS NULL OR team <> previous_team) OVER (PARTITION BY case_number ORDER BY told_at NULLS LAST) AS is_next_team_new,
    LEAD(told_at) OVER (PARTITION BY case_number ORDER BY told_at NULLS LAST) AS next_hand_off_at
  FROM holders_with_previous
  WHERE
    previous_team IS NULL OR team <> previous_team OR agent <> previous_agent
)
SELECT
  cases.source,
  cases.case_id,
  cases.intake_date,
  NULLIF(hand_offs.team, '') AS team,
  NULLIF(hand_offs.agent, '') AS agent,
  hand_offs.told_at AS started_at,
  hand_offs.next_hand_off_at AS ended_at,
  hand_offs.is_team_new,
  COALESCE(hand_offs.is_next_team_new, FALSE) AS is_team_left,
  hand_offs.event_id
FROM hand_offs
INNER JOIN cases
  ON hand_offs.case_number = cases.case_number
