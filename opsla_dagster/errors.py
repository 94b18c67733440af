"""The exceptions a person is meant to read.

Belongs here: `OpslaError` and its kind. Does not belong here: anything that formats or prints; the CLI does that.
"""

from opsla_dagster.printable import visible


class OpslaError(Exception):
    """Something a person can mend: the message names the place, what was found, what was expected, and what to do.

    The CLI prints the message without a stack trace and exits with code 1. What it quotes of a source is made visible: the message
    also goes to logs and alerts.
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


class PassingError(OpslaError):
    """One whose cause may be gone in some minutes, without anybody's doing: unattended runs try again (assets/retrying.py)."""


class RunFailedError(OpslaError):
    """A run failed, or several: the alerts of the runs tell of it, whatever the command says besides."""
