"""The DuckDB warehouse: connecting, replacing windows of tables, loading SQL files, publishing.

Belongs here: everything that knows DuckDB. Does not belong here: what a table means (sql/, catalog/) and when it is made
(assets/).
"""
