"""Text from a source, made fit to be shown to a person.

A status, a name or a subject may hold anything: escape sequences that recolour or retitle a terminal, marks that turn the
order of what is read. Belongs here: what is shown in their place. Does not belong here: who prints (terminal.py), and CSV
for spreadsheets (reporting/spreadsheet.py).
"""

from __future__ import annotations

import re

#: C0 but for the line feed and the tab, and DEL, each as its picture.
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"} | {0x7F: "\u2421"}
#: C1; marks that override the order of letters (Unicode's "Trojan source"); separators of lines that look like none; half characters.
_CODES = [
    *range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029, *range(0xD800, 0xE000),
]  # fmt: skip
_SHOWN = _PICTURES | {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _CODES}


def visible(text: str) -> str:
    """`text` with every control character replaced by something that can be seen; line feeds and tabs stay."""
    return text if text.isascii() and text.isprintable() else text.translate(_SHOWN)


def fenced(text: str) -> str:
    """Markdown: `text` as a block of code, whatever is in it: backticks of a source end no block, and its tags stay text."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}\n{visible(text)}\n{fence}"


def visible_json(text: str) -> str:
    """The same for a JSON document, which means the same afterwards: what JSON itself does not escape becomes an escape."""
    return text.translate({code: f"\\u{code:04x}" for code in (*_CODES, 0x7F)})
