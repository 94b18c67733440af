-- The Spark SQL of sql/checks/mart.sla_by_tier_case_type/assert_cells_add_up_to_days.sql, written by `make docs`.
WITH cells AS (
  SELECT
    COALESCE(SUM(sla_cases), 0) AS sla_cases
  FROM mart.sla_by_tier_case_type
), days AS (
  SELECT
    COALESCE(SUM(sla_cases), 0) AS sla_cases
  FROM mart.sla_daily
)
SELECT
  cells.sla_cases AS sla_cases_of_cells,
  days.sla_cases AS sla_cases_of_days
FROM cells
CROSS JOIN days
WHERE
  cells.sla_cases <> days.sla_cases
