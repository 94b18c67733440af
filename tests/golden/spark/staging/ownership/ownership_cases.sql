-- The Spark SQL of sql/staging/ownership/ownership_cases.sql, written by `make docs`.
WITH last_stints AS (
  SELECT
    case_id,
    team
  FROM staging.ownership_stints
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND is_last
), totals AS (
  SELECT
    stints.case_id,
    MAX(last_stints.team) AS last_team,
    MAX(stints.team) FILTER(WHERE
      stints.stint = 1) AS first_team,
    COUNT(*) AS stint_count,
    MAX(stints.run_number) AS run_count,
    SUM(
      CASE
        WHEN stints.entered_by IN ('handoff', 'return_direct', 'return_indirect')
        THEN 1
        ELSE 0
      END
    ) AS team_handoff_count,
    SUM(CASE WHEN stints.entered_by = 'return_direct' THEN 1 ELSE 0 END) AS return_direct_count,
    SUM(CASE WHEN stints.entered_by = 'return_indirect' THEN 1 ELSE 0 END) AS return_indirect_count,
    SUM(CASE WHEN stints.is_planned_return THEN 1 ELSE 0 END) AS planned_return_count,
    BOOL_OR(stints.is_initial_missing) AS is_initial_missing,
    COUNT(*) FILTER(WHERE
      stints.queue_business_seconds IS NULL) AS unmeasured_stints,
    SUM(stints.queue_calendar_seconds) AS queue_calendar_seconds,
    SUM(stints.active_calendar_seconds) AS active_calendar_seconds,
    SUM(stints.wait_customer_calendar_seconds) AS wait_customer_calendar_seconds,
    SUM(stints.wait_other_calendar_seconds) AS wait_other_calendar_seconds,
    SUM(stints.done_calendar_seconds) AS done_calendar_seconds,
    SUM(stints.inactive_calendar_seconds) AS inactive_calendar_seconds,
    SUM(
      CASE
        WHEN stints.team <> last_stints.team
        THEN stints.queue_calendar_seconds
        ELSE 0
      END
    ) AS misattributed_queue_calendar_seconds,
    SUM(
      CASE
        WHEN stints.team <> last_stints.team
        THEN stints.active_calendar_seconds
        ELSE 0
      END
    ) AS misattributed_active_calendar_seconds,
    SUM(
      CASE
        WHEN stints.team <> last_stints.team
        THEN stints.wait_customer_calendar_seconds
        ELSE 0
      END
    ) AS misattributed_wait_customer_calendar_seconds,
    SUM(
      CASE
        WHEN stints.team <> last_stints.team
        THEN stints.wait_other_calendar_seconds
        ELSE 0
      END
    ) AS misattributed_wait_other_calendar_seconds,
    SUM(
      CASE
        WHEN stints.team <> last_stints.team
        THEN stints.done_calendar_seconds
        ELSE 0
      END
    ) AS misattributed_done_calendar_seconds,
    SUM(stints.queue_business_seconds) AS queue_business_seconds,
    SUM(stints.active_business_seconds) AS active_business_seconds,
    SUM(stints.wait_customer_business_seconds) AS wait_customer_business_seconds,
    SUM(stints.wait_other_business_seconds) AS wait_other_business_seconds,
    SUM(stints.done_business_seconds) AS done_business_seconds,
    SUM(stints.inactive_business_seconds) AS inactive_business_seconds,
    SUM(
      CASE
        WHEN stints.team <> last_stints.team
        THEN stints.queue_business_seconds
        ELSE 0
      END
    ) AS misattributed_queue_business_seconds,
    SUM(
      CASE
        WHEN stints.team <> last_stints.team
        THEN stints.active_business_seconds
        ELSE 0
      END
    ) AS misattributed_active_business_seconds,
    SUM(
      CASE
        WHEN stints.team <> last_stints.team
        THEN stints.wait_customer_business_seconds
        ELSE 0
      END
    ) AS misattributed_wait_customer_business_seconds,
    SUM(
      CASE
        WHEN stints.team <> last_stints.team
        THEN stints.wait_other_business_seconds
        ELSE 0
      END
    ) AS misattributed_wait_other_business_seconds,
    SUM(
      CASE
        WHEN stints.team <> last_stints.team
        THEN stints.done_business_seconds
        ELSE 0
      END
    ) AS misattributed_done_business_seconds
  FROM staging.ownership_stints AS stints
  INNER JOIN last_stints
    ON stints.case_id = last_stints.case_id
  WHERE
    stints.intake_date >= :start_date AND stints.intake_date < :end_date
  GROUP BY
    stints.case_id
), contradictions AS (
  SELECT
    case_id,
    COUNT(*) AS contradiction_count
  FROM staging.ownership_contradictions
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id
)
SELECT
  cases.source,
  cases.case_id,
  cases.intake_date,
  cases.intake_ts,
  cases.priority,
  cases.tier,
  cases.case_type,
  cases.is_open,
  cases.ended_at,
  totals.first_team,
  totals.last_team,
  CAST(totals.stint_count AS BIGINT) AS stint_count,
  CAST(COALESCE(totals.run_count, 0) - totals.return_direct_count - totals.return_indirect_count AS BIGINT) AS team_station_count,
  CAST(totals.team_handoff_count AS BIGINT) AS team_handoff_count,
  CAST(totals.return_direct_count AS BIGINT) AS return_direct_count,
  CAST(totals.return_indirect_count AS BIGINT) AS return_indirect_count,
  CAST(totals.planned_return_count AS BIGINT) AS planned_return_count,
  totals.is_initial_missing,
  CAST(COALESCE(contradictions.contradiction_count, 0) AS BIGINT) AS contradiction_count,
  CAST(totals.queue_calendar_seconds AS BIGINT) AS queue_calendar_seconds,
  CAST(totals.active_calendar_seconds AS BIGINT) AS active_calendar_seconds,
  CAST(totals.wait_customer_calendar_seconds AS BIGINT) AS wait_customer_calendar_seconds,
  CAST(totals.wait_other_calendar_seconds AS BIGINT) AS wait_other_calendar_seconds,
  CAST(totals.done_calendar_seconds AS BIGINT) AS done_calendar_seconds,
  CAST(totals.inactive_calendar_seconds AS BIGINT) AS inactive_calendar_seconds,
  CAST(COALESCE(totals.misattributed_queue_calendar_seconds, 0) AS BIGINT) AS misattributed_queue_calendar_seconds,
  CAST(COALESCE(totals.misattributed_active_calendar_seconds, 0) AS BIGINT) AS misattributed_active_calendar_seconds,
  CAST(COALESCE(totals.misattributed_wait_customer_calendar_seconds, 0) AS BIGINT) AS misattributed_wait_customer_calendar_seconds,
  CAST(COALESCE(totals.misattributed_wait_other_calendar_seconds, 0) AS BIGINT) AS misattributed_wait_other_calendar_seconds,
  CAST(COALESCE(totals.misattributed_done_calendar_seconds, 0) AS BIGINT) AS misattributed_done_calendar_seconds,
  CAST(CASE WHEN totals.unmeasured_stints = 0 THEN totals.queue_business_seconds END AS BIGINT) AS queue_business_seconds,
  CAST(CASE WHEN totals.unmeasured_stints = 0 THEN totals.active_business_seconds END AS BIGINT) AS active_business_seconds,
  CAST(CASE
    WHEN totals.unmeasured_stints = 0
    THEN totals.wait_customer_business_seconds
  END AS BIGINT) AS wait_customer_business_seconds,
  CAST(CASE WHEN totals.unmeasured_stints = 0 THEN totals.wait_other_business_seconds END AS BIGINT) AS wait_other_business_seconds,
  CAST(CASE WHEN totals.unmeasured_stints = 0 THEN totals.done_business_seconds END AS BIGINT) AS done_business_seconds,
  CAST(CASE WHEN totals.unmeasured_stints = 0 THEN totals.inactive_business_seconds END AS BIGINT) AS inactive_business_seconds,
  CAST(CASE
    WHEN totals.unmeasured_stints = 0
    THEN COALESCE(totals.misattributed_queue_business_seconds, 0)
  END AS BIGINT) AS misattributed_queue_business_seconds,
  CAST(CASE
    WHEN totals.unmeasured_stints = 0
    THEN COALESCE(totals.misattributed_active_business_seconds, 0)
  END AS BIGINT) AS misattributed_active_business_seconds,
  CAST(CASE
    WHEN totals.unmeasured_stints = 0
    THEN COALESCE(totals.misattributed_wait_customer_business_seconds, 0)
  END AS BIGINT) AS misattributed_wait_customer_business_seconds,
  CAST(CASE
    WHEN totals.unmeasured_stints = 0
    THEN COALESCE(totals.misattributed_wait_other_business_seconds, 0)
  END AS BIGINT) AS misattributed_wait_other_business_seconds,
  CAST(CASE
    WHEN totals.unmeasured_stints = 0
    THEN COALESCE(totals.misattributed_done_business_seconds, 0)
  END AS BIGINT) AS misattributed_done_business_seconds
FROM staging.case_milestones AS cases
INNER JOIN totals
  ON cases.case_id = totals.case_id
LEFT JOIN contradictions
  ON cases.case_id = contradictions.case_id
WHERE
  cases.intake_date >= :start_date AND cases.intake_date < :end_date
