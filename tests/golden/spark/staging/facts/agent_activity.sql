-- The Spark SQL of sql/staging/facts/agent_activity.sql, written by `make docs`.
WITH holders AS (
  SELECT
    source,
    case_id,
    intake_date,
    agent,
    held_from_at AS started_at,
    held_to_at AS ended_at,
    is_team_new
  FROM staging.ownership_spans
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND is_holding_start
    AND NOT agent IS NULL
), kept_cases AS (
  SELECT
    holders.case_id,
    holders.intake_date,
    holders.started_at
  FROM holders
  INNER JOIN holders AS previous_holders
    ON holders.case_id = previous_holders.case_id
    AND holders.intake_date = previous_holders.intake_date
    AND holders.started_at = previous_holders.ended_at
    AND holders.agent = previous_holders.agent
  WHERE
    holders.is_team_new
), ends AS (
  SELECT
    case_id,
    intake_date,
    status,
    canonical_ts,
    source_sequence,
    event_id
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND status IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
), cases_with_several_ends AS (
  SELECT
    case_id,
    intake_date
  FROM ends
  GROUP BY
    case_id,
    intake_date
  HAVING
    COUNT(*) > 1
), events_in_order AS (
  SELECT
    events.case_id,
    events.intake_date,
    events.event_id,
    LAG(events.status) OVER (
      PARTITION BY events.case_id, events.intake_date
      ORDER BY events.source_sequence NULLS LAST, events.event_id NULLS LAST
    ) AS status_before
  FROM staging.events_clean AS events
  INNER JOIN cases_with_several_ends AS cases
    ON events.case_id = cases.case_id AND events.intake_date = cases.intake_date
  WHERE
    events.intake_date >= :start_date AND events.intake_date < :end_date
), reopens AS (
  SELECT
    case_id,
    intake_date,
    source_sequence,
    event_id,
    ROW_NUMBER() OVER (PARTITION BY case_id, intake_date ORDER BY source_sequence DESC, event_id DESC) AS number_from_the_last
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND is_reopen
), resolutions AS (
  SELECT
    ends.case_id,
    ends.intake_date,
    CASE
      WHEN ends.canonical_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE ends.canonical_ts
    END AS resolved_at,
    COALESCE(
      reopens.source_sequence > ends.source_sequence
      OR (
        reopens.source_sequence = ends.source_sequence
        AND reopens.event_id > ends.event_id
      ),
      FALSE
    ) AS is_reopened
  FROM ends
  INNER JOIN staging.case_milestones AS cases
    ON ends.case_id = cases.case_id AND ends.intake_date = cases.intake_date
  LEFT JOIN events_in_order AS events
    ON ends.case_id = events.case_id
    AND ends.intake_date = events.intake_date
    AND ends.event_id = events.event_id
  LEFT JOIN reopens
    ON ends.case_id = reopens.case_id
    AND ends.intake_date = reopens.intake_date
    AND reopens.number_from_the_last = 1
  WHERE
    cases.intake_date >= :start_date
    AND cases.intake_date < :end_date
    AND ends.status IN ('RESOLVED', 'CLOSED')
    AND NOT COALESCE(events.status_before, 'INTAKE') IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
), activities AS (
  SELECT
    source,
    agent,
    sent_ts AS happened_at,
    case_id,
    intake_date,
    CASE WHEN signal = 'PUBLIC_REPLY' THEN 'public_reply' ELSE 'private_note' END AS activity
  FROM staging.messages_deduped
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND NOT agent IS NULL
    AND signal IN ('PUBLIC_REPLY', 'PRIVATE_NOTE')
  UNION ALL
  SELECT
    holders.source,
    holders.agent,
    holders.started_at AS happened_at,
    holders.case_id,
    holders.intake_date,
    'taken' AS activity
  FROM holders
  LEFT JOIN kept_cases
    ON holders.case_id = kept_cases.case_id
    AND holders.intake_date = kept_cases.intake_date
    AND holders.started_at = kept_cases.started_at
  WHERE
    kept_cases.case_id IS NULL
  UNION ALL
  SELECT
    holders.source,
    holders.agent,
    resolutions.resolved_at AS happened_at,
    resolutions.case_id,
    resolutions.intake_date,
    CASE WHEN resolutions.is_reopened THEN 'resolved_and_reopened' ELSE 'resolved' END AS activity
  FROM resolutions
  INNER JOIN holders
    ON resolutions.case_id = holders.case_id
    AND resolutions.intake_date = holders.intake_date
    AND resolutions.resolved_at >= holders.started_at
    AND (
      holders.ended_at IS NULL OR resolutions.resolved_at < holders.ended_at
    )
), dated_activities AS (
  SELECT
    activities.source,
    activities.agent,
    activities.case_id,
    activities.intake_date,
    activities.activity,
    CAST(DATE_TRUNC('MONTH', COALESCE(local_time.local_date, CAST(activities.happened_at AS DATE))) AS DATE) AS month_date
  FROM activities
  LEFT JOIN staging.business_time AS local_time
    ON local_time.calendar = 'desk'
    AND CAST(activities.happened_at AS DATE) = local_time.utc_date
    AND activities.happened_at >= local_time.segment_start_at
    AND activities.happened_at < local_time.segment_end_at
), cases_of_agents AS (
  SELECT
    intake_date,
    source,
    month_date,
    agent,
    case_id,
    COUNT(*) FILTER(WHERE
      activity = 'public_reply') AS public_replies,
    COUNT(*) FILTER(WHERE
      activity = 'private_note') AS private_notes,
    BOOL_OR(activity = 'taken') AS is_taken,
    BOOL_OR(activity IN ('resolved', 'resolved_and_reopened')) AS is_resolved,
    BOOL_OR(activity = 'resolved_and_reopened') AS is_reopened_after
  FROM dated_activities
  GROUP BY
    intake_date,
    source,
    month_date,
    agent,
    case_id
)
SELECT
  intake_date,
  source,
  month_date,
  agent,
  CAST(SUM(public_replies) AS BIGINT) AS public_reply_count,
  CAST(SUM(private_notes) AS BIGINT) AS private_note_count,
  CAST(COUNT(*) FILTER(WHERE
    is_taken) AS BIGINT) AS taken_cases,
  CAST(COUNT(*) FILTER(WHERE
    is_resolved) AS BIGINT) AS resolved_cases,
  CAST(COUNT(*) FILTER(WHERE
    is_reopened_after) AS BIGINT) AS reopened_after_cases
FROM cases_of_agents
GROUP BY
  intake_date,
  source,
  month_date,
  agent
