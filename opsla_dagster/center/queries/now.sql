-- One row: the instant that the pages show unless they are asked for another, why, and between which instants something is known.
select
    now_at,
    now_reason,
    known_until_at,
    first_intake_date
from mart.desk_now
