"""What the docstrings say is true: parameters, defaults, first lines."""

import dataclasses
import importlib
import inspect
import re

import pytest
from numpydoc.docscrape import FunctionDoc

MODULES = [
    "t2sampler",
    "t2sampler.constraints",
    "t2sampler.datasets",
    "t2sampler.generators",
    "t2sampler.llm",
    "t2sampler.metrics",
    "t2sampler.report",
    "t2sampler.team",
    "t2sampler.testing",
]


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


def is_record(thing):
    """Tell whether a class is a frozen record, whose fields speak for themselves."""
    return dataclasses.is_dataclass(thing) and not FunctionDoc(thing)["Parameters"]


OBJECTS = dict(sorted(public_objects()))
TAKES_PARAMETERS = {
    name: thing
    for name, thing in OBJECTS.items()
    if set(inspect.signature(thing).parameters) - {"self"} and not is_record(thing)
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
