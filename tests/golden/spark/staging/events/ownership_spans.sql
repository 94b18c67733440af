-- The Spark SQL of sql/staging/events/ownership_spans.sql, written by `make docs`.
WITH cases AS (
  SELECT
    source,
    case_id,
    intake_date,
    intake_ts,
    last_terminal_at,
    team,
    agent,
    ROW_NUMBER() OVER (ORDER BY case_id NULLS LAST) AS case_number
  FROM staging.case_milestones
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
    BOOL_OR(attribute = 'agent') AS is_agent_changed,
    MIN(CASE WHEN attribute = 'team' THEN changed_ts END) AS team_changed_at
  FROM changes
  WHERE
    change_number = 1
  GROUP BY
    case_id
), cases_with_assignee_events AS (
  SELECT
    case_id,
    BOOL_OR(NOT team IS NULL) AS is_team_named,
    BOOL_OR(NOT agent IS NULL) AS is_agent_named
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id
), assignment_events AS (
  SELECT
    cases.case_number,
    cases.intake_ts AS told_at,
    CAST(NULL AS TIMESTAMP_NTZ) AS stamped_at,
    TRUE AS is_clipped,
    TRUE AS is_at_intake,
    NOT first_changes.team IS NULL
    AND first_changes.team_changed_at = cases.intake_ts AS is_kept,
    CAST(-1 AS BIGINT) AS told_sequence,
    CAST(NULL AS STRING) AS event_id,
    CASE
      WHEN first_changes.team_changed_at = cases.intake_ts
      THEN COALESCE(first_changes.team, '')
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
    CASE
      WHEN events.canonical_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE events.canonical_ts
    END AS told_at,
    events.canonical_ts AS stamped_at,
    events.canonical_ts < cases.intake_ts AS is_clipped,
    events.canonical_ts <= cases.intake_ts AS is_at_intake,
    FALSE AS is_kept,
    3 * events.source_sequence AS told_sequence,
    events.event_id,
    events.team,
    events.agent
  FROM staging.events_clean AS events
  INNER JOIN cases
    ON events.case_id = cases.case_id
  WHERE
    events.intake_date >= :start_date
    AND events.intake_date < :end_date
    AND (
      NOT events.team IS NULL OR NOT events.agent IS NULL
    )
  UNION ALL
  SELECT
    cases.case_number,
    CASE
      WHEN changes.changed_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE changes.changed_ts
    END AS told_at,
    changes.changed_ts AS stamped_at,
    changes.changed_ts < cases.intake_ts AS is_clipped,
    changes.changed_ts <= cases.intake_ts AS is_at_intake,
    FALSE AS is_kept,
    3 * changes.source_sequence + CASE WHEN changes.attribute = 'team' THEN 1 ELSE 2 END AS told_sequence,
    changes.change_id AS event_id,
    CASE WHEN changes.attribute = 'team' THEN COALESCE(changes.value, '') END AS team,
    CASE WHEN changes.attribute = 'agent' THEN COALESCE(changes.value, '') END AS agent
  FROM changes
  INNER JOIN cases
    ON changes.case_id = cases.case_id
), neighbouring_events AS (
  SELECT
    case_number,
    told_at,
    is_clipped,
    is_at_intake,
    is_kept,
    event_id,
    team,
    agent,
    LAG(team) IGNORE NULLS OVER in_order AS previous_team,
    LAG(agent) IGNORE NULLS OVER in_order AS previous_agent,
    LAG(CASE WHEN team <> '' THEN TRUE END) IGNORE NULLS OVER in_order IS NULL AS is_nobody_before,
    LAG(is_clipped AND NOT is_kept) OVER in_order AS is_previous_clipped,
    LEAD(stamped_at) OVER in_order AS next_stamped_at,
    ROW_NUMBER() OVER in_order AS place
  FROM assignment_events
  WINDOW in_order AS (
    PARTITION BY case_number
    ORDER BY stamped_at, told_sequence NULLS LAST, event_id NULLS LAST
  )
), holders AS (
  SELECT
    case_number,
    place,
    told_at,
    event_id,
    COALESCE(team, previous_team) AS team,
    COALESCE(agent, previous_agent) AS agent,
    is_clipped
    OR (
      is_at_intake AND (
        is_previous_clipped OR is_nobody_before
      )
    )
    OR COALESCE(team <> previous_team, FALSE) AS is_team_new,
    COALESCE(agent <> previous_agent, FALSE) AS is_agent_new,
    next_stamped_at IS NULL
    OR next_stamped_at > told_at
    OR (
      is_kept AND next_stamped_at = told_at
    )
    OR NOT (
      is_clipped OR (
        is_at_intake AND is_nobody_before AND COALESCE(team, '') = ''
      )
    ) AS is_in_life
  FROM neighbouring_events
), steps AS (
  SELECT
    case_number,
    told_at,
    event_id,
    team,
    agent,
    is_team_new,
    LEAD(told_at) OVER (PARTITION BY case_number ORDER BY place NULLS LAST) AS next_changed_at,
    LEAD(team) OVER (PARTITION BY case_number ORDER BY place NULLS LAST) AS next_team,
    SUM(CASE WHEN is_team_new THEN 1 ELSE 0 END) OVER (
      PARTITION BY case_number
      ORDER BY place NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS stint
  FROM holders
  WHERE
    is_in_life AND (
      is_team_new OR is_agent_new
    )
), crowded_cases AS (
  SELECT DISTINCT
    case_number
  FROM steps
  WHERE
    next_changed_at = told_at
), crowded_steps AS (
  SELECT
    steps.*
  FROM steps
  INNER JOIN crowded_cases
    ON steps.case_number = crowded_cases.case_number
), lasting_steps AS (
  SELECT
    *,
    LAG(team) OVER (PARTITION BY case_number ORDER BY told_at NULLS LAST) AS team_before,
    LAG(agent) OVER (PARTITION BY case_number ORDER BY told_at NULLS LAST) AS agent_before
  FROM crowded_steps
  WHERE
    next_changed_at IS NULL OR next_changed_at > told_at
), holding_starts AS (
  SELECT
    case_number,
    stint,
    team,
    agent,
    event_id,
    told_at,
    next_changed_at,
    team_before IS NULL OR team <> team_before AS is_team_new,
    LEAD(team_before IS NULL OR team <> team_before) OVER (PARTITION BY case_number ORDER BY told_at NULLS LAST) AS is_next_team_new,
    LEAD(told_at) OVER (PARTITION BY case_number ORDER BY told_at NULLS LAST) AS next_holding_at
  FROM lasting_steps
  WHERE
    team_before IS NULL OR team <> team_before OR agent <> agent_before
), holder_spans AS (
  SELECT
    steps.case_number,
    steps.stint,
    steps.team,
    steps.agent,
    steps.event_id,
    steps.told_at AS started_at,
    steps.next_changed_at AS ended_at,
    TRUE AS is_holding_start,
    steps.told_at AS held_from_at,
    steps.next_changed_at AS held_to_at,
    steps.is_team_new,
    COALESCE(steps.next_team <> steps.team, FALSE) AS is_team_left
  FROM steps
  LEFT JOIN crowded_cases
    ON steps.case_number = crowded_cases.case_number
  WHERE
    crowded_cases.case_number IS NULL
  UNION ALL
  SELECT
    case_number,
    stint,
    team,
    agent,
    event_id,
    told_at AS started_at,
    next_changed_at AS ended_at,
    TRUE AS is_holding_start,
    told_at AS held_from_at,
    next_holding_at AS held_to_at,
    is_team_new,
    COALESCE(is_next_team_new, FALSE) AS is_team_left
  FROM holding_starts
  UNION ALL
  SELECT
    steps.case_number,
    steps.stint,
    steps.team,
    steps.agent,
    steps.event_id,
    steps.told_at AS started_at,
    steps.next_changed_at AS ended_at,
    FALSE AS is_holding_start,
    holdings.told_at AS held_from_at,
    holdings.next_holding_at AS held_to_at,
    holdings.is_team_new,
    COALESCE(holdings.is_next_team_new, FALSE) AS is_team_left
  FROM lasting_steps AS steps
  INNER JOIN holding_starts AS holdings
    ON steps.case_number = holdings.case_number
    AND steps.told_at > holdings.told_at
    AND (
      holdings.next_holding_at IS NULL OR steps.told_at < holdings.next_holding_at
    )
  WHERE
    steps.team = steps.team_before AND steps.agent = steps.agent_before
  UNION ALL
  SELECT
    case_number,
    stint,
    team,
    agent,
    event_id,
    told_at AS started_at,
    next_changed_at AS ended_at,
    FALSE AS is_holding_start,
    told_at AS held_from_at,
    told_at AS held_to_at,
    FALSE AS is_team_new,
    FALSE AS is_team_left
  FROM crowded_steps
  WHERE
    next_changed_at = told_at AND next_team <> team
), states AS (
  SELECT
    cases.case_number,
    CASE
      WHEN spans.status IN ('INTAKE', 'ASSIGNED', 'ESCALATED', 'REOPENED')
      THEN 'queue'
      WHEN spans.status = 'CUSTOMER_WAIT'
      THEN 'wait_customer'
      WHEN spans.status IN ('VENDOR_WAIT', 'ON_HOLD')
      THEN 'wait_other'
      WHEN spans.status IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
      THEN 'done'
      ELSE 'active'
    END AS state,
    spans.started_at,
    spans.ended_at,
    spans.is_open
  FROM staging.status_spans AS spans
  INNER JOIN cases
    ON spans.case_id = cases.case_id
  WHERE
    spans.intake_date >= :start_date AND spans.intake_date < :end_date
  UNION ALL
  SELECT
    case_number,
    'done' AS state,
    last_terminal_at AS started_at,
    CAST(NULL AS TIMESTAMP_NTZ) AS ended_at,
    FALSE AS is_open
  FROM cases
  WHERE
    NOT last_terminal_at IS NULL
), span_parts AS (
  SELECT
    holder_spans.case_number,
    holder_spans.stint,
    holder_spans.team,
    holder_spans.agent,
    holder_spans.event_id,
    holder_spans.is_holding_start AND holder_spans.started_at >= states.started_at AS is_holding_start,
    holder_spans.held_from_at,
    holder_spans.held_to_at,
    holder_spans.is_team_new,
    holder_spans.is_team_left,
    states.state,
    CASE
      WHEN holder_spans.started_at > states.started_at
      THEN holder_spans.started_at
      ELSE states.started_at
    END AS started_at,
    CASE
      WHEN holder_spans.ended_at < states.ended_at OR states.ended_at IS NULL
      THEN holder_spans.ended_at
      ELSE states.ended_at
    END AS ended_at,
    states.is_open AND holder_spans.ended_at IS NULL AS is_open
  FROM states
  LEFT JOIN holder_spans
    ON states.case_number = holder_spans.case_number
    AND (
      holder_spans.ended_at IS NULL
      OR holder_spans.ended_at > states.started_at
      OR holder_spans.started_at >= states.started_at
    )
    AND (
      states.ended_at IS NULL OR holder_spans.started_at < states.ended_at
    )
), numbered_spans AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY case_number ORDER BY started_at NULLS LAST, stint NULLS LAST) AS span_number
  FROM span_parts
), spans AS (
  SELECT
    numbered_spans.*,
    COALESCE(team_calendars.calendar, 'desk') AS calendar
  FROM numbered_spans
  LEFT JOIN staging.team_calendars AS team_calendars
    ON numbered_spans.team = team_calendars.team
), ownership_rules AS (
  SELECT
    MAX(inactive_after_seconds) AS inactive_after_seconds
  FROM staging.ownership_rules
), long_cases AS (
  SELECT
    cases.case_number,
    cases.case_id,
    cases.intake_ts
  FROM cases
  CROSS JOIN ownership_rules AS rules
  WHERE
    cases.last_terminal_at IS NULL
    OR UNIX_MICROS(CAST(cases.last_terminal_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) > rules.inactive_after_seconds * 1000000
), activity_instants AS (
  SELECT
    case_number,
    intake_ts AS happened_at
  FROM long_cases
  UNION ALL
  SELECT
    cases.case_number,
    CASE
      WHEN events.canonical_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE events.canonical_ts
    END AS happened_at
  FROM staging.events_clean AS events
  INNER JOIN long_cases AS cases
    ON events.case_id = cases.case_id
  WHERE
    events.intake_date >= :start_date AND events.intake_date < :end_date
  UNION ALL
  SELECT
    cases.case_number,
    CASE
      WHEN messages.sent_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE messages.sent_ts
    END AS happened_at
  FROM staging.messages_deduped AS messages
  INNER JOIN long_cases AS cases
    ON messages.case_id = cases.case_id
  WHERE
    messages.intake_date >= :start_date AND messages.intake_date < :end_date
  UNION ALL
  SELECT
    cases.case_number,
    CASE
      WHEN changes.changed_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE changes.changed_ts
    END AS happened_at
  FROM raw.attribute_changes AS changes
  INNER JOIN long_cases AS cases
    ON changes.case_id = cases.case_id
  WHERE
    changes.intake_date >= :start_date AND changes.intake_date < :end_date
), gaps AS (
  SELECT
    case_number,
    happened_at,
    LEAD(happened_at) OVER (PARTITION BY case_number ORDER BY happened_at NULLS LAST) AS next_happened_at
  FROM activity_instants
), silences AS (
  SELECT
    gaps.case_number,
    CAST(gaps.happened_at + rules.inactive_after_seconds * INTERVAL '1' SECOND AS TIMESTAMP_NTZ) AS from_at,
    gaps.next_happened_at AS to_at
  FROM gaps
  CROSS JOIN ownership_rules AS rules
  WHERE
    UNIX_MICROS(CAST(gaps.next_happened_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(gaps.happened_at AS TIMESTAMP_LTZ)) > rules.inactive_after_seconds * 1000000
), silent_parts AS (
  SELECT
    spans.case_number,
    spans.span_number,
    spans.calendar,
    CASE
      WHEN silences.from_at > spans.started_at
      THEN silences.from_at
      ELSE spans.started_at
    END AS from_at,
    CASE
      WHEN silences.to_at < spans.ended_at
      THEN silences.to_at
      ELSE spans.ended_at
    END AS to_at
  FROM spans
  INNER JOIN silences
    ON spans.case_number = silences.case_number
    AND spans.started_at < silences.to_at
    AND spans.ended_at > silences.from_at
  WHERE
    spans.state <> 'done'
), silences_in_open_time AS (
  SELECT
    silent_parts.case_number,
    silent_parts.span_number,
    CAST(UNIX_MICROS(CAST(silent_parts.to_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(silent_parts.from_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS calendar_seconds,
    stop_time.open_seconds_before + CASE
      WHEN stop_time.is_open
      THEN CAST(UNIX_MICROS(CAST(silent_parts.to_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END - start_time.open_seconds_before - CASE
      WHEN start_time.is_open
      THEN CAST(UNIX_MICROS(CAST(silent_parts.from_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS business_seconds
  FROM silent_parts
  LEFT JOIN staging.business_time AS start_time
    ON silent_parts.calendar = start_time.calendar
    AND CAST(silent_parts.from_at AS DATE) = start_time.utc_date
    AND silent_parts.from_at >= start_time.segment_start_at
    AND silent_parts.from_at < start_time.segment_end_at
  LEFT JOIN staging.business_time AS stop_time
    ON silent_parts.calendar = stop_time.calendar
    AND CAST(silent_parts.to_at AS DATE) = stop_time.utc_date
    AND silent_parts.to_at >= stop_time.segment_start_at
    AND silent_parts.to_at < stop_time.segment_end_at
), silent_seconds AS (
  SELECT
    case_number,
    span_number,
    SUM(calendar_seconds) AS calendar_seconds,
    SUM(business_seconds) AS business_seconds
  FROM silences_in_open_time
  GROUP BY
    case_number,
    span_number
)
SELECT
  cases.source,
  cases.case_id,
  cases.intake_date,
  CAST(spans.span_number AS BIGINT) AS span_number,
  spans.started_at,
  spans.ended_at,
  spans.is_open,
  CAST(spans.stint AS BIGINT) AS stint,
  CASE WHEN spans.team = '' THEN 'UNASSIGNED' ELSE spans.team END AS team,
  NULLIF(spans.agent, '') AS agent,
  spans.state,
  spans.is_holding_start,
  spans.held_from_at,
  spans.held_to_at,
  spans.is_team_new,
  spans.is_team_left,
  spans.event_id,
  spans.calendar,
  CAST(CAST(UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS BIGINT) AS calendar_seconds,
  CAST(stop_time.open_seconds_before + CASE
    WHEN stop_time.is_open
    THEN CAST(UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ELSE 0
  END - start_time.open_seconds_before - CASE
    WHEN start_time.is_open
    THEN CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ELSE 0
  END AS BIGINT) AS business_seconds,
  CAST(CASE
    WHEN NOT spans.ended_at IS NULL
    THEN COALESCE(silent_seconds.calendar_seconds, 0)
  END AS BIGINT) AS inactive_calendar_seconds,
  CAST(CASE
    WHEN NOT silent_seconds.calendar_seconds IS NULL
    THEN silent_seconds.business_seconds
    WHEN NOT spans.ended_at IS NULL
    THEN 0
  END AS BIGINT) AS inactive_business_seconds
FROM spans
INNER JOIN cases
  ON spans.case_number = cases.case_number
LEFT JOIN silent_seconds
  ON spans.case_number = silent_seconds.case_number
  AND spans.span_number = silent_seconds.span_number
LEFT JOIN staging.business_time AS start_time
  ON spans.calendar = start_time.calendar
  AND CAST(spans.started_at AS DATE) = start_time.utc_date
  AND spans.started_at >= start_time.segment_start_at
  AND spans.started_at < start_time.segment_end_at
LEFT JOIN staging.business_time AS stop_time
  ON spans.calendar = stop_time.calendar
  AND CAST(spans.ended_at AS DATE) = stop_time.utc_date
  AND spans.ended_at >= stop_time.segment_start_at
  AND spans.ended_at < stop_time.segment_end_at
