"""Verdicts on freshly written rows, given inside the write's own transaction.

Belongs here: schema checks (from the catalog's Pandera schemas), quality gates, invariants and drift. Does not belong
here: the SQL of a check (sql/checks/<table>/<check>.sql) and the bounds (config/quality_gates.yml).
"""
