"""What may be imported is listed, sorted and documented, and nothing else is public."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import t2sampler

INNER = {"chat", "cli"}  # a folder of the package, and the command
PARTS = [part.name for part in pkgutil.iter_modules(t2sampler.__path__)]
SUBMODULES = [part for part in PARTS if not part.startswith("_") and part not in INNER]
MODULES = ["t2sampler", *(f"t2sampler.{part}" for part in SUBMODULES)]


@pytest.fixture(params=MODULES)
def module(request):
    return importlib.import_module(request.param)


def test_names_are_listed_once_and_sorted(module):
    # As the linter sorts: names in capitals first.
    by_case = sorted(set(module.__all__), key=lambda name: (not name.isupper(), name))
    assert module.__all__ == by_case


def test_listed_names_are_there_and_documented(module):
    for name in module.__all__:
        assert getattr(module, name).__doc__.strip(), name


def test_what_a_module_holds_without_an_underscore_is_listed(module):
    """In a folder whatever its ``__init__`` imports, in a file what it defines."""
    is_folder = hasattr(module, "__path__")
    for name, thing in vars(module).items():
        if name.startswith("_") or not callable(thing):
            continue
        is_ours = thing.__module__.startswith("t2sampler.")
        if is_ours if is_folder else thing.__module__ == module.__name__:
            assert name in module.__all__, name


def test_names_are_listed_for_completion():
    assert {*t2sampler.__all__, *SUBMODULES, "__version__"} <= set(dir(t2sampler))


def test_type_checkers_find_the_names():
    """They read the imports that Python itself leaves to ``__getattr__``."""
    source = Path(t2sampler.__file__).read_text(encoding="utf-8")
    (block,) = (node for node in ast.parse(source).body if isinstance(node, ast.If))

    names = [alias.name for line in block.body for alias in line.names]

    assert sorted(names) == sorted(t2sampler.__all__)


def test_a_wrong_name_is_refused():
    with pytest.raises(AttributeError, match="'t2sampler' has no attribute 'SMOTE'"):
        t2sampler.SMOTE  # noqa: B018
