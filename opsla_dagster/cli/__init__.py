"""The command line: what a person types, one module a group of commands.

Belongs here: the commands, in the order in which the help lists them, and what other code may use of them. Does not belong here: anything worth
calling from elsewhere. The commands import what they need when they run, so that `opsla --help` does not wait for Dagster.
"""

# isort: off
from opsla_dagster.cli import making, setting_up, serving, looking, writing
from opsla_dagster.cli.commands import app
from opsla_dagster.cli.entry import main, program
from opsla_dagster.cli.saying import console, err_console

__all__ = ["app", "console", "err_console", "looking", "main", "making", "program", "serving", "setting_up", "writing"]
