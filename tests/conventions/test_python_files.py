"""Every module says what belongs in it, and every public function what it does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from house import MODULE_FILES, module_tree, named


@pytest.mark.parametrize("path", MODULE_FILES, ids=named)
def test_a_module_says_what_belongs_there_and_what_does_not(path: Path) -> None:
    text = " ".join((ast.get_docstring(module_tree(path)) or "").split())
    assert "Belongs here:" in text, "the module's docstring says `Belongs here: ...`"


@pytest.mark.parametrize("path", MODULE_FILES, ids=named)
def test_public_functions_and_classes_are_documented(path: Path) -> None:
    silent = [
        f"{named(path)}:{node.lineno} {node.name}"
        for node in module_tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert not silent, "without a docstring:\n" + "\n".join(silent)
