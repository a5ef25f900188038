"""Imports run one way, and heavy libraries stay where they belong."""

from __future__ import annotations

import ast
import functools
import graphlib
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = [  # bottom to top; a module imports only from rooms below it (and from its own)
    "optim",
    "vectors",
    "rng",
    "problem",
    "code",
    "identity",
    "algorithms",
    "theory",
    "data",
    "engines",
    "training",
    "measure",
    "stats",
    "judges",
    "experiment",
    "store",
    "verdicts",
    "execution",
    "report",
    "images",
    "interactive",
    "conformance",
    "attack",
    "cli",
    "problems",
    "sweep",
    "__main__",
]
FLOOR = {name: level for level, name in enumerate(ROOMS)}
LIBRARIES = {
    "torch": {"optim", "rng", "data", "engines", "training", "measure", "images", "conformance", "attack"},
    "pytorch_optimizer": {"optim"},
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


def test_the_root_holds_the_nouns_that_all_share_and_the_entry_points():
    root = {path.stem for path in (ROOT / "riskkit").glob("*.py")}
    assert {"__init__", "__main__", "sweep"} <= root
    assert len(root - {"__init__", "__main__", "sweep"}) <= 4


def test_the_reference_lists_the_rooms_from_bottom_to_top_in_their_own_words():
    rows = re.findall(r"^\| `(\w+)/` \| (.+) \|$", (ROOT / "docs" / "reference.md").read_text(), re.MULTILINE)
    packages = {path.parent.name: path for path in (ROOT / "riskkit").glob("*/__init__.py")}
    assert [name for name, _ in rows] == [name for name in ROOMS if name in packages]
    assert {name for name, _ in rows} == set(packages)
    for name, text in rows:
        assert text == ast.get_docstring(ast.parse(packages[name].read_text())).splitlines()[0]


def test_every_room_is_shipped():
    """What setuptools is told in pyproject.toml, and the folders there are."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    home = {name: told["package-dir"].get(name, name.replace(".", "/")) for name in told["packages"]}
    found = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "riskkit").rglob("__init__.py")}
    assert set(home.values()) == found | {"problems", "experiments", "figures"}


LIGHT = {
    "import riskkit": "import riskkit",
    "list": "from riskkit.sweep import main; main(['--list'])",
    "help": "from riskkit.cli.main import main\nfor command in ([], ['sweep'], ['figures'], ['check']):\n"
    "    try: main([*command, '--help'])\n    except SystemExit: pass",
    "version": "from riskkit.cli.main import main\ntry: main(['--version'])\nexcept SystemExit: pass",
    "bad input": "from riskkit.sweep import main\n"
    "for words in (['theorem9'], ['--problem', 'Ridgge'], ['--n', '1'], ['--alpha', '3'], ['--replicates', '0'],\n"
    "              ['--device', 'tpu'], ['--seed', '-1'], ['--jobs', '0'], ['--out', 'empty', '--problem', '']):\n"
    "    assert main(words) == 2\nprint(file=sys.stderr)",
    "status": "from riskkit.cli.main import main; main(['status', 'nowhere'])",
}


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("from riskkit.report import draw_figures", "matplotlib"),  # who deals figures out to others draws none
        ("from riskkit.problems import MeanEstimation", "scipy.optimize"),  # which other problems need
    ],
)
def test_what_one_part_needs_is_not_loaded_for_another(code, heavy):
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}\nsys.exit({heavy!r} in sys.modules)"], cwd=ROOT)
    assert done.returncode == 0


@pytest.mark.parametrize(("name", "code"), LIGHT.items(), ids=LIGHT)
def test_what_computes_nothing_loads_no_heavy_library(name, code):
    heavy = {"torch", "matplotlib", "seaborn", "pandas", "pyarrow", "numba", "scipy", "jinja2", "joblib"}
    if name not in ("bad input", "status"):
        heavy |= {"numpy", "rich"}
    check = f"import sys\n{code}\nprint(*sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == ""


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


@functools.cache
def needed() -> dict[str, set[str]]:
    """Module -> the modules of riskkit that it names in imports, inside functions and under TYPE_CHECKING too; a
    package is its __init__."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES}
    needs: dict[str, set[str]] = {}
    for name, path in names.items():
        wanted = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                wanted |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names}
        needs[name] = {other for other in wanted if other in names} - {name}
    return needs


