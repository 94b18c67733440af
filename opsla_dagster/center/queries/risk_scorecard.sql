-- One row is the predictions of one instant for one metric, the latest $most instants, the latest first.
select *
from mart.risk_scorecard
where predicted_at in (select distinct predicted_at from mart.risk_scorecard order by predicted_at desc limit $most)
order by predicted_at desc, metric
