-- Metrics whose weeks, of 200 clocks or more, were predicted more than 3 points off on average.
-- A failure means that plans for them rest on touch times and delays that do not hold; look first at the weeks with the largest error_points.
select
    metric,
    avg(abs(error_points)) as mean_error_points,
    count(error_points) as weeks
from mart.staffing_replay
where clocks >= 200
group by metric
having count(error_points) >= 4 and avg(abs(error_points)) > 3
