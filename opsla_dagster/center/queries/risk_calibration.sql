-- One row is one metric and tenth of the probability.
select * from mart.risk_calibration order by metric, probability_decile
