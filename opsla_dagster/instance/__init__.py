"""Dagster's own memory: where runs and events are kept, how fast, and what becomes of a run whose process died.

Belongs here: the storage class, the instance settings, the run launcher's health check. Does not belong here: the
warehouse (DuckDB) and anything an asset computes.
"""
