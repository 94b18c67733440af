-- The Spark SQL of sql/checks/mart.case_links/assert_time_before_and_after_is_all_of_it.sql, written by `make docs`.
WITH linked_cases AS (
  SELECT DISTINCT
    intake_date,
    case_id
  FROM staging.case_links
  WHERE
    NOT linked_ts IS NULL
), held_times AS (
  SELECT
    spans.case_id,
    SUM(spans.calendar_seconds) AS held_seconds
  FROM staging.ownership_spans AS spans
  INNER JOIN linked_cases AS links
    ON spans.intake_date = links.intake_date AND spans.case_id = links.case_id
  WHERE
    spans.state <> 'done' AND NOT spans.ended_at IS NULL
  GROUP BY
    spans.case_id
)
SELECT
  links.case_id,
  links.linked_case_id,
  links.held_before_link_calendar_seconds,
  links.held_after_link_calendar_seconds,
  held_times.held_seconds
FROM mart.case_links AS links
INNER JOIN held_times
  ON links.case_id = held_times.case_id
INNER JOIN staging.case_milestones AS cases
  ON links.intake_date = cases.intake_date
  AND links.case_id = cases.case_id
  AND NOT cases.is_open
WHERE
  NOT links.held_before_link_calendar_seconds IS NULL
  AND links.held_before_link_calendar_seconds + links.held_after_link_calendar_seconds <> held_times.held_seconds
