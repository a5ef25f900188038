"""What results are made of beside measurements: the source of the instrument, and of the parts of a study that a module
of it uses.

Files are read and not imported: that nothing has changed is known before a library is loaded. What a module uses are
the modules that it imports, and those that these import, as far as they lie in the study, in the shipped problems or
outside of any installed library; the files whose names stand in their text; and whatever else lies in the study's own
folders, data say. An installed library counts by its version.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parent.parent
BESIDE = PACKAGE.parent / "problems"
"""Where a checkout has the shipped problems; a wheel has them inside of the package."""
STUDY = ("problems", "experiments", "figures")
LIBRARIES = (
    *("numpy", "scipy", "torch", "numba", "pandas", "pyarrow", "matplotlib", "seaborn", "tueplots", "jinja2"),
    "latex2mathml",
)
"""Those that compute, draw or write what is stored."""


def digest(parts: object) -> str:
    """The SHA-256 of numbers, texts and lists and mappings of them."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@functools.cache
def instrument() -> str:
    """The digest of riskkit itself as it runs: its own files, Python's version and the libraries'."""
    own = [path for path in sorted(PACKAGE.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    files = {path.relative_to(PACKAGE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in own}
    return digest([files, sys.version, {name: installed(name) for name in LIBRARIES}])


def source(module: str, study: Path) -> str:
    """The digest of a module of a study (``experiments.x``, ``figures``) and of all that it uses of its own."""
    return digest([instrument(), _Walk(study).of(module)])


def literal(module: str, name: str, study: Path) -> object:
    """What a module of a study assigns to a name at its top, where that is a constant; else Ellipsis."""
    file = _module(study, module)
    for node in ast.parse(file.read_bytes()).body if file is not None else ():
        targets = node.targets if isinstance(node, ast.Assign) else ()
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = node.value if isinstance(node, ast.Assign) else None
            return value.value if isinstance(value, ast.Constant) else ...
    return ...


@functools.cache
def installed(name: str) -> str | None:
    """The version of a library; None for one that is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


class _Import(NamedTuple):
    """``from module import names``; names None: ``import module``, or everything."""

    level: int
    module: str
    names: tuple[str, ...] | None
    called: tuple[str, ...]


class _File(NamedTuple):
    digest: str
    imports: tuple[_Import, ...]
    texts: tuple[str, ...]


def _parsed(path: Path) -> _File:
    known = path.stat()
    return _parse(path, known.st_mtime_ns, known.st_size)


@functools.lru_cache(maxsize=4096)
def _parse(path: Path, changed: int, size: int) -> _File:
    text = path.read_bytes()
    found: list[_Import] = []
    texts: dict[str, None] = {}
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        nodes = []  # what imports it says what is wrong
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [_Import(0, alias.name, None, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            called = tuple(alias.asname or alias.name for alias in node.names)
            found.append(_Import(node.level, node.module or "", None if "*" in names else names, called))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
            texts[node.value] = None
    named = tuple(name for name in texts if 1 < len(name) < 200 and "\0" not in name)
    return _File(hashlib.sha256(text).hexdigest(), tuple(found), named)


def _module(base: Path, name: str) -> Path | None:
    """The file of a module below a folder."""
    path = base.joinpath(*name.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


class _Walk:
    """The files that a module of a study uses."""

    def __init__(self, study: Path) -> None:
        self.study = study
        self.files: dict[str, str] = {}
        self.libraries: dict[str, str | None] = {}
        self._done: set[tuple[Path, str | None]] = set()

    def of(self, module: str) -> object:
        self._follow(self.study, module, None)
        for name in STUDY:
            folder = self.study / name
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                if path.is_file() and path.suffix not in (".py", ".pyc"):
                    self._note(path)
        return [self.files, self.libraries]

    def _note(self, path: Path) -> _File | None:
        """Takes a file in; what it imports, if it is a module."""
        if path.suffix == ".py":
            parsed = _parsed(path)
            self.files[str(path)] = parsed.digest
            return parsed
        self.files[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return None

    def _base(self, name: str) -> tuple[Path, str] | None:
        """The folder below which a module lies, and its name there; None for the instrument and installed libraries."""
        parts = name.split(".")
        if parts[0] == "riskkit":
            if parts[1:2] != ["problems"] or not BESIDE.is_dir():
                return None
            return BESIDE.parent, ".".join(parts[1:])
        if _module(self.study, parts[0]) is not None or (self.study / parts[0]).is_dir():
            return self.study, name
        if parts[0] == "problems" or parts[0] in sys.stdlib_module_names:
            return None
        try:
            found = importlib.util.find_spec(parts[0])
        except (ImportError, ValueError):
            return None
        origin = None if found is None else found.origin
        if origin is None or {"site-packages", "dist-packages"} & set(Path(origin).parts):
            self.libraries[parts[0]] = installed(parts[0])
            return None
        file = Path(origin)
        return (file.parent.parent if file.name == "__init__.py" else file.parent), name

    def _follow(self, base: Path, name: str, wanted: str | None) -> None:
        """A module below ``base``, of a package only what gives the name that is wanted of it."""
        file = _module(base, name)
        if file is None or (file, wanted) in self._done or (file, None) in self._done:
            return
        package = file.name == "__init__.py"
        wanted = wanted if package else None
        self._done.add((file, wanted))
        parts = name.split(".")
        for end in range(1, len(parts)):  # the packages above it are imported as well
            above = _module(base, ".".join(parts[:end]))
            if above is not None:
                self._note(above)
        parsed = self._note(file)
        assert parsed is not None
        own = name if package else name.rpartition(".")[0]
        imports = parsed.imports
        if wanted is not None:
            giving = [one for one in imports if wanted in one.called]
            imports = tuple(
                one._replace(names=(one.names[one.called.index(wanted)],), called=(wanted,))
                for one in giving
                if one.names is not None
            )
            if not imports:
                imports = parsed.imports  # made in some other way
        for one in imports:
            self._import(base, own, one)
        for text in parsed.texts:
            for folder in (file.parent, self.study, Path.cwd()):
                try:
                    path = folder / text
                    if path.is_file():
                        if path.suffix != ".py":
                            self._note(path)
                        break
                except (OSError, ValueError):
                    break

    def _import(self, base: Path, package: str, one: _Import) -> None:
        for where, name, wanted in self._targets(base, package, one):
            self._follow(where, name, wanted)

    def _targets(self, base: Path, package: str, one: _Import) -> Iterator[tuple[Path, str, str | None]]:
        if one.level:
            parts = package.split(".")
            above = parts[: len(parts) - (one.level - 1)]
            found: tuple[Path, str] | None = (base, ".".join([*above, *([one.module] if one.module else [])]))
        else:
            found = self._base(one.module)
            if one.module == "riskkit" and one.names is not None and "problems" in one.names:
                found, one = self._base("riskkit.problems"), one._replace(names=None)
        if found is None:
            return
        where, name = found
        if one.names is None:
            yield where, name, None
            return
        for wanted in one.names:
            if _module(where, f"{name}.{wanted}") is not None:
                yield where, f"{name}.{wanted}", None
            else:
                yield where, name, wanted
