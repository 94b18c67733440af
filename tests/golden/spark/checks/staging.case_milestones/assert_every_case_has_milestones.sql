-- The Spark SQL of sql/checks/staging.case_milestones/assert_every_case_has_milestones.sql, written by `make docs`.
WITH milestones AS (
  SELECT
    intake_date,
    COUNT(*) AS cases,
    SUM(event_count) AS events
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), cases AS (
  SELECT
    intake_date,
    COUNT(*) AS cases
  FROM raw.cases
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), events AS (
  SELECT
    intake_date,
    COUNT(*) AS events
  FROM staging.events_clean
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
)
SELECT
  cases.intake_date,
  cases.cases,
  milestones.cases AS cases_with_milestones,
  events.events,
  milestones.events AS counted_events
FROM cases
LEFT JOIN milestones
  ON cases.intake_date = milestones.intake_date
LEFT JOIN events
  ON cases.intake_date = events.intake_date
WHERE
  milestones.cases IS NULL
  OR milestones.cases <> cases.cases
  OR milestones.events <> COALESCE(events.events, 0)
