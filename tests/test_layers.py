"""Imports run one way: among the top-level names, within the sandbox, and without a cycle between any two modules."""

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import pallink

PACKAGE = Path(pallink.__file__).parent

# From the bottom up: a module imports from its own layer and from those before it.
LAYERS = tuple(
    tuple(layer.split())
    for layer in (
        "context exit_codes os_errors private_files waiting words",
        "sandbox",
        "redact",
        "errors",
        "account emulator concurrency deadline unexpected",
        "clouds tenants",
        "settings",
        "links",
        "roles",
        "signin",
        "debug",
        "http",
        "advice error_object result role_result situation",
        "azure",
        "proposal session role_session administrator api",
        "fleet",
        "output",
        "reports",
        "cli",
        "__main__",
    )
)
SANDBOX_LAYERS = tuple(
    tuple(f"sandbox.{name}" for name in layer.split())
    for layer in (
        "names certificates state http.messages http.errors shell",
        "call",
        "throttling",
        "entra",
        "arm",
        "graph vault",
        "environments faults",
        "overview",
        "handler",
        "http.server http.adapter entra.browser",
    )
)


@cache
def read_imports() -> dict[str, set[str]]:
    """Return what each module of pallink imports of pallink, within functions too, by names such as `azure.links`."""
    paths = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    paths = {name.removesuffix(".__init__"): path for name, path in paths.items() if name != "__init__"}
    found: dict[str, set[str]] = {}
    for module, path in paths.items():
        found[module] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("pallink."):
                package = str(node.module).removeprefix("pallink").removeprefix(".")
                names = {f"{package}.{alias.name}".removeprefix(".") for alias in node.names}
                found[module] |= {name if name in paths else package for name in names} - {module, ""}
    return found


def is_in(module: str, name: str) -> bool:
    return f"{module}.".startswith(f"{name}.")


def layer_of(module: str, layers: tuple[tuple[str, ...], ...]) -> int:
    """Return the layer with the longest name that the module's begins with; raises where there is none."""
    fitting = [(len(name), number) for number, layer in enumerate(layers) for name in layer if is_in(module, name)]
    assert fitting, f"{module} has no layer: add it to the order"
    return max(fitting)[1]


@pytest.mark.parametrize(("within", "layers"), [("", LAYERS), ("sandbox", SANDBOX_LAYERS)], ids=["pallink", "sandbox"])
def test_no_import_goes_up(within: str, layers: tuple[tuple[str, ...], ...]) -> None:
    imports = {
        module: imported
        for module, imported in read_imports().items()
        if not within or (is_in(module, within) and module != within and not is_package(module))
    }
    upward = [
        f"{module} -> {imported}"
        for module, all_imported in imports.items()
        for imported in all_imported
        if (not within or is_in(imported, within)) and imported != within
        if layer_of(imported, layers) > layer_of(module, layers)
    ]
    assert len(imports) > 30
    assert upward == []


def is_package(module: str) -> bool:
    return (PACKAGE / Path(*module.split("."))).is_dir()


def test_no_modules_import_each_other_in_a_circle() -> None:
    # A package's own module lists its public names, which are those of its modules.
    graph = {
        module: {imported for imported in all_imported if not is_package(imported)}
        for module, all_imported in read_imports().items()
        if not is_package(module)
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_sandbox_knows_nothing_of_the_rest() -> None:
    foreign = {
        f"{module} -> {imported}"
        for module, all_imported in read_imports().items()
        if is_in(module, "sandbox")
        for imported in all_imported
        if not is_in(imported, "sandbox") and imported not in {"os_errors", "private_files"}  # which know no Azure
    }
    assert foreign == set()


def test_only_the_emulator_and_the_commands_of_the_sandbox_know_it() -> None:
    knowing = {
        module
        for module, all_imported in read_imports().items()
        if not is_in(module, "sandbox") and any(is_in(imported, "sandbox") for imported in all_imported)
    }
    assert knowing == {
        "emulator",
        "cli.commands.sandbox",
        "cli.commands.sandbox_changes",
        "cli.commands.sandbox_faults",
        "cli.commands.sandbox_lines",
        "cli.commands.sandbox_fleet",
        "unexpected",
    }


def test_only_azure_imports_the_sdk() -> None:
    importing = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            if any(name == "azure" or name.startswith(("azure.", "msal")) for name in modules):
                importing.add(path.relative_to(PACKAGE).parts[0])
    assert importing == {"azure"}
