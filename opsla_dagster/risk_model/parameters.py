"""What a model is made with: its inputs, the sizes of its samples, and the settings of the trees.

Belongs here: numbers and names that other modules share. Does not belong here: anything tuned to one log; nothing here is.
"""

from __future__ import annotations

#: Changes when the arithmetic of this package does: models made before are made anew.
MODEL_VERSION = 4

#: Figures of mart.risk_features that trees may ask for; what is unknown is NULL there, and NaN here.
NUMBERS = (
    "target_seconds", "elapsed_seconds", "target_used_share", "remaining_seconds", "due_in_calendar_minutes", "known_age_calendar_minutes",
    "unchanged_calendar_minutes", "known_events", "known_reopen_count", "known_handoff_count", "known_message_count", "known_reply_count",
    "known_stint_calendar_minutes", "weekday_number", "since_midnight_calendar_minutes", "is_paused", "is_calendar_open",
    "queue_open_cases", "usual_queue_open_cases", "queue_load", "queue_gone_cases_per_day",
)
#: Texts of mart.risk_features that trees may ask for.
WORDS = (
    "policy", "known_status", "previous_status", "waits_for", "team", "agent", "priority", "tier", "case_type", "channel", "region", "brand",
)
#: In the order of the columns of an encoded row: scikit-learn puts the texts first.
FEATURES = (*WORDS, *NUMBERS)
#: Values of a text that are told apart, the most frequent ones; scikit-learn bins 255 at most.
MAX_VALUES = 240

#: Clocks that are sampled for all models together, and for one at least.
SAMPLED_CLOCKS, MIN_SAMPLED_CLOCKS = 12_000, 3_000
#: Rows that the trees of all models together are made of, about, and those of one at least; more are thinned out by whole clocks, and correct and test all the same.
FIT_ROWS, MIN_FIT_ROWS = 20_000, 5_000
#: Clocks that have to be closed before there is a model: below that, only the baseline.
MIN_CLOCKS = 300
#: Of either outcome, in what trees are made of: below that there is nothing to tell apart.
MIN_OF_EACH_OUTCOME = 30
#: How far back clocks train.
TRAINING_DAYS = 365
#: What is latest corrects all of it: where in the latest days fewer clocks came to an outcome than this share of as many days before, they are what is left over of
#: another time, and nothing is said.
LATELY_DAYS, LEAST_LATELY_SHARE = 28, 0.25
#: Shares of the closed clocks, by the order of their stops: trees are made of the oldest, the next calibrate the model that the latest test.
FIT_SHARE, CALIBRATION_SHARE = 0.85, 0.925

#: Settings of the gradient boosting by what is fitted, the same for every model (docs/decisions/0043-breach-risk.md says how they were chosen).
TREES = {
    "log_loss": {"max_iter": 100, "learning_rate": 0.06, "max_leaf_nodes": 15, "min_samples_leaf": 20, "l2_regularization": 1.0},
    "absolute_error": {"max_iter": 50, "learning_rate": 0.12, "max_leaf_nodes": 15, "min_samples_leaf": 40, "l2_regularization": 1.0},
}
SEED = 20250701
