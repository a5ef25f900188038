"""Identity by code: what a class or function computes, as a hash of what it says.

The text of a class is its syntax tree, read from the source, without comments, docstrings and annotations; so is that
of its bases, of every function and class of its own study that it uses, and of those that they use. Values that they
use (numbers, texts, arrays, paths) count as values, and a file that they name counts by its content. Of libraries and
of the instrument only names count: ``riskkit.experiment.runs.NUMERICS`` stands for the instrument's own arithmetic.

The syntax tree is the same for every version of Python, in which bytecode differs. Is the source on disk no longer what
was loaded (its compiled form tells), or is there none, the bytecode counts instead.
"""

from __future__ import annotations

import ast
import dataclasses
import dis
import enum
import functools
import hashlib
import importlib
import importlib.util
import linecache
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

_UNSAID = frozenset({"annotation", "returns", "type_comment", "type_params", "kind", "ctx", "simple"})
"""Fields of a syntax tree that decide no number."""

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_NAMES_A_FILE = re.compile(r"[^\n\0<>|*?]{1,255}")


@functools.lru_cache(maxsize=4096)
def code_of(thing: type | FunctionType) -> str:
    """The SHA-256, in hex, of what a class or function says, and of what it uses in its own study.

    The same in every process and under every name of the module; comments, docstrings, annotations and line numbers do
    not count. It is looked at once a process.
    """
    top = _top(thing)
    seen: set[int] = set()
    texts: set[str] = set()
    waiting: list[Any] = [thing]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        own = _Text(top)
        own.read(one)
        texts.add("\n".join([f"{_sort(one)} {one.__qualname__}", *own.parts]))
        waiting += own.uses
    return hashlib.sha256("\0".join(sorted(texts)).encode()).hexdigest()


def content_of(text: str, kind: type) -> str | None:
    """The SHA-256 of the file that a text names, seen from the class's module or the working directory; else None."""
    return _content(text, _folders(_file(kind)))


def _top(thing: Any) -> str:
    return str(getattr(thing, "__module__", None) or "").partition(".")[0]


def _followed(thing: Any, top: str) -> bool:
    """Whether a function or class belongs to the study of ``top``: neither to a library nor to the instrument."""
    module = str(getattr(thing, "__module__", None) or "")
    own = module.partition(".")[0]
    if own == "riskkit":
        return module.startswith("riskkit.problems")
    if own in sys.stdlib_module_names and own != "__main__":
        return False
    parts = PurePath(_file(thing) or "").parts
    return own == top or not {"site-packages", "dist-packages"} & set(parts)


def _file(thing: Any) -> str | None:
    """Where it was read from."""
    if isinstance(thing, FunctionType):
        return thing.__code__.co_filename
    for value in vars(thing).values():
        function = _plain(value)
        if function is not None and _written(function, thing):
            return function.__code__.co_filename
    return getattr(sys.modules.get(thing.__module__), "__file__", None)


def _written(function: FunctionType, kind: type) -> bool:
    """Whether it is a method that the class's author wrote: neither borrowed nor made by ``dataclass``."""
    return (
        function.__qualname__.startswith(f"{kind.__qualname__}.")
        and not function.__code__.co_filename.startswith("<string")
        and function.__globals__.get("__name__") != "dataclasses"
    )


def _plain(value: Any) -> FunctionType | None:
    """The function inside a method, a property, a cache, a compiled function; None if there is none."""
    for _ in range(8):
        if isinstance(value, FunctionType):
            return value
        for name in ("__func__", "__wrapped__", "py_func", "fget", "func"):
            inside = getattr(value, name, None) if not isinstance(value, type) else None
            if callable(inside) or isinstance(inside, FunctionType):
                value = inside
                break
        else:
            return None
    return None


class _Source(NamedTuple):
    """A file as it lies on disk: every scope with its qualified name and first line, and every piece of its code."""

    scopes: list[tuple[str, int, ast.AST]]
    codes: frozenset[CodeType]


