-- The Spark SQL of sql/mart/risk/risk_features.sql, written by `make docs`.
WITH instants AS (
  SELECT
    case_id,
    intake_date,
    policy,
    metric,
    cycle,
    predicted_at
  FROM mart.risk_instants
), bounds AS (
  SELECT
    MIN(intake_date) AS first_intake_date,
    MAX(intake_date) AS last_intake_date,
    CAST(MIN(predicted_at) AS DATE) - INTERVAL '40' DAY AS first_date,
    CAST(MAX(predicted_at) AS DATE) + INTERVAL '1' DAY AS last_date
  FROM instants
), instant_cases AS (
  SELECT
    case_id,
    intake_date,
    predicted_at
  FROM instants
  GROUP BY
    case_id,
    intake_date,
    predicted_at
), wanted_cases AS (
  SELECT
    case_id,
    intake_date
  FROM instants
  GROUP BY
    case_id,
    intake_date
), clock_states AS (
  SELECT
    instants.case_id,
    instants.intake_date,
    instants.policy,
    instants.metric,
    instants.cycle,
    instants.predicted_at,
    clocks.source,
    clocks.calendar,
    clocks.state,
    clocks.started_at,
    clocks.running_seconds_before,
    clocks.open_seconds_at_start,
    clocks.target_seconds,
    clocks.due_at
  FROM instants
  INNER JOIN staging.backlog_clocks AS clocks
    ON instants.case_id = clocks.case_id
    AND instants.intake_date = clocks.intake_date
    AND instants.policy = clocks.policy
    AND instants.metric = clocks.metric
    AND instants.cycle = clocks.cycle
    AND instants.predicted_at > clocks.started_at
    AND (
      clocks.stopped_at IS NULL OR instants.predicted_at <= clocks.stopped_at
    )
), calendar_instants AS (
  SELECT
    looked.calendar,
    looked.predicted_at,
    segments.is_open AS is_calendar_open,
    segments.open_seconds_before + CASE
      WHEN segments.is_open
      THEN CAST(UNIX_MICROS(CAST(looked.predicted_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(segments.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds
  FROM (
    SELECT DISTINCT
      calendar,
      predicted_at
    FROM clock_states
  ) AS looked
  INNER JOIN staging.business_time AS segments
    ON looked.calendar = segments.calendar
    AND CAST(looked.predicted_at AS DATE) = segments.utc_date
    AND looked.predicted_at >= segments.segment_start_at
    AND looked.predicted_at < segments.segment_end_at
), promises AS (
  SELECT
    clock_states.case_id,
    clock_states.policy,
    clock_states.metric,
    clock_states.cycle,
    clock_states.predicted_at,
    MAX(promises.target_seconds) AS promised_seconds
  FROM clock_states
  INNER JOIN staging.case_sla_policies AS promises
    ON clock_states.case_id = promises.case_id
    AND clock_states.intake_date = promises.intake_date
    AND clock_states.metric = promises.metric
    AND clock_states.policy = promises.policy
  WHERE
    promises.in_force_from_at < clock_states.predicted_at
    AND (
      promises.in_force_to_at IS NULL
      OR promises.in_force_to_at >= clock_states.predicted_at
    )
  GROUP BY
    clock_states.case_id,
    clock_states.policy,
    clock_states.metric,
    clock_states.cycle,
    clock_states.predicted_at
), case_events AS (
  SELECT
    events.case_id,
    events.status,
    events.canonical_ts,
    events.ingestion_ts,
    LAG(events.status) OVER events_in_order AS previous_status,
    ROW_NUMBER() OVER events_in_order AS event_number,
    SUM(CASE WHEN events.is_reopen THEN 1 ELSE 0 END) OVER (
      PARTITION BY events.case_id
      ORDER BY events.canonical_ts NULLS LAST, events.source_sequence NULLS LAST, events.event_id NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS reopens
  FROM staging.events_clean AS events
  INNER JOIN wanted_cases
    ON events.case_id = wanted_cases.case_id
    AND events.intake_date = wanted_cases.intake_date
  WINDOW events_in_order AS (
    PARTITION BY events.case_id
    ORDER BY events.canonical_ts NULLS LAST, events.source_sequence NULLS LAST, events.event_id NULLS LAST
  )
), known_events AS (
  SELECT
    instant_cases.case_id,
    instant_cases.predicted_at,
    COUNT(*) AS events,
    MAX(events.event_number) AS last_event_number,
    MAX(events.ingestion_ts) AS last_received_at
  FROM instant_cases
  INNER JOIN case_events AS events
    ON instant_cases.case_id = events.case_id
    AND instant_cases.predicted_at > events.canonical_ts
  GROUP BY
    instant_cases.case_id,
    instant_cases.predicted_at
), case_messages AS (
  SELECT
    instant_cases.case_id,
    instant_cases.predicted_at,
    COUNT(*) FILTER(WHERE
      messages.signal = 'CUSTOMER_MESSAGE') AS customer_messages,
    COUNT(*) FILTER(WHERE
      messages.signal = 'PUBLIC_REPLY') AS replies,
    MAX(messages.sent_ts) FILTER(WHERE
      messages.signal = 'CUSTOMER_MESSAGE') AS last_customer_message_at
  FROM instant_cases
  INNER JOIN staging.messages_deduped AS messages
    ON instant_cases.case_id = messages.case_id
    AND instant_cases.intake_date = messages.intake_date
    AND instant_cases.predicted_at > messages.sent_ts
  GROUP BY
    instant_cases.case_id,
    instant_cases.predicted_at
), known_spans AS (
  SELECT
    instant_cases.case_id,
    instant_cases.predicted_at,
    spans.started_at,
    spans.began_with,
    spans.is_queue_kept_at_start,
    spans.team,
    spans.agent,
    spans.priority,
    spans.tier,
    spans.stint_started_at,
    spans.waits_for
  FROM instant_cases
  INNER JOIN staging.backlog_spans AS spans
    ON instant_cases.case_id = spans.case_id
    AND instant_cases.intake_date = spans.intake_date
    AND instant_cases.predicted_at > spans.started_at
  WHERE
    spans.is_open
), case_spans AS (
  SELECT
    case_id,
    predicted_at,
    MAX(started_at) AS span_started_at,
    COUNT(*) FILTER(WHERE
      began_with = 'changed' AND NOT is_queue_kept_at_start) AS queue_changes
  FROM known_spans
  GROUP BY
    case_id,
    predicted_at
), case_states AS (
  SELECT
    case_spans.case_id,
    case_spans.predicted_at,
    case_spans.queue_changes,
    spans.team,
    spans.agent,
    spans.priority,
    spans.tier,
    spans.stint_started_at,
    spans.waits_for
  FROM case_spans
  INNER JOIN known_spans AS spans
    ON case_spans.case_id = spans.case_id
    AND case_spans.predicted_at = spans.predicted_at
    AND case_spans.span_started_at = spans.started_at
), attributes AS (
  SELECT
    instant_cases.case_id,
    instant_cases.predicted_at,
    MAX(CASE WHEN attributes.attribute = 'case_type' THEN 1 ELSE 0 END) AS has_case_type,
    MAX(CASE WHEN attributes.attribute = 'case_type' THEN attributes.value END) AS case_type,
    MAX(CASE WHEN attributes.attribute = 'channel' THEN 1 ELSE 0 END) AS has_channel,
    MAX(CASE WHEN attributes.attribute = 'channel' THEN attributes.value END) AS channel,
    MAX(CASE WHEN attributes.attribute = 'region' THEN 1 ELSE 0 END) AS has_region,
    MAX(CASE WHEN attributes.attribute = 'region' THEN attributes.value END) AS region,
    MAX(CASE WHEN attributes.attribute = 'brand' THEN 1 ELSE 0 END) AS has_brand,
    MAX(CASE WHEN attributes.attribute = 'brand' THEN attributes.value END) AS brand
  FROM instant_cases
  INNER JOIN staging.case_attributes AS attributes
    ON instant_cases.case_id = attributes.case_id
    AND instant_cases.intake_date = attributes.intake_date
    AND attributes.valid_from_at < instant_cases.predicted_at
    AND (
      attributes.valid_to_at IS NULL
      OR attributes.valid_to_at >= instant_cases.predicted_at
    )
  WHERE
    attributes.attribute IN ('case_type', 'channel', 'region', 'brand')
  GROUP BY
    instant_cases.case_id,
    instant_cases.predicted_at
), final_values AS (
  SELECT
    source,
    MAX(CASE WHEN attribute = 'team' THEN 1 ELSE 0 END) AS is_team_final,
    MAX(CASE WHEN attribute = 'agent' THEN 1 ELSE 0 END) AS is_agent_final,
    MAX(CASE WHEN attribute = 'priority' THEN 1 ELSE 0 END) AS is_priority_final,
    MAX(CASE WHEN attribute = 'tier' THEN 1 ELSE 0 END) AS is_tier_final,
    MAX(CASE WHEN attribute = 'case_type' THEN 1 ELSE 0 END) AS is_case_type_final,
    MAX(CASE WHEN attribute = 'channel' THEN 1 ELSE 0 END) AS is_channel_final,
    MAX(CASE WHEN attribute = 'region' THEN 1 ELSE 0 END) AS is_region_final,
    MAX(CASE WHEN attribute = 'brand' THEN 1 ELSE 0 END) AS is_brand_final
  FROM staging.final_attributes
  GROUP BY
    source
), desk_instants AS (
  SELECT
    looked.predicted_at,
    desk_time.local_date,
    midnights.starts_at
  FROM (
    SELECT DISTINCT
      predicted_at
    FROM instants
  ) AS looked
  INNER JOIN staging.business_time AS desk_time
    ON desk_time.calendar = 'desk'
    AND CAST(looked.predicted_at AS DATE) = desk_time.utc_date
    AND looked.predicted_at >= desk_time.segment_start_at
    AND looked.predicted_at < desk_time.segment_end_at
  INNER JOIN (
    SELECT
      local_date,
      MIN(segment_start_at) AS starts_at
    FROM staging.business_time
    WHERE
      calendar = 'desk'
    GROUP BY
      local_date
  ) AS midnights
    ON desk_time.local_date = midnights.local_date
), desk_dates AS (
  SELECT DISTINCT
    desk_time.local_date
  FROM staging.business_time AS desk_time
  CROSS JOIN bounds
  WHERE
    desk_time.calendar = 'desk'
    AND desk_time.local_date >= bounds.first_date
    AND desk_time.local_date <= bounds.last_date
), wanted_queues AS (
  SELECT DISTINCT
    COALESCE(team, 'none') AS queue
  FROM case_states
), queue_day_movements AS (
  SELECT
    movements.queue_name,
    CASE
      WHEN movements.counted_from_date < bounds.first_date
      THEN CAST(bounds.first_date AS DATE)
      ELSE movements.counted_from_date
    END AS counted_from_date,
    SUM(movements.arrived_cases) AS arrived_cases,
    SUM(movements.gone_cases) AS gone_cases
  FROM staging.queue_movements AS movements
  CROSS JOIN bounds
  WHERE
    movements.counted_from_date <= bounds.last_date
  GROUP BY
    movements.queue_name,
    CASE
      WHEN movements.counted_from_date < bounds.first_date
      THEN CAST(bounds.first_date AS DATE)
      ELSE movements.counted_from_date
    END
), loaded_dates AS (
  SELECT DISTINCT
    intake_date
  FROM ops.partition_as_of
), loaded_bounds AS (
  SELECT
    MIN(intake_date) AS first_date,
    MAX(intake_date) AS last_date
  FROM loaded_dates
), queue_days AS (
  SELECT
    wanted_queues.queue,
    desk_dates.local_date,
    SUM(COALESCE(movements.arrived_cases, 0) - COALESCE(movements.gone_cases, 0)) OVER (
      PARTITION BY wanted_queues.queue
      ORDER BY desk_dates.local_date NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS open_cases,
    SUM(
      CASE
        WHEN desk_dates.local_date > bounds.first_date
        THEN COALESCE(movements.gone_cases, 0)
        ELSE 0
      END
    ) OVER (
      PARTITION BY wanted_queues.queue
      ORDER BY desk_dates.local_date NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS gone_cases_so_far,
    SUM(
      CASE
        WHEN loaded_dates.intake_date IS NULL
        AND desk_dates.local_date > loaded_bounds.first_date
        AND desk_dates.local_date < loaded_bounds.last_date
        THEN 1
        ELSE 0
      END
    ) OVER (
      PARTITION BY wanted_queues.queue
      ORDER BY desk_dates.local_date NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS unloaded_dates_so_far
  FROM wanted_queues
  CROSS JOIN desk_dates
  CROSS JOIN bounds
  CROSS JOIN loaded_bounds
  LEFT JOIN loaded_dates
    ON desk_dates.local_date = loaded_dates.intake_date
  LEFT JOIN queue_day_movements AS movements
    ON wanted_queues.queue = movements.queue_name
    AND desk_dates.local_date = movements.counted_from_date
), numbered_queue_days AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY queue ORDER BY local_date NULLS LAST) AS day_number
  FROM queue_days
), queue_states AS (
  SELECT
    days.queue,
    days.local_date,
    MAX(days.open_cases) AS open_cases,
    CASE
      WHEN MAX(days.day_number) > 28
      AND MAX(days.unloaded_dates_so_far) = MIN(earlier.unloaded_dates_so_far)
      THEN CAST(SUM(earlier.open_cases) AS DOUBLE) / CAST(4.0 AS DOUBLE)
    END AS usual_open_cases,
    CASE
      WHEN MAX(days.day_number) > 28
      AND MAX(days.unloaded_dates_so_far) = MIN(earlier.unloaded_dates_so_far)
      THEN CAST(MAX(days.gone_cases_so_far) - MIN(earlier.gone_cases_so_far) AS DOUBLE) / CAST(28.0 AS DOUBLE)
    END AS gone_cases_per_day
  FROM numbered_queue_days AS days
  LEFT JOIN queue_days AS earlier
    ON days.queue = earlier.queue
    AND (
      days.local_date = earlier.local_date + INTERVAL '7' DAY
      OR days.local_date = earlier.local_date + INTERVAL '14' DAY
      OR days.local_date = earlier.local_date + INTERVAL '21' DAY
      OR days.local_date = earlier.local_date + INTERVAL '28' DAY
    )
  GROUP BY
    days.queue,
    days.local_date
)
SELECT
  clock_states.source,
  clock_states.case_id,
  clock_states.intake_date,
  clock_states.policy,
  clock_states.metric,
  clock_states.cycle,
  clock_states.predicted_at,
  COALESCE(known_events.last_received_at < clock_states.predicted_at, TRUE) AS is_received,
  NOT promises.promised_seconds IS NULL
  AND promises.promised_seconds = clock_states.target_seconds AS is_promise_in_force,
  clock_states.calendar,
  clock_states.state = 'paused' AS is_paused,
  calendar_instants.is_calendar_open,
  CAST(CASE
    WHEN clock_states.state = 'running'
    THEN clock_states.running_seconds_before + calendar_instants.open_seconds - clock_states.open_seconds_at_start
    ELSE clock_states.running_seconds_before
  END AS BIGINT) AS elapsed_seconds,
  clock_states.target_seconds,
  CAST(CAST(CASE
    WHEN clock_states.state = 'running'
    THEN clock_states.running_seconds_before + calendar_instants.open_seconds - clock_states.open_seconds_at_start
    ELSE clock_states.running_seconds_before
  END AS DOUBLE) / CAST(NULLIF(clock_states.target_seconds, 0) AS DOUBLE) AS DOUBLE) AS target_used_share,
  CAST(clock_states.target_seconds - CASE
    WHEN clock_states.state = 'running'
    THEN clock_states.running_seconds_before + calendar_instants.open_seconds - clock_states.open_seconds_at_start
    ELSE clock_states.running_seconds_before
  END AS BIGINT) AS remaining_seconds,
  clock_states.due_at,
  CAST(CAST(CAST(UNIX_MICROS(CAST(clock_states.due_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(clock_states.predicted_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS due_in_calendar_minutes,
  CAST(CAST(CAST(UNIX_MICROS(CAST(clock_states.predicted_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS known_age_calendar_minutes,
  last_events.status AS known_status,
  last_events.previous_status,
  CAST(CAST(CAST(UNIX_MICROS(CAST(clock_states.predicted_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(last_events.canonical_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS unchanged_calendar_minutes,
  CAST(COALESCE(known_events.events, 0) AS BIGINT) AS known_events,
  CAST(COALESCE(last_events.reopens, 0) AS BIGINT) AS known_reopen_count,
  CAST(COALESCE(case_states.queue_changes, 0) AS BIGINT) AS known_handoff_count,
  CAST(COALESCE(case_messages.customer_messages, 0) AS BIGINT) AS known_message_count,
  CAST(COALESCE(case_messages.replies, 0) AS BIGINT) AS known_reply_count,
  case_states.waits_for,
  CAST(CAST(CAST(UNIX_MICROS(CAST(clock_states.predicted_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(case_states.stint_started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS known_stint_calendar_minutes,
  CASE WHEN COALESCE(final_values.is_team_final, 0) = 0 THEN case_states.team END AS team,
  CASE WHEN COALESCE(final_values.is_agent_final, 0) = 0 THEN case_states.agent END AS agent,
  CASE
    WHEN COALESCE(final_values.is_priority_final, 0) = 0
    THEN case_states.priority
  END AS priority,
  CASE WHEN COALESCE(final_values.is_tier_final, 0) = 0 THEN case_states.tier END AS tier,
  CASE
    WHEN final_values.is_case_type_final = 1
    THEN NULL
    WHEN attributes.has_case_type = 1
    THEN attributes.case_type
    ELSE cases.case_type
  END AS case_type,
  CASE
    WHEN final_values.is_channel_final = 1
    THEN NULL
    WHEN attributes.has_channel = 1
    THEN attributes.channel
    ELSE cases.channel
  END AS channel,
  CASE
    WHEN final_values.is_region_final = 1
    THEN NULL
    WHEN attributes.has_region = 1
    THEN attributes.region
    ELSE cases.region
  END AS region,
  CASE
    WHEN final_values.is_brand_final = 1
    THEN NULL
    WHEN attributes.has_brand = 1
    THEN attributes.brand
    ELSE cases.brand
  END AS brand,
  CAST(DATEDIFF(DAY, CAST('1900-01-01' AS DATE), desk_instants.local_date) - CAST(DATEDIFF(DAY, CAST('1900-01-01' AS DATE), desk_instants.local_date) AS BIGINT) DIV CAST(7 AS BIGINT) * 7 + 1 AS BIGINT) AS weekday_number,
  CAST(CAST(CAST(UNIX_MICROS(CAST(clock_states.predicted_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(desk_instants.starts_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS since_midnight_calendar_minutes,
  CAST(CASE
    WHEN COALESCE(final_values.is_team_final, 0) = 0
    THEN queue_states.open_cases
  END AS BIGINT) AS queue_open_cases,
  CAST(CASE
    WHEN COALESCE(final_values.is_team_final, 0) = 0
    THEN queue_states.usual_open_cases
  END AS DOUBLE) AS usual_queue_open_cases,
  CAST(CASE
    WHEN COALESCE(final_values.is_team_final, 0) = 0
    THEN queue_states.gone_cases_per_day
  END AS DOUBLE) AS queue_gone_cases_per_day
FROM clock_states
INNER JOIN staging.case_milestones AS cases
  ON clock_states.case_id = cases.case_id
  AND clock_states.intake_date = cases.intake_date
LEFT JOIN calendar_instants
  ON clock_states.calendar = calendar_instants.calendar
  AND clock_states.predicted_at = calendar_instants.predicted_at
LEFT JOIN promises
  ON clock_states.case_id = promises.case_id
  AND clock_states.policy = promises.policy
  AND clock_states.metric = promises.metric
  AND clock_states.cycle = promises.cycle
  AND clock_states.predicted_at = promises.predicted_at
LEFT JOIN known_events
  ON clock_states.case_id = known_events.case_id
  AND clock_states.predicted_at = known_events.predicted_at
LEFT JOIN case_events AS last_events
  ON known_events.case_id = last_events.case_id
  AND known_events.last_event_number = last_events.event_number
LEFT JOIN case_messages
  ON clock_states.case_id = case_messages.case_id
  AND clock_states.predicted_at = case_messages.predicted_at
LEFT JOIN case_states
  ON clock_states.case_id = case_states.case_id
  AND clock_states.predicted_at = case_states.predicted_at
LEFT JOIN attributes
  ON clock_states.case_id = attributes.case_id
  AND clock_states.predicted_at = attributes.predicted_at
LEFT JOIN final_values
  ON clock_states.source = final_values.source
LEFT JOIN desk_instants
  ON clock_states.predicted_at = desk_instants.predicted_at
LEFT JOIN queue_states
  ON COALESCE(case_states.team, 'none') = queue_states.queue
  AND desk_instants.local_date = queue_states.local_date + INTERVAL '1' DAY
