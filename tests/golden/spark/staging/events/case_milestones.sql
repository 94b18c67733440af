-- The Spark SQL of sql/staging/events/case_milestones.sql, written by `make docs`.
WITH cases AS (
  SELECT
    *
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), milestones AS (
  SELECT
    case_id,
    MIN(canonical_ts) FILTER(WHERE
      status = 'TRIAGE') AS triage_ts,
    MIN(canonical_ts) FILTER(WHERE
      status = 'ASSIGNED') AS assigned_ts,
    MIN(canonical_ts) FILTER(WHERE
      status = 'INVESTIGATION') AS investigation_ts,
    MIN(canonical_ts) FILTER(WHERE
      status = 'ESCALATED') AS escalated_ts,
    MIN(canonical_ts) FILTER(WHERE
      status = 'CUSTOMER_WAIT') AS customer_wait_ts,
    MIN(canonical_ts) FILTER(WHERE
      status = 'REVIEW_QA') AS review_qa_ts,
    MIN(canonical_ts) FILTER(WHERE
      status = 'RESOLVED') AS resolved_ts,
    MAX(canonical_ts) FILTER(WHERE
      status = 'RESOLVED') AS last_resolved_ts,
    MIN(canonical_ts) FILTER(WHERE
      is_reopen) AS reopened_ts,
    MIN(canonical_ts) FILTER(WHERE
      status = 'CANCELLED') AS cancelled_ts,
    MIN(canonical_ts) FILTER(WHERE
      status = 'CLOSED') AS closed_ts,
    MAX(source_sequence) FILTER(WHERE
      is_reopen) AS last_reopen_sequence,
    COUNT(*) AS event_count,
    COUNT(*) FILTER(WHERE
      is_reopen) AS reopen_count
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id
), endings AS (
  SELECT
    events.case_id,
    events.status,
    events.canonical_ts,
    ROW_NUMBER() OVER (
      PARTITION BY events.case_id
      ORDER BY events.source_sequence NULLS LAST, events.event_id NULLS LAST
    ) AS ending_number
  FROM staging.events_clean AS events
  INNER JOIN milestones
    ON events.case_id = milestones.case_id
  WHERE
    events.intake_date >= :start_date
    AND events.intake_date < :end_date
    AND events.status IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')
    AND (
      milestones.last_reopen_sequence IS NULL
      OR events.source_sequence > milestones.last_reopen_sequence
    )
), ends AS (
  SELECT
    case_id,
    MAX(canonical_ts) FILTER(WHERE
      ending_number = 1) AS ended_ts,
    MAX(canonical_ts) AS last_terminal_ts,
    BOOL_OR(ending_number = 1 AND status IN ('CANCELLED', 'MERGED')) AS is_cancelled,
    BOOL_OR(ending_number = 1 AND status = 'MERGED') AS is_merged
  FROM endings
  GROUP BY
    case_id
)
SELECT
  cases.source,
  cases.case_id,
  cases.intake_date,
  cases.intake_ts,
  cases.tier,
  cases.case_type,
  cases.priority,
  cases.category,
  cases.team,
  cases.agent,
  cases.brand,
  cases.region,
  cases.channel,
  cases.customer,
  cases.tags,
  cases.merged_into,
  cases.initiated_by,
  milestones.triage_ts,
  milestones.assigned_ts,
  milestones.investigation_ts,
  milestones.escalated_ts,
  milestones.customer_wait_ts,
  milestones.review_qa_ts,
  milestones.resolved_ts,
  milestones.last_resolved_ts,
  milestones.reopened_ts,
  milestones.cancelled_ts,
  milestones.closed_ts,
  CASE
    WHEN ends.ended_ts < cases.intake_ts
    THEN cases.intake_ts
    ELSE ends.ended_ts
  END AS ended_at,
  CASE
    WHEN ends.last_terminal_ts < cases.intake_ts
    THEN cases.intake_ts
    ELSE ends.last_terminal_ts
  END AS last_terminal_at,
  CAST(COALESCE(milestones.event_count, 0) AS BIGINT) AS event_count,
  CAST(COALESCE(milestones.reopen_count, 0) AS BIGINT) AS reopen_count,
  COALESCE(milestones.triage_ts < cases.intake_ts, FALSE) AS is_triage_before_intake,
  ends.ended_ts IS NULL AS is_open,
  COALESCE(ends.is_cancelled, FALSE) AS is_cancelled,
  COALESCE(ends.is_merged, FALSE) AS is_merged,
  cases.source_resolved_ts,
  cases.source_closed_ts,
  cases.source_is_sla_met
FROM cases
LEFT JOIN milestones
  ON cases.case_id = milestones.case_id
LEFT JOIN ends
  ON cases.case_id = ends.case_id
