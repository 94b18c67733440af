-- The Spark SQL of sql/mart/facts/agent_activity.sql, written by `make docs`.
WITH holders AS (
  SELECT
    source,
    case_id,
    intake_date,
    agent,
    started_at,
    ended_at,
    LAG(agent) OVER (PARTITION BY case_id, intake_date ORDER BY started_at NULLS LAST) AS agent_before
  FROM staging.case_owners
), cases_with_agents AS (
  SELECT DISTINCT
    case_id,
    intake_date
  FROM staging.case_owners
  WHERE
    NOT agent IS NULL
), events_in_order AS (
  SELECT
    events.case_id,
    events.intake_date,
    events.status,
    events.canonical_ts,
    LAG(events.status) OVER (
      PARTITION BY events.case_id, events.intake_date
      ORDER BY events.source_sequence NULLS LAST, events.event_id NULLS LAST
    ) AS status_before,
    MAX(CASE WHEN events.is_reopen THEN events.source_sequence END) OVER (
      PARTITION BY events.case_id, events.intake_date
      ORDER BY events.source_sequence NULLS LAST, events.event_id NULLS LAST
      rows BETWEEN 1 following AND UNBOUNDED following
    ) AS later_reopen_sequence
  FROM staging.events_clean AS events
  INNER JOIN cases_with_agents
    ON events.case_id = cases_with_agents.case_id
    AND events.intake_date = cases_with_agents.intake_date
), resolutions AS (
  SELECT
    events.case_id,
    events.intake_date,
    CASE
      WHEN events.canonical_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE events.canonical_ts
    END AS resolved_at,
    NOT events.later_reopen_sequence IS NULL AS is_reopened
  FROM events_in_order AS events
  INNER JOIN staging.case_milestones AS cases
    ON events.case_id = cases.case_id AND events.intake_date = cases.intake_date
  WHERE
    events.status IN ('RESOLVED', 'CLOSED')
    AND NOT COALESCE(events.status_before, 'INTAKE') IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
), activities AS (
  SELECT
    source,
    agent,
    sent_ts AS happened_at,
    case_id,
    CASE WHEN signal = 'PUBLIC_REPLY' THEN 'public_reply' ELSE 'private_note' END AS activity,
    CAST(NULL AS DOUBLE) AS business_minutes
  FROM staging.messages_deduped
  WHERE
    NOT agent IS NULL AND signal IN ('PUBLIC_REPLY', 'PRIVATE_NOTE')
  UNION ALL
  SELECT
    source,
    agent,
    started_at AS happened_at,
    case_id,
    'taken' AS activity,
    CAST(NULL AS DOUBLE) AS business_minutes
  FROM holders
  WHERE
    NOT agent IS NULL AND agent IS DISTINCT FROM agent_before
  UNION ALL
  SELECT
    holders.source,
    holders.agent,
    resolutions.resolved_at AS happened_at,
    resolutions.case_id,
    CASE WHEN resolutions.is_reopened THEN 'resolved_and_reopened' ELSE 'resolved' END AS activity,
    CAST(NULL AS DOUBLE) AS business_minutes
  FROM resolutions
  INNER JOIN holders
    ON resolutions.case_id = holders.case_id
    AND resolutions.intake_date = holders.intake_date
    AND resolutions.resolved_at >= holders.started_at
    AND (
      holders.ended_at IS NULL OR resolutions.resolved_at < holders.ended_at
    )
  WHERE
    NOT holders.agent IS NULL
  UNION ALL
  SELECT
    source,
    first_reply_agent AS agent,
    first_reply_at AS happened_at,
    case_id,
    'first_reply' AS activity,
    first_reply_business_minutes AS business_minutes
  FROM staging.first_replies
  WHERE
    NOT first_reply_agent IS NULL
), dated AS (
  SELECT
    activities.source,
    activities.agent,
    activities.case_id,
    activities.activity,
    activities.business_minutes,
    CAST(DATE_TRUNC('MONTH', COALESCE(local_time.local_date, CAST(activities.happened_at AS DATE))) AS DATE) AS month_date
  FROM activities
  LEFT JOIN staging.business_time AS local_time
    ON local_time.calendar = 'desk'
    AND CAST(activities.happened_at AS DATE) = local_time.utc_date
    AND activities.happened_at >= local_time.segment_start_at
    AND activities.happened_at < local_time.segment_end_at
)
SELECT
  source,
  month_date,
  agent,
  CAST(COUNT(*) FILTER(WHERE
    activity = 'public_reply') AS BIGINT) AS public_reply_count,
  CAST(COUNT(*) FILTER(WHERE
    activity = 'private_note') AS BIGINT) AS private_note_count,
  CAST(COUNT(DISTINCT case_id) FILTER(WHERE
    activity = 'taken') AS BIGINT) AS taken_cases,
  CAST(COUNT(DISTINCT case_id) FILTER(WHERE
    activity IN ('resolved', 'resolved_and_reopened')) AS BIGINT) AS resolved_cases,
  CAST(COUNT(DISTINCT case_id) FILTER(WHERE
    activity = 'resolved_and_reopened') AS BIGINT) AS reopened_after_cases,
  CAST(COUNT(DISTINCT case_id) FILTER(WHERE
    activity = 'first_reply') AS BIGINT) AS first_replied_cases,
  CAST(PERCENTILE(business_minutes, 0.5) AS DOUBLE) AS first_reply_p50_business_minutes
FROM dated
GROUP BY
  source,
  month_date,
  agent