@functools.lru_cache(maxsize=512)
def _source(file: str) -> _Source | None:
    text = "".join(linecache.getlines(file))
    if not text:
        return None
    try:
        tree = ast.parse(text)
        compiled = compile(tree, file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    scopes: list[tuple[str, int, ast.AST]] = []

    def visit(node: ast.AST, place: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = place
            if isinstance(child, _SCOPES):
                lines = [child.lineno, *(decorator.lineno for decorator in child.decorator_list)]
                scopes.append((place + child.name, min(lines), child))
                inner = place + child.name + ("." if isinstance(child, ast.ClassDef) else ".<locals>.")
            elif isinstance(child, ast.Lambda):
                scopes.append((place + "<lambda>", child.lineno, child))
                inner = place + "<lambda>.<locals>."
            visit(child, inner)

    visit(tree, "")
    return _Source(scopes, frozenset(_pieces(compiled)))


def _pieces(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _pieces(constant)


class _Text:
    """What one class or function says (``parts``), and the functions and classes that it uses (``uses``)."""

    def __init__(self, top: str) -> None:
        self.top = top
        self.parts: list[str] = []
        self.uses: list[Any] = []
        self._folders: tuple[Path, ...] = ()
        self._package = ""
        self._names: dict[str, None] = {}
        self._chains: dict[tuple[str, ...], None] = {}
        self._paths: dict[str, None] = {}
        self._imports: dict[tuple[int, str, str], None] = {}
        self._within: set[int] = set()

    def read(self, thing: Any) -> None:
        file = _file(thing)
        self._folders = _folders(file)
        module = sys.modules.get(thing.__module__)
        self._package = getattr(module, "__package__", None) or ""
        source = _source(file) if file else None
        if isinstance(thing, FunctionType):
            self._function(thing, source)
            self._resolve(thing.__globals__, _closure(thing))
        else:
            self._class(thing, source, vars(module) if module else {})

    def _function(self, function: FunctionType, source: _Source | None) -> None:
        nodes = _at(source, function)
        if nodes:
            self.parts += [self._said(node) for node in nodes]
        else:
            self.parts.append(self._compiled(function.__code__))
        for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self.parts.append(f"default {self._value(value)}")

    def _class(self, kind: type, source: _Source | None, names: Mapping[str, Any]) -> None:
        functions = {name: f for name, value in vars(kind).items() if (f := _plain(value)) is not None}
        own = {name: f for name, f in functions.items() if _written(f, kind)}
        node = _class_at(source, kind, own.values())
        if node is not None:
            self.parts.append(self._said(node))
        for name, value in sorted(vars(kind).items()):
            if name.startswith("__") or name in ("_abc_impl", "_is_protocol", "_is_runtime_protocol"):
                if node is None and name in own:
                    self.parts.append(f"{name} {self._compiled(own[name].__code__)}")
                continue
            if name in own:
                if node is None:
                    self.parts.append(f"{name} {self._compiled(own[name].__code__)}")
            elif name in functions:
                self._use(functions[name])
            elif node is None or not isinstance(value, list | dict | set):
                # What the class's body made of its names, a table read from a file say.
                self.parts.append(f"{name} {self._value(value)}")
        for base in kind.__mro__[1:]:
            if _top(base) == "riskkit" or _followed(base, self.top):
                self.uses.append(base)
            else:
                self.parts.append(f"base {base.__qualname__}")
        for function in own.values():
            names = {**names, **function.__globals__, **_closure(function)}
        self._resolve(names, {})

    # The syntax tree.

    def _said(self, node: Any) -> str:
        """A syntax tree as text; what it uses is noted."""
        if isinstance(node, list):
            kept = [item for item in node if not _says_nothing(item)]
            return "[" + ",".join(self._said(item) for item in kept) + "]"
        if not isinstance(node, ast.AST):
            return f"{type(node).__name__} {node!r}"
        self._note(node)
        name = "Assign" if isinstance(node, ast.AnnAssign) else type(node).__name__
        said = []
        for field, value in ast.iter_fields(node):
            if field in _UNSAID or value is None or value == []:
                continue
            if field == "target" and isinstance(node, ast.AnnAssign):
                field, value = "targets", [value]
            said.append(f"{field}={self._said(value)}")
        return f"{name}({','.join(said)})"

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            self._names[node.id] = None
        elif isinstance(node, ast.Attribute):
            chain, inside = [node.attr], node.value
            while isinstance(inside, ast.Attribute):
                chain.append(inside.attr)
                inside = inside.value
            if isinstance(inside, ast.Name):
                self._chains[inside.id, *reversed(chain)] = None
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            self._paths[node.value] = None
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            pieces: list[str] = []
            at: ast.AST = node
            while isinstance(at, ast.BinOp) and isinstance(at.right, ast.Constant) and isinstance(at.right.value, str):
                pieces.append(at.right.value)
                at = at.left
            if isinstance(at, ast.Constant) and isinstance(at.value, str):
                pieces.append(at.value)
            self._paths["/".join(reversed(pieces))] = None
        elif isinstance(node, ast.Call):
            words = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            self._paths["/".join(words)] = None
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self._imports[node.level, node.module or "", alias.name] = None
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self._imports[0, alias.name, ""] = None

    def _compiled(self, code: CodeType) -> str:
        """Bytecode as text, without lines and docstrings; what it uses is noted."""
        found = []
        for step in dis.get_instructions(code):
            if step.opname in ("NOP", "CACHE", "RESUME", "EXTENDED_ARG"):
                continue
            value = step.argval
            if isinstance(value, CodeType):
                value = self._compiled(value)
            elif isinstance(value, frozenset):
                value = sorted(map(repr, value))
            elif isinstance(value, str) and step.opname == "LOAD_CONST":
                self._paths[value] = None
            found.append(f"{step.opname} {value!r}")
        self._names |= dict.fromkeys(code.co_names)
        return ";".join(found)

    # What is used.

    def _resolve(self, names: Mapping[str, Any], closure: Mapping[str, Any]) -> None:
        known = {**names, **closure}
        for name in sorted(self._names):
            if name in known and not name.startswith("__") and not isinstance(known[name], ModuleType):
                self.parts.append(f"{name} is {self._value(known[name])}")
        for chain in sorted(self._chains):
            self._through(chain, known.get(chain[0]), chain[1:])
        for level, module, name in sorted(self._imports):
            self._imported(level, module, name)
        for text in sorted(self._paths):
            content = _content(text, self._folders)
            if content is not None:
                self.parts.append(f"file {PurePath(text).name} {content}")

    def _through(self, chain: tuple[str, ...], value: Any, rest: tuple[str, ...]) -> None:
        """``module.function``, ``package.module.NUMBER``: what of one's own study is reached through a module."""
        if not isinstance(value, ModuleType) or not rest:
            return
        while isinstance(value, ModuleType) and rest:
            home, value, rest = value, getattr(value, rest[0], None), rest[1:]
        if _module_followed(home, self.top):
            self.parts.append(f"{'.'.join(chain)} is {self._value(value)}")

    def _imported(self, level: int, module: str, name: str) -> None:
        """What is imported inside of a function."""
        try:
            full = importlib.util.resolve_name("." * level + module, self._package) if level else module
            if full not in sys.modules and not (level or full.partition(".")[0] == self.top):
                return
            loaded = importlib.import_module(full)
        except Exception:  # whatever a module of somebody else's raises: it will when it is needed
            return
        if not _module_followed(loaded, self.top):
            return
        if name and name != "*":
            self.parts.append(f"{name} is {self._value(getattr(loaded, name, None))}")
        else:
            for value in vars(loaded).values():
                if getattr(value, "__module__", None) == loaded.__name__ and isinstance(value, type | FunctionType):
                    self._use(value)

    def _use(self, thing: Any) -> str:
        """A function or class: followed if it is of one's own study, else its name."""
        if _followed(thing, self.top):
            self.uses.append(thing)
        return f"{_sort(thing)} {thing.__qualname__}"

    def _value(self, value: Any) -> str:
        """A value as text that is the same in every process."""
        kind = type(value)
        if value is None or isinstance(value, bool | int | float | complex | bytes):
            return f"{kind.__name__} {value!r}"
        if isinstance(value, str | PurePath):
            text = str(value)
            content = _content(text, self._folders)
            # A folder's place differs from machine to machine.
            said = PurePath(text).name if isinstance(value, PurePath) else text
            return f"{kind.__name__} {said!r}" + ("" if content is None else f" {content}")
        if isinstance(value, enum.Enum):
            return f"{kind.__qualname__}.{value.name}"
        if isinstance(value, type | FunctionType):
            return self._use(value)
        if isinstance(value, ModuleType | BuiltinFunctionType):
            return f"{kind.__name__} {value.__name__}"
        if id(value) in self._within:
            return "itself"
        self._within.add(id(value))
        try:
            return self._compound(value, kind)
        finally:
            self._within.discard(id(value))

    def _compound(self, value: Any, kind: type) -> str:
        if isinstance(value, tuple | list):
            return f"{kind.__qualname__}({', '.join(map(self._value, value))})"
        if isinstance(value, set | frozenset):
            return f"{kind.__qualname__}({', '.join(sorted(map(self._value, value)))})"
        if isinstance(value, Mapping):
            return f"{kind.__qualname__}({', '.join(f'{self._value(k)}: {self._value(v)}' for k, v in value.items())})"
        if isinstance(value, functools.partial):
            return f"partial {self._value((value.func, value.args, value.keywords))}"
        if isinstance(value, MethodType):
            return f"method {self._value(value.__func__)} of {self._value(value.__self__)}"
        if (inside := _plain(value)) is not None:
            return f"{kind.__qualname__} {self._use(inside)}"
        if hasattr(value, "detach") and hasattr(value, "numpy"):
            value = value.detach().cpu().numpy()
        if hasattr(value, "dtype") and hasattr(value, "tobytes"):
            if value.dtype == object:
                return f"{kind.__qualname__} {self._value(value.tolist())}"
            digest = hashlib.sha256(value.tobytes()).hexdigest()
            return f"{kind.__qualname__} {value.dtype} {getattr(value, 'shape', ())} {digest}"
        if _followed(kind, self.top):
            self.uses.append(kind)
            fields = getattr(value, "__dict__", {})
        elif not dataclasses.is_dataclass(value):
            return f"{kind.__module__}.{kind.__qualname__}"
        if dataclasses.is_dataclass(value):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return f"{kind.__qualname__} {self._value(fields)}"


def _sort(thing: Any) -> str:
    return "class" if isinstance(thing, type) else "function"


def _says_nothing(node: Any) -> bool:
    """A docstring, a text that stands alone, ``pass``."""
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )


def _at(source: _Source | None, function: FunctionType) -> list[ast.AST]:
    """Where a function stands in its source; several lambdas may share a line. Empty if the source is another."""
    code = function.__code__
    if source is None or code not in source.codes:
        return []
    name = code.co_qualname
    return [node for place, line, node in source.scopes if (place, line) == (name, code.co_firstlineno)]


def _class_at(source: _Source | None, kind: type, functions: Any) -> ast.AST | None:
    """Where a class stands in its source; None if the source is another."""
    if source is None or any(f.__code__ not in source.codes for f in functions):
        return None
    found = [(line, node) for place, line, node in source.scopes if place == kind.__qualname__]
    first = getattr(kind, "__firstlineno__", None)
    exact = [node for line, node in found if line == first]
    return exact[0] if exact else found[-1][1] if found else None


def _closure(function: FunctionType) -> dict[str, Any]:
    """The variables of enclosing functions; one that is not set yet is left out."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue
    found.pop("__class__", None)
    return found


def _module_followed(module: ModuleType, top: str) -> bool:
    class _Inside:
        """Stands for anything that is defined there."""

    _Inside.__module__ = module.__name__
    return _followed(_Inside, top)


def _folders(file: str | None) -> tuple[Path, ...]:
    """Where a named file is looked for: beside the code, in the folder above, in the working directory."""
    home = [Path(file).parent, Path(file).parent.parent] if file and not file.startswith("<") else []
    return (*home, Path())


def _content(text: str, folders: tuple[Path, ...]) -> str | None:
    if not _NAMES_A_FILE.fullmatch(text) or not ("." in text or "/" in text) or text.strip(". /") == "":
        return None
    for folder in folders:
        path = folder / text
        try:
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                state = path.stat()
                return _digest(str(path.resolve()), state.st_mtime_ns, state.st_size)
        except OSError:
            continue
    return None


@functools.lru_cache(maxsize=256)
def _digest(path: str, changed: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
