"""Breach risk: how a model is made of the features of closed clocks, checked, and asked about open ones (docs/decisions/0043-breach-risk.md).

Belongs here: arithmetic on rows of mart.risk_features. Does not belong here: the features themselves (sql/mart/risk/risk_features.sql), and the
tables that hold what comes of it (assets/risk.py).
"""
