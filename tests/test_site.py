"""The documentation as one site, and what the docstrings of public names say."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from riskkit.algorithms import Method, Step, steps, traits
from riskkit.experiment import Run
from riskkit.problem import Problem
from riskkit.theory import Bound, Source
from riskkit.training.network import Network

ROOT = Path(__file__).resolve().parent.parent
SPEC = importlib.util.spec_from_file_location("api_pages", ROOT / "docs" / "api_pages.py")
api_pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(api_pages)

SAID = {name for protocol in (Method, Step, Run, Bound, Problem, Network) for name in vars(protocol)}
SAID |= {*vars(traits), *vars(steps), "first", "formula", "quadratic", "squared"}
"""Members that a protocol, ``traits``, ``steps`` or ``riskkit.problem`` describes for all that have them."""
ARRAY = re.compile(r"ArrayLike|Floats|Tensor|ndarray|NDArray")
NUMBER = re.compile(r"\b(int|float)\b|ArrayLike|Floats|Tensor|ndarray|NDArray")
SHAPE = re.compile(r"\([A-Zd]\w*(, ?[\w+ .]+)*,?\)|shape")


def public() -> dict[str, object]:
    """Where each public class and function is defined -> it."""
    found = {}
    targets = {target for room in api_pages.rooms().values() for target in room}
    for target in sorted(targets | set(api_pages.exported(ROOT / "problems" / "__init__.py").values())):
        home, _, name = target.replace("problems.", "riskkit.problems.", target.startswith("problems.")).rpartition(".")
        one = getattr(importlib.import_module(home), name)
        if inspect.isclass(one) or inspect.isfunction(one):
            found[target] = one
    return found


PUBLIC = public()


def described(one: object) -> str:
    """Its own docstring; a dataclass has one that Python made, which says nothing."""
    text = vars(one).get("__doc__") or "" if inspect.isclass(one) else one.__doc__ or ""
    return "" if dataclasses.is_dataclass(one) and text.startswith(f"{one.__name__}(") else text


def functions(one: type) -> dict[str, object]:
    """The public methods and properties that a class defines itself."""
    found = {}
    for name, member in vars(one).items():
        inner = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if not name.startswith("_") and inspect.isfunction(inner) and inner.__module__.startswith("riskkit"):
            found[name] = inner
    return found


def raised(function: object) -> set[str]:
    """The exceptions that its own body raises."""
    return set(re.findall(r"^\s+raise (\w+)\(", inspect.getsource(function), re.MULTILINE))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_says_what_it_is_its_shapes_and_its_errors(name):
    one = PUBLIC[name]
    text = described(one)
    assert text, "has no docstring"
    if not inspect.isclass(one):
        check_function(one, "")
        return
    source = inspect.getsource(one)
    inherited = text + "".join(described(base) for base in one.__mro__[1:] if base.__module__.startswith("riskkit"))
    for field in dataclasses.fields(one) if dataclasses.is_dataclass(one) else ():
        own = re.search(rf'^    {field.name}: .*\n    """', source, re.MULTILINE)
        named = re.search(rf"\b{field.name}\b", inherited)
        assert field.name.startswith("_") or named or own or field.name in SAID, (
            f"the field {field.name} is not described"
        )
    for member, function in functions(one).items():
        assert function.__doc__ or member in SAID or re.search(rf"\b{member}\b", text), f"{member} has no docstring"
        check_function(function, text)
    for own in ("__init__", "__post_init__"):
        function = vars(one).get(own)
        if inspect.isfunction(function) and function.__code__.co_filename.startswith(str(ROOT)):
            missing = {error for error in raised(function) if error not in text}
            assert not missing, f"does not say that it raises {missing}"


def check_function(function: object, beside: str) -> None:
    """What it raises, the shapes of its arrays, and what each number and array is that it takes: a count, a
    probability, a step size."""
    text = f"{function.__doc__ or ''}{beside}"
    missing = {error for error in raised(function) if error not in text}
    assert not missing, f"{function.__qualname__} does not say that it raises {missing}"
    signature = inspect.signature(function)
    kinds = [str(one.annotation) for one in signature.parameters.values()] + [str(signature.return_annotation)]
    if any(map(ARRAY.search, kinds)) and function.__name__ not in SAID:
        assert SHAPE.search(text), f"{function.__qualname__} does not say the shapes of its arrays"
    numbers = [name for name, one in signature.parameters.items() if NUMBER.search(str(one.annotation))]
    unsaid = [name for name in numbers if not re.search(rf"\b{name}\b", text)]
    assert not unsaid or function.__name__ in SAID, f"{function.__qualname__} does not say what {unsaid} are"


def stated() -> dict[str, object]:
    """Where it stands -> each bound and count that a module of ``riskkit.theory`` defines, alone or in a collection."""
    found = {}
    for file in sorted((ROOT / "riskkit" / "theory").rglob("*.py")):
        home = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for name, value in vars(importlib.import_module(home)).items():
            parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else [value]
            for place, one in enumerate(parts):
                if not inspect.isclass(one) and isinstance(getattr(one, "source", None), Source):
                    found[f"{home}.{name}.{place}"] = one
    return found


def test_every_bound_has_a_source_a_place_in_it_and_a_bibtex_entry_of_its_key():
    """The place is a number in the source, or the module says how the statement came from there."""
    found = stated()
    assert len({id(one) for one in found.values()}) > 40
    for where, one in found.items():
        source = one.source
        assert re.search(rf"^@\w+\{{{re.escape(source.key)},", source.bibtex), where
        assert source.text, where
        told = importlib.import_module(where.rsplit(".", 2)[0]).__doc__ or ""
        numbered = re.search(r"(Theorem|Corollary|Lemma) \d", getattr(one, "title", ""))
        assert source.place or numbered or "Source:" in told, where


def test_the_site_is_built_without_network_and_without_a_warning(tmp_path):
    environment = {
        **os.environ,
        "NO_MKDOCS_2_WARNING": "1",
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr  # not --quiet: what is not logged is not counted
    assert "WARNING" not in done.stderr
    for room, targets in api_pages.rooms().items():
        page = (tmp_path / "site" / "api" / f"{room}.html").read_text()
        for target in targets:
            assert f'id="{target}"' in page, target
    guide = (tmp_path / "site" / "guides" / "hardt.html").read_text()
    assert "../api/riskkit.html" in guide
