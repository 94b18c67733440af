-- One row: how many records of the sources could not be used.
select count(*) * 1.0 as rejected_rows
from raw.rejected_rows
