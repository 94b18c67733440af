-- The Spark SQL of sql/staging/ownership/agent_handlings.sql, written by `make docs`.
WITH runs AS (
  SELECT
    case_id,
    span_number,
    team,
    agent,
    state,
    started_at,
    business_seconds,
    LAG(agent) OVER (PARTITION BY case_id ORDER BY span_number NULLS LAST) AS previous_agent,
    LEAD(agent) OVER (PARTITION BY case_id ORDER BY span_number NULLS LAST) AS next_agent
  FROM staging.ownership_spans
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), numbered_runs AS (
  SELECT
    *,
    MAX(CASE WHEN agent IS DISTINCT FROM previous_agent THEN span_number END) OVER (
      PARTITION BY case_id
      ORDER BY span_number NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS run_span_number
  FROM runs
), handlings AS (
  SELECT
    case_id,
    run_span_number,
    agent,
    MIN(started_at) AS accepted_at,
    BOOL_OR(next_agent <> agent) AS is_handed_on,
    SUM(business_seconds) FILTER(WHERE
      state IN ('queue', 'active')) AS handling_business_seconds
  FROM numbered_runs
  WHERE
    NOT agent IS NULL
  GROUP BY
    case_id,
    run_span_number,
    agent
)
SELECT
  cases.source,
  cases.intake_date,
  CAST(DATE_TRUNC('MONTH', COALESCE(local_time.local_date, CAST(handlings.accepted_at AS DATE))) AS DATE) AS month_date,
  handlings.agent,
  handlings.case_id,
  CAST(COUNT(*) AS BIGINT) AS accepted_count,
  CAST(COUNT(*) FILTER(WHERE
    handlings.is_handed_on) AS BIGINT) AS handed_on_count,
  CAST(COALESCE(SUM(handlings.handling_business_seconds), 0) AS BIGINT) AS handling_business_seconds
FROM handlings
INNER JOIN staging.case_milestones AS cases
  ON handlings.case_id = cases.case_id
LEFT JOIN staging.business_time AS local_time
  ON local_time.calendar = 'desk'
  AND CAST(handlings.accepted_at AS DATE) = local_time.utc_date
  AND handlings.accepted_at >= local_time.segment_start_at
  AND handlings.accepted_at < local_time.segment_end_at
WHERE
  cases.intake_date >= :start_date AND cases.intake_date < :end_date
GROUP BY
  cases.source,
  cases.intake_date,
  CAST(DATE_TRUNC('MONTH', COALESCE(local_time.local_date, CAST(handlings.accepted_at AS DATE))) AS DATE),
  handlings.agent,
  handlings.case_id
