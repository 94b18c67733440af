-- The Spark SQL of sql/staging/ownership/agent_handlings.sql, written by `make docs`.
WITH cases AS (
  SELECT
    source,
    case_id,
    intake_date,
    ROW_NUMBER() OVER (ORDER BY case_id NULLS LAST) AS case_number
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), agent_spans AS (
  SELECT
    cases.case_number,
    spans.agent,
    spans.held_from_at AS started_at,
    SUM(CASE WHEN spans.state IN ('queue', 'active') THEN spans.business_seconds END) AS handling_business_seconds
  FROM staging.ownership_spans AS spans
  INNER JOIN cases
    ON spans.case_id = cases.case_id
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND (
      spans.ended_at IS NULL OR spans.ended_at > spans.started_at
    )
  GROUP BY
    cases.case_number,
    spans.agent,
    spans.held_from_at
), followed_agent_spans AS (
  SELECT
    *,
    LEAD(agent) OVER (PARTITION BY case_number ORDER BY started_at NULLS LAST) AS next_agent
  FROM agent_spans
), continued_cases AS (
  SELECT DISTINCT
    case_number
  FROM followed_agent_spans
  WHERE
    agent = next_agent
), continued_spans AS (
  SELECT
    spans.*,
    LAG(spans.agent) OVER (PARTITION BY spans.case_number ORDER BY spans.started_at NULLS LAST) AS previous_agent
  FROM followed_agent_spans AS spans
  INNER JOIN continued_cases
    ON spans.case_number = continued_cases.case_number
), numbered_runs AS (
  SELECT
    *,
    SUM(CASE WHEN agent IS DISTINCT FROM previous_agent THEN 1 ELSE 0 END) OVER (
      PARTITION BY case_number
      ORDER BY started_at NULLS LAST
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS run_number
  FROM continued_spans
), handlings AS (
  SELECT
    spans.case_number,
    spans.agent,
    spans.started_at AS accepted_at,
    spans.next_agent <> spans.agent AS is_handed_on,
    spans.handling_business_seconds
  FROM followed_agent_spans AS spans
  LEFT JOIN continued_cases
    ON spans.case_number = continued_cases.case_number
  WHERE
    NOT spans.agent IS NULL AND continued_cases.case_number IS NULL
  UNION ALL
  SELECT
    case_number,
    agent,
    MIN(started_at) AS accepted_at,
    BOOL_OR(next_agent <> agent) AS is_handed_on,
    SUM(handling_business_seconds) AS handling_business_seconds
  FROM numbered_runs
  WHERE
    NOT agent IS NULL
  GROUP BY
    case_number,
    run_number,
    agent
), handlings_of_months AS (
  SELECT
    handlings.case_number,
    CAST(DATE_TRUNC('MONTH', COALESCE(local_time.local_date, CAST(handlings.accepted_at AS DATE))) AS DATE) AS month_date,
    handlings.agent,
    COUNT(*) AS accepted_count,
    COUNT(*) FILTER(WHERE
      handlings.is_handed_on) AS handed_on_count,
    COALESCE(SUM(handlings.handling_business_seconds), 0) AS handling_business_seconds
  FROM handlings
  LEFT JOIN staging.business_time AS local_time
    ON local_time.calendar = 'desk'
    AND CAST(handlings.accepted_at AS DATE) = local_time.utc_date
    AND handlings.accepted_at >= local_time.segment_start_at
    AND handlings.accepted_at < local_time.segment_end_at
  GROUP BY
    handlings.case_number,
    CAST(DATE_TRUNC('MONTH', COALESCE(local_time.local_date, CAST(handlings.accepted_at AS DATE))) AS DATE),
    handlings.agent
)
SELECT
  cases.source,
  cases.intake_date,
  months.month_date,
  months.agent,
  cases.case_id,
  CAST(months.accepted_count AS BIGINT) AS accepted_count,
  CAST(months.handed_on_count AS BIGINT) AS handed_on_count,
  CAST(months.handling_business_seconds AS BIGINT) AS handling_business_seconds
FROM handlings_of_months AS months
INNER JOIN cases
  ON months.case_number = cases.case_number
