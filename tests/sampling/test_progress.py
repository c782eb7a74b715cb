"""The bar of a run: few lines in a log, and no complaint in a notebook."""

import io
import sys
from types import ModuleType, SimpleNamespace

import pytest
import tqdm.notebook

from t2sampler.sampling._progress import open_bar


class Terminal(io.StringIO):
    """A text stream that somebody looks at."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "low", "high"),
    [
        pytest.param(io.StringIO(), 2, 3, id="log"),
        pytest.param(Terminal(), 10, 60, id="terminal"),
    ],
)
def test_a_log_gets_few_lines(monkeypatch, stream, low, high):
    clock = [0.0]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(tqdm.std, "time", lambda: clock[0])
    with open_bar(1000, "row", True) as bar:
        bar._time = lambda: clock[0]
        for _ in range(1000):
            clock[0] += 0.015
            bar.set_postfix_str("asked", refresh=False)
            bar.update(1)

    states = stream.getvalue().split("\r")
    assert low <= len(states) - 1 <= high
    assert "1000/1000" in states[-1]
    assert "asked" in states[-1]


def test_a_hidden_bar_writes_nothing(capsys):
    with open_bar(9, "row", False) as bar:
        bar.set_postfix_str("asked", refresh=False)
        bar.update(9)

    assert capsys.readouterr() == ("", "")


def test_a_notebook_without_widgets_has_a_bar_of_text(monkeypatch, capsys):
    """Warnings are errors here, and tqdm warns that ipywidgets are missing."""
    kernel = ModuleType("IPython")
    kernel.get_ipython = lambda: SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setattr(tqdm.notebook, "IProgress", None)
    for name in ("tqdm.auto", "tqdm.autonotebook"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    with open_bar(9, "row", True) as bar:
        bar.update(9)

    assert "9/9" in capsys.readouterr().err
