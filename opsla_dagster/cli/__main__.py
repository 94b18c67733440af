"""`python -m opsla_dagster.cli`.

Belongs here: the call. Does not belong here: anything else.
"""

from opsla_dagster.cli import program

program()
