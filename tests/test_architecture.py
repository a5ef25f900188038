"""Imports run one way, and heavy libraries stay where they belong."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = [  # bottom to top; a module imports only from rooms below it (and from its own)
    "vectors",
    "rng",
    "problem",
    "identity",
    "algorithms",
    "theory",
    "engines",
    "measure",
    "stats",
    "experiment",
    "store",
    "verdicts",
    "execution",
    "report",
    "conformance",
    "cli",
    "sweep",
]
FLOOR = {name: level for level, name in enumerate(ROOMS)}
LIBRARIES = {
    "torch": {"rng", "engines", "measure", "conformance"},
    "matplotlib": {"report"},
    "seaborn": {"report"},
    "pandas": {"store", "report"},
}
# Entry points reach upwards at run time, inside functions, never while they are being imported.
MODULES = sorted((ROOT / "riskkit").rglob("*.py"))


def imports(tree: ast.Module) -> set[str]:
    """Names of modules imported at module level, outside ``if TYPE_CHECKING``."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(path: Path) -> str:
    return path.relative_to(ROOT / "riskkit").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downwards(path):
    own = room(path)
    if own == "__init__":
        return
    assert own in FLOOR, f"{own} is in no room; give it a place in this test"
    for name in imports(ast.parse(path.read_text())):
        parts = name.split(".")
        if parts[0] == "riskkit" and len(parts) > 1 and parts[1] != own:
            assert FLOOR[parts[1]] <= FLOOR[own], f"{own} imports {name}, which lies above it"
        assert parts[0] not in ("problems", "experiments", "figures"), f"{own} imports the study: {name}"
        if parts[0] in LIBRARIES:
            assert own in LIBRARIES[parts[0]], f"{own} imports {parts[0]}"


@pytest.mark.parametrize("folder", ["problems", "experiments", "figures"])
def test_the_study_imports_the_instrument_and_itself(folder):
    for path in (ROOT / folder).glob("*.py"):
        for name in imports(ast.parse(path.read_text())):
            if name.split(".")[0] in LIBRARIES and name.split(".")[0] != "torch":
                assert folder == "figures", f"{path} imports {name}"


@pytest.mark.parametrize("stub", sorted((ROOT / "riskkit").rglob("__init__.pyi")), ids=lambda stub: stub.parent.name)
def test_public_names_are_there_and_none_is_a_modules(stub):
    """A function with the name of a module beside it would be replaced by the module once that is imported."""
    package = importlib.import_module(".".join(stub.parent.relative_to(ROOT).parts))
    assert package.__all__
    for name in package.__all__:
        assert hasattr(package, name)
        assert not (stub.parent / name).is_dir(), name
        assert not (stub.parent / f"{name}.py").exists(), name
