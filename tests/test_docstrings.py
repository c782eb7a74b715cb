"""What the docstrings say is true: parameters, defaults, first lines."""

import dataclasses
import importlib
import inspect
import re

import pytest
from numpydoc.docscrape import FunctionDoc

import t2sampler

MODULES = ["t2sampler", *(f"t2sampler.{name}" for name in t2sampler._SUBMODULES)]


def public_objects():
    """Yield (name, object) of public classes and functions, and classes' methods."""
    for module in map(importlib.import_module, MODULES):
        for name in module.__all__:
            thing = getattr(module, name)
            yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing) and not dataclasses.is_dataclass(thing):
                for method, value in vars(thing).items():
                    if inspect.isfunction(value) and not method.startswith("_"):
                        yield f"{module.__name__}.{name}.{method}", value


def is_only_read(thing):
    """Tell whether users get a thing from us: an error, a record without parameters."""
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return True
    return dataclasses.is_dataclass(thing) and not FunctionDoc(thing)["Parameters"]


OBJECTS = dict(sorted(public_objects()))
TAKES_PARAMETERS = {
    name: thing
    for name, thing in OBJECTS.items()
    if not is_only_read(thing) and set(inspect.signature(thing).parameters) - {"self"}
}


def documented(thing):
    """Return name: type as the docstring's Parameters section has them."""
    parameters = FunctionDoc(thing, doc=inspect.getdoc(thing))["Parameters"]
    return {
        name.strip().lstrip("*"): parameter.type
        for parameter in parameters
        for name in parameter.name.split(",")
    }


@pytest.mark.parametrize("name", OBJECTS)
def test_first_line_is_one_short_sentence(name):
    first, _, rest = inspect.getdoc(OBJECTS[name]).partition("\n")

    assert len(first) <= 80
    assert first.endswith((".", "?"))
    assert not rest.strip() or rest.startswith("\n")


@pytest.mark.parametrize("name", TAKES_PARAMETERS)
def test_every_parameter_is_documented(name):
    thing = OBJECTS[name]
    names = list(inspect.signature(thing).parameters)

    assert list(documented(thing)) == [name for name in names if name != "self"]


@pytest.mark.parametrize("name", TAKES_PARAMETERS)
def test_documented_defaults_are_the_signatures(name):
    thing = OBJECTS[name]
    stated = {
        parameter: re.search(r"default=(.+)$", kind)
        for parameter, kind in documented(thing).items()
    }

    wrong = {
        parameter.name: parameter.default
        for parameter in inspect.signature(thing).parameters.values()
        if (found := stated.get(parameter.name)) is not None
        and found[1].strip("'\"") != repr(parameter.default).strip("'")
    }
    silent = {
        parameter.name
        for parameter in inspect.signature(thing).parameters.values()
        if parameter.default is not inspect.Parameter.empty
        and not stated.get(parameter.name)
    }

    assert not wrong
    assert not silent
