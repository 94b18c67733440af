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


def test_every_table_of_the_terminal_has_one_style() -> None:
    elsewhere = {
        f"{named(path)}:{node.lineno}"
        for path in MODULE_FILES
        for tree in [module_tree(path)]
        for alias in _names_of_rich_tables(tree)
        for node in ast.walk(tree)
        for made in [[node.func] if isinstance(node, ast.Call) else node.bases if isinstance(node, ast.ClassDef) else []]
        if alias in map(ast.unparse, made)
    }
    assert {place.split(":")[0] for place in elsewhere} == {"opsla_dagster/terminal.py"}, "make tables with terminal.ruled_table: " + ", ".join(sorted(elsewhere))


def _names_of_rich_tables(tree: ast.Module) -> list[str]:
    """What a module calls rich's Table."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "rich.table"]
    return [name.asname or name.name for node in imports for name in node.names]


def test_secrets_are_read_through_dagsters_envvar_only() -> None:
    """Config names the variables of secrets, so a variable that code does not spell out may be one."""
    named_in_config = [
        f"{named(path)}:{node.lineno}"
        for path in MODULE_FILES
        for node in ast.walk(module_tree(path))
        if (name := _variable_read(node)) is not None and not isinstance(name, ast.Constant)
    ]
    readers = {place.split(":")[0] for place in named_in_config}
    assert readers == {"opsla_dagster/cli/saying.py", "opsla_dagster/settings/paths.py"}, "read secrets with secrets.py: " + ", ".join(named_in_config)


def _variable_read(node: ast.AST) -> ast.expr | None:
    """The name in `os.environ[name]`, `os.environ.get(name)` and `os.getenv(name)`."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="environ"), slice=name, ctx=ast.Load()):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get") | ast.Attribute(attr="getenv"), args=[name, *_]):
            return name
    return None
