"""Asking a person at a terminal, or taking the proposal where there is none.

Belongs here: questions and answers. Does not belong here: what they are about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.prompt import Confirm, Prompt

from opsla_dagster.errors import OpslaError


@dataclass(frozen=True)
class Asking:
    """Who answers: a person (`is_allowed`), or the proposal."""

    console: Console
    is_allowed: bool

    def value(self, question: str, proposal: str | None, flag: str, refuse: Callable[[str], str | None] = lambda _: None) -> str:
        """The answer; `refuse` says what is wrong with one. Raises OpslaError naming the flag where nothing can be proposed."""
        if not self.is_allowed:
            if proposal is None:
                raise OpslaError(f"{question}: say it with {flag}")
            return proposal
        while True:
            answer = Prompt.ask(escape(question), console=self.console, default=proposal) or ""
            problem = refuse(answer) if answer else "an answer is needed"
            if problem is None:
                return answer
            self.say(problem)

    def optional(self, question: str, refuse: Callable[[str], str | None]) -> str | None:
        """The answer, or None for an empty one and where nobody can be asked."""
        while self.is_allowed:
            answer = Prompt.ask(escape(question), console=self.console, default="", show_default=False)
            problem = refuse(answer) if answer else None
            if problem is None:
                return answer or None
            self.say(problem)
        return None

    def agreed(self, question: str) -> bool:
        """Whether to go on; yes where nobody can be asked."""
        return not self.is_allowed or Confirm.ask(escape(question), console=self.console, default=True)

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Something that is not to be overlooked."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True, style="bold yellow")
