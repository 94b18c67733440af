"""The asset graph: one explicit line a table, by area.

Belongs here: which tables are assets, what they depend on, which invariants guard them. Does not belong here: how a table is
computed (sql/) and what its columns mean (catalog/).
"""
