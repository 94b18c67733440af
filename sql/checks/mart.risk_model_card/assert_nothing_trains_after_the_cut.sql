-- Models of which the outcome of a training clock became known at the cut or later, or whose parts overlap.
-- A failure means that a model knows the future; look first at opsla_dagster/risk_model/samples.py.
select
    metric,
    cut_at,
    training_to_at,
    calibration_from_at,
    calibration_to_at,
    test_from_at,
    test_to_at
from mart.risk_model_card
where
    training_to_at >= cut_at
    or calibration_to_at >= cut_at
    or test_to_at >= cut_at
    or training_to_at >= calibration_from_at
    or calibration_to_at >= test_from_at
