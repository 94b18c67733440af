-- The Spark SQL of sql/staging/facts/case_facts.sql, written by `make docs`.
WITH messages AS (
  SELECT
    case_id,
    intake_date,
    COUNT(*) FILTER(WHERE
      signal = 'PUBLIC_REPLY') AS public_replies,
    COUNT(*) FILTER(WHERE
      signal = 'BOT_REPLY') AS bot_replies,
    COUNT(*) FILTER(WHERE
      signal = 'CUSTOMER_MESSAGE') AS customer_messages,
    COUNT(*) FILTER(WHERE
      signal = 'PRIVATE_NOTE') AS private_notes
  FROM staging.messages_deduped
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id,
    intake_date
), openings AS (
  SELECT
    replies.case_id,
    replies.intake_date,
    COUNT(*) AS opening_replies
  FROM staging.messages_deduped AS replies
  INNER JOIN staging.case_milestones AS begun
    ON replies.case_id = begun.case_id AND replies.intake_date = begun.intake_date
  WHERE
    replies.intake_date >= :start_date
    AND replies.intake_date < :end_date
    AND replies.signal = 'PUBLIC_REPLY'
    AND begun.initiated_by IN ('agent', 'automation')
    AND replies.sent_ts <= begun.intake_ts
  GROUP BY
    replies.case_id,
    replies.intake_date
), cases AS (
  SELECT
    case_id,
    ROW_NUMBER() OVER (ORDER BY case_id NULLS LAST) AS case_number,
    intake_ts,
    CASE
      WHEN LEAST(resolved_ts, closed_ts) >= intake_ts
      THEN LEAST(resolved_ts, closed_ts)
    END AS first_resolution_ts,
    CASE
      WHEN is_open OR is_cancelled
      THEN NULL
      WHEN ended_at > intake_ts OR LEAST(resolved_ts, closed_ts) >= intake_ts
      THEN ended_at
    END AS full_resolution_ts
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), counted_cases AS (
  SELECT
    cases.*,
    intake_time.open_seconds_before + CASE
      WHEN intake_time.is_open
      THEN CAST(UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(intake_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_intake,
    first_time.open_seconds_before + CASE
      WHEN first_time.is_open
      THEN CAST(UNIX_MICROS(CAST(cases.first_resolution_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(first_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_first_resolution,
    full_time.open_seconds_before + CASE
      WHEN full_time.is_open
      THEN CAST(UNIX_MICROS(CAST(cases.full_resolution_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(full_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_full_resolution
  FROM cases
  LEFT JOIN staging.business_time AS intake_time
    ON intake_time.calendar = 'desk'
    AND CAST(cases.intake_ts AS DATE) = intake_time.utc_date
    AND cases.intake_ts >= intake_time.segment_start_at
    AND cases.intake_ts < intake_time.segment_end_at
  LEFT JOIN staging.business_time AS first_time
    ON first_time.calendar = 'desk'
    AND CAST(cases.first_resolution_ts AS DATE) = first_time.utc_date
    AND cases.first_resolution_ts >= first_time.segment_start_at
    AND cases.first_resolution_ts < first_time.segment_end_at
  LEFT JOIN staging.business_time AS full_time
    ON full_time.calendar = 'desk'
    AND CAST(cases.full_resolution_ts AS DATE) = full_time.utc_date
    AND cases.full_resolution_ts >= full_time.segment_start_at
    AND cases.full_resolution_ts < full_time.segment_end_at
), resolutions AS (
  SELECT
    case_id,
    case_number,
    CAST(UNIX_MICROS(CAST(first_resolution_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS first_calendar_seconds,
    open_seconds_at_first_resolution - open_seconds_at_intake AS first_business_seconds,
    CAST(UNIX_MICROS(CAST(full_resolution_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS full_calendar_seconds,
    open_seconds_at_full_resolution - open_seconds_at_intake AS full_business_seconds
  FROM counted_cases
), measured_spans AS (
  SELECT
    spans.case_id,
    spans.status = 'CUSTOMER_WAIT' AS is_agent_wait,
    spans.status IN ('ON_HOLD', 'VENDOR_WAIT') AS is_on_hold,
    CAST(UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS calendar_seconds,
    stop_time.open_seconds_before + CASE
      WHEN stop_time.is_open
      THEN CAST(UNIX_MICROS(CAST(spans.ended_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END - start_time.open_seconds_before - CASE
      WHEN start_time.is_open
      THEN CAST(UNIX_MICROS(CAST(spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS business_seconds
  FROM staging.status_spans AS spans
  LEFT JOIN staging.business_time AS start_time
    ON start_time.calendar = 'desk'
    AND CAST(spans.started_at AS DATE) = start_time.utc_date
    AND spans.started_at >= start_time.segment_start_at
    AND spans.started_at < start_time.segment_end_at
  LEFT JOIN staging.business_time AS stop_time
    ON stop_time.calendar = 'desk'
    AND CAST(spans.ended_at AS DATE) = stop_time.utc_date
    AND spans.ended_at >= stop_time.segment_start_at
    AND spans.ended_at < stop_time.segment_end_at
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND NOT spans.ended_at IS NULL
    AND NOT spans.status IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
), waits AS (
  SELECT
    case_id,
    SUM(calendar_seconds) FILTER(WHERE
      is_agent_wait) AS agent_calendar_seconds,
    SUM(business_seconds) FILTER(WHERE
      is_agent_wait) AS agent_business_seconds,
    SUM(calendar_seconds) FILTER(WHERE
      NOT is_agent_wait) AS requester_calendar_seconds,
    SUM(business_seconds) FILTER(WHERE
      NOT is_agent_wait) AS requester_business_seconds,
    SUM(calendar_seconds) FILTER(WHERE
      is_on_hold) AS on_hold_calendar_seconds,
    SUM(business_seconds) FILTER(WHERE
      is_on_hold) AS on_hold_business_seconds,
    COUNT(*) - COUNT(business_seconds) AS unmeasured_spans
  FROM measured_spans
  GROUP BY
    case_id
), case_times AS (
  SELECT
    resolutions.*,
    waits.agent_calendar_seconds,
    waits.agent_business_seconds,
    waits.requester_calendar_seconds,
    waits.requester_business_seconds,
    waits.on_hold_calendar_seconds,
    waits.on_hold_business_seconds,
    COALESCE(waits.unmeasured_spans, 0) = 0
    AND (
      resolutions.first_calendar_seconds IS NULL
      OR NOT resolutions.first_business_seconds IS NULL
    )
    AND (
      resolutions.full_calendar_seconds IS NULL
      OR NOT resolutions.full_business_seconds IS NULL
    ) AS is_measured
  FROM resolutions
  LEFT JOIN waits
    ON resolutions.case_id = waits.case_id
), holders AS (
  SELECT
    cases.case_number,
    NULLIF(spans.team, 'UNASSIGNED') AS team,
    spans.agent,
    LAST_VALUE(NULLIF(spans.team, 'UNASSIGNED')) IGNORE NULLS OVER (
      PARTITION BY cases.case_number
      ORDER BY spans.held_from_at NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND 1 preceding
    ) AS team_before,
    LAST_VALUE(spans.agent) IGNORE NULLS OVER (
      PARTITION BY cases.case_number
      ORDER BY spans.held_from_at NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND 1 preceding
    ) AS agent_before
  FROM staging.ownership_spans AS spans
  INNER JOIN cases
    ON spans.case_id = cases.case_id
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND spans.is_holding_start
), stations AS (
  SELECT
    case_number,
    COUNT(DISTINCT agent) AS agent_station_count,
    COUNT(DISTINCT team) AS team_station_count,
    COUNT(*) FILTER(WHERE
      team <> team_before OR agent <> agent_before) AS handoff_count
  FROM holders
  GROUP BY
    case_number
), first_replies AS (
  SELECT
    replies.case_id,
    replies.intake_date,
    replies.first_reply_at,
    replies.first_reply_agent,
    replies.first_reply_calendar_minutes,
    replies.first_reply_business_minutes,
    CAST(DATE_TRUNC('MONTH', COALESCE(local_time.local_date, CAST(replies.first_reply_at AS DATE))) AS DATE) AS first_reply_month_date
  FROM staging.first_replies AS replies
  LEFT JOIN staging.business_time AS local_time
    ON local_time.calendar = 'desk'
    AND CAST(replies.first_reply_at AS DATE) = local_time.utc_date
    AND replies.first_reply_at >= local_time.segment_start_at
    AND replies.first_reply_at < local_time.segment_end_at
  WHERE
    replies.intake_date >= :start_date AND replies.intake_date < :end_date
), facts AS (
  SELECT
    case_id,
    intake_date,
    rating_number,
    rating_word,
    rating_verdict,
    is_bot_involved,
    is_bot_resolved,
    handling_calendar_minutes,
    sla_name
  FROM staging.case_source_facts
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), dimensions AS (
  SELECT
    case_id,
    intake_date,
    LISTAGG(dimension_name || '=' || dimension_value, '; ') WITHIN GROUP (ORDER BY
      dimension_name NULLS LAST) AS dimensions
  FROM staging.case_dimensions
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id,
    intake_date
)
SELECT
  milestones.source,
  milestones.case_id,
  milestones.intake_date,
  milestones.intake_ts,
  milestones.priority,
  milestones.tier,
  milestones.case_type,
  milestones.team,
  milestones.agent,
  milestones.brand,
  milestones.region,
  milestones.channel,
  milestones.customer,
  CAST(dimensions.dimensions AS STRING) AS dimensions,
  milestones.initiated_by,
  milestones.merged_into,
  milestones.is_open,
  milestones.is_cancelled,
  CAST(COALESCE(messages.public_replies, 0) AS BIGINT) AS public_reply_count,
  CAST(COALESCE(messages.bot_replies, 0) AS BIGINT) AS bot_reply_count,
  CAST(COALESCE(messages.customer_messages, 0) AS BIGINT) AS customer_message_count,
  CAST(COALESCE(messages.private_notes, 0) AS BIGINT) AS private_note_count,
  CASE
    WHEN milestones.is_open OR milestones.is_cancelled
    THEN NULL
    ELSE messages.public_replies - COALESCE(openings.opening_replies, 0) <= 1
  END AS is_one_touch,
  milestones.reopen_count,
  CAST(COALESCE(stations.agent_station_count, 0) AS BIGINT) AS agent_station_count,
  CAST(COALESCE(stations.team_station_count, 0) AS BIGINT) AS team_station_count,
  CAST(COALESCE(stations.handoff_count, 0) AS BIGINT) AS handoff_count,
  first_replies.first_reply_at,
  first_replies.first_reply_agent,
  first_replies.first_reply_month_date,
  first_replies.first_reply_calendar_minutes,
  first_replies.first_reply_business_minutes,
  CAST(CAST(case_times.first_calendar_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS first_resolution_calendar_minutes,
  CAST(CAST(case_times.first_business_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS first_resolution_business_minutes,
  CAST(CAST(case_times.full_calendar_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS full_resolution_calendar_minutes,
  CAST(CAST(case_times.full_business_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS full_resolution_business_minutes,
  CAST(CAST(COALESCE(case_times.agent_calendar_seconds, 0) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS agent_wait_calendar_minutes,
  CAST(CAST(CASE
    WHEN case_times.is_measured
    THEN COALESCE(case_times.agent_business_seconds, 0)
  END AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS agent_wait_business_minutes,
  CAST(CAST(COALESCE(case_times.requester_calendar_seconds, 0) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS requester_wait_calendar_minutes,
  CAST(CAST(CASE
    WHEN case_times.is_measured
    THEN COALESCE(case_times.requester_business_seconds, 0)
  END AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS requester_wait_business_minutes,
  CAST(CAST(COALESCE(case_times.on_hold_calendar_seconds, 0) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS on_hold_calendar_minutes,
  CAST(CAST(CASE
    WHEN case_times.is_measured
    THEN COALESCE(case_times.on_hold_business_seconds, 0)
  END AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS on_hold_business_minutes,
  facts.rating_number,
  facts.rating_word,
  facts.rating_verdict,
  COALESCE(facts.is_bot_involved, messages.bot_replies > 0) AS is_bot_involved,
  facts.is_bot_resolved,
  facts.handling_calendar_minutes,
  facts.sla_name
FROM staging.case_milestones AS milestones
LEFT JOIN messages
  ON milestones.case_id = messages.case_id
  AND milestones.intake_date = messages.intake_date
LEFT JOIN openings
  ON milestones.case_id = openings.case_id
  AND milestones.intake_date = openings.intake_date
LEFT JOIN first_replies
  ON milestones.case_id = first_replies.case_id
  AND milestones.intake_date = first_replies.intake_date
INNER JOIN case_times
  ON milestones.case_id = case_times.case_id
LEFT JOIN stations
  ON case_times.case_number = stations.case_number
LEFT JOIN facts
  ON milestones.case_id = facts.case_id AND milestones.intake_date = facts.intake_date
LEFT JOIN dimensions
  ON milestones.case_id = dimensions.case_id
  AND milestones.intake_date = dimensions.intake_date
WHERE
  milestones.intake_date >= :start_date AND milestones.intake_date < :end_date