def below(modules: set[str], needs: dict[str, set[str]]) -> set[str]:
    """The modules, and all that they rest on."""
    found, left = set(), set(modules)
    while left:
        found |= left
        left = {other for name in left for other in needs[name]} - found
    return found


def test_the_moments_engine_and_the_oracles_of_theory_are_separate_code():
    """Each is tested by the other. They share what a problem (with its random numbers), an algorithm and a schedule
    are, and no recursion."""
    needs = needed()
    engine = {name for name in needs if name.startswith("riskkit.engines.moments")} | {"riskkit.measure.closed"}
    oracles = {name for name in needs if name.startswith("riskkit.theory")}
    assert {"riskkit.engines.moments.kernel", "riskkit.theory.exact_moments", "riskkit.theory.recursion"} <= (
        engine | oracles
    )
    assert not below(engine, needs) & oracles
    assert not {name for name in below(oracles, needs) if name.split(".")[1:2] in (["engines"], ["measure"])}
    shared = below(engine, needs) & below({"riskkit.theory.exact_moments", "riskkit.theory.field.moments"}, needs)
    rooms = {name.removeprefix("riskkit").lstrip(".").partition(".")[0] for name in shared}
    assert rooms <= {"", "vectors", "rng", "algorithms", "code", "identity", "problem"}, sorted(shared)
    assert "riskkit.algorithms.linear" not in below(oracles, needs)  # the maps, which the engine alone reads


def test_no_module_imports_in_a_circle_not_even_for_its_types():
    """Imports anywhere in a file count."""
    needs = needed()
    order = graphlib.TopologicalSorter(needs)
    order.prepare()  # CycleError names the modules of a circle


def test_the_optimizers_import_nothing_of_the_rest():
    """They work on anyone's network: not even inside functions."""
    for path in (ROOT / "riskkit" / "optim").glob("*.py"):
        for name in re.findall(r"^\s*(?:from|import) (riskkit\S*)", path.read_text(), re.MULTILINE):
            assert name.startswith("riskkit.optim"), f"{path.name} imports {name}"


@pytest.mark.parametrize("folder", ["problems", "experiments", "figures"])
def test_the_study_imports_the_instrument_and_itself(folder):
    for path in (ROOT / folder).glob("*.py"):
        for name in imports(ast.parse(path.read_text())):
            if name.split(".")[0] in LIBRARIES and name.split(".")[0] != "torch":
                assert folder == "figures", f"{path} imports {name}"


def test_no_experiment_imports_another():
    """What stands is known by the files it comes from: a change of one experiment would have another made again."""
    for path in (ROOT / "experiments").glob("*.py"):
        for name in imports(ast.parse(path.read_text())):
            assert not re.match(r"experiments\.[a-z]", name), f"{path.name} imports {name}"


@pytest.mark.parametrize("stub", sorted((ROOT / "riskkit").rglob("__init__.pyi")), ids=lambda stub: stub.parent.name)
def test_public_names_are_there_and_none_is_a_modules(stub):
    """A function with the name of a module beside it would be replaced by the module once that is imported. (A name
    may be the module itself.)"""
    package = importlib.import_module(".".join(stub.parent.relative_to(ROOT).parts))
    assert package.__all__
    for name in package.__all__:
        assert hasattr(package, name)
        if isinstance(getattr(package, name), ModuleType):
            continue
        assert not (stub.parent / name).is_dir(), name
        assert not (stub.parent / f"{name}.py").exists(), name
