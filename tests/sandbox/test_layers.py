"""The sandbox's modules import one another in one direction."""

import ast
from pathlib import Path

import pallink.sandbox

PACKAGE = Path(pallink.sandbox.__file__).parent

# From the bottom up: a module imports from its own layer and from those before it.
LAYERS = (
    ("names", "certificates", "state", "http.messages", "http.errors", "shell"),
    ("call",),
    ("entra",),
    ("arm",),
    ("graph",),
    ("environments", "faults"),
    ("overview",),
    ("handler",),
    ("http.server", "http.adapter", "entra.browser"),
)


def layer_of(module: str) -> int:
    """The layer with the longest prefix of the module's name."""
    prefixes = [(len(prefix), layer) for layer, names in enumerate(LAYERS) for prefix in names if fits(module, prefix)]
    return max(prefixes)[1]


def fits(module: str, prefix: str) -> bool:
    return f"{module}.".startswith(f"{prefix}.")


def imports_of(path: Path) -> set[str]:
    """The sandbox's modules that a file imports, by their name within the sandbox."""
    modules = {".".join(file.relative_to(PACKAGE).with_suffix("").parts) for file in PACKAGE.rglob("*.py")}
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and fits(node.module or "", "pallink.sandbox"):
            package = (node.module or "").removeprefix("pallink.sandbox").removeprefix(".")
            names = {f"{package}.{alias.name}".removeprefix(".") for alias in node.names}
            found |= {name if name in modules else package for name in names}
    return found


def test_no_import_goes_up() -> None:
    paths = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    modules = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in paths}
    upward = [
        f"{module} imports {imported}"
        for module, path in modules.items()
        for imported in imports_of(path)
        if layer_of(imported) > layer_of(module)
    ]
    assert len(modules) > 30
    assert upward == []
