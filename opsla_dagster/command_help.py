"""How the help of the command line looks.

Belongs here: what Typer's own help lacks. Does not belong here: any command (cli/).
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from opsla_dagster.terminal import printing


def _no_type(ctx: Any) -> str:
    return ""


class _PlainHelp:
    """A flag takes no value and an argument is what its name says, so their help names no type: Typer would print `<bool>` or `<list[Path]>`."""

    def get_params(self, ctx: Any) -> list[Any]:
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in found:
            if isinstance(parameter, TyperOption) and parameter.is_flag and parameter.metavar is None:
                parameter.metavar = ""
            elif isinstance(parameter, TyperArgument):
                parameter.display_type_rich = _no_type  # type: ignore[method-assign]
        return found

    def format_help(self, ctx: Any, formatter: Any) -> None:
        with printing():
            super().format_help(ctx, formatter)  # type: ignore[misc]


class Command(_PlainHelp, TyperCommand):
    """One command."""


class Group(_PlainHelp, TyperGroup):
    """`opsla` itself."""


def examples(*commands: str) -> str:
    """What stands below a command's help; a blank line is how Typer keeps lines apart."""
    return "\n\n".join(["Examples:", *(command.replace("[", "\\[") for command in commands)])
