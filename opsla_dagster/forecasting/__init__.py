"""Forecasts of arrivals and of the backlog: arithmetic on arrays, without a warehouse and without a clock.

Belongs here: models, backtests, intervals, simulated futures. Does not belong here: reading and writing tables (assets/forecast.py), and what is
shown (center/, reporting/). NumPy alone is imported with these modules; what is heavier, inside the function that computes.
"""
