"""Every module says what belongs in it, and every public function what it does."""

from __future__ import annotations

import ast

from house import MODULE_FILES, module_tree, named


def test_every_module_says_what_belongs_there() -> None:
    silent = [
        named(path)
        for path in MODULE_FILES
        if "Belongs here:" not in " ".join((ast.get_docstring(module_tree(path)) or "").split())
    ]
    assert not silent, "the module's docstring says `Belongs here: ... Does not belong here: ...`"


def test_public_functions_and_classes_are_documented() -> None:
    silent = [
        f"{named(path)}:{node.lineno} {node.name}"
        for path in MODULE_FILES
        for node in module_tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert not silent, "without a docstring:\n" + "\n".join(silent)
