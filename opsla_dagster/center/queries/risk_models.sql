-- One row is one metric's model and how it did.
select * from mart.risk_model_card order by metric
