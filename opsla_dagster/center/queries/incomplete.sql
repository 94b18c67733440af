-- One row is a case of which records were rejected; none, where no verdict rests on incomplete records.
select case_id
from mart.incomplete_cases
order by case_id
limit 1
