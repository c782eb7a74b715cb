"""Help, version and mistakes, in a process of their own."""

import subprocess
import sys

import pytest
from doubles.command_line import run

from t2sampler import __version__


def test_help_and_version(capsys):
    assert run("--help") == 0
    assert "augment" in capsys.readouterr().out
    assert run("--version") == 0
    assert capsys.readouterr().out == f"t2sampler {__version__}\n"


def run_module(*arguments, options=()):
    command = [sys.executable, *options, "-m", "t2sampler", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_module_is_the_command(folder):
    done = run_module("plan", "no.csv", "--target", "y")

    said = "t2sampler plan: argument table: no.csv: No such file or directory.\n"
    assert done.returncode == 2
    assert done.stderr == said
    assert done.stdout == ""


AUGMENT = ["augment", "in.csv", "--target", "ill", "--out", "out.csv"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--help"], id="help"),
        pytest.param(["--version"], id="version"),
        pytest.param(["augment", "--help"], id="help of a command"),
        pytest.param(["augment", "in.csv", "--out", "out.csv"], id="no target"),
        pytest.param(["trim"], id="unknown command"),
        pytest.param(["demo", "in.csv"], id="demo without target"),
        pytest.param(["compare", "in.csv", "--target", "y", "--jobs", "0"], id="jobs"),
        pytest.param([*AUGMENT, "--speed", "9"], id="unknown option"),
        pytest.param(["plan", "no.csv", "--target", "ill"], id="no file"),
        pytest.param([*AUGMENT[:-1], "no/out.csv"], id="no folder"),
        pytest.param([*AUGMENT[:-1], "out.xls"], id="suffix"),
        pytest.param([*AUGMENT, "--report", "page.pdf"], id="suffix of the report"),
        pytest.param([*AUGMENT, "--factor", "0"], id="factor"),
        pytest.param([*AUGMENT, "--strategy", "most"], id="strategy"),
        pytest.param([*AUGMENT, "--seed", "-1"], id="seed"),
        pytest.param([*AUGMENT, "--encoding", "hex"], id="encoding"),
        pytest.param([*AUGMENT, "--kinds", "age=int"], id="kind"),
        pytest.param([*AUGMENT, "--test-size", "2.5"], id="test size"),
        pytest.param([*AUGMENT[:-1], "./in.csv"], id="the table itself"),
        pytest.param([*AUGMENT, "--context", "a clinic"], id="context without model"),
        pytest.param([*AUGMENT, "--model", "m", "--examples", "all"], id="examples"),
        pytest.param([*AUGMENT, "--model", "m", "--prices", "1", "-1"], id="prices"),
        pytest.param(
            [*AUGMENT, "--model", "m", "--descriptions", "in.csv"], id="descriptions"
        ),
    ],
)
def test_help_and_mistakes_do_not_load_libraries(folder, arguments):
    done = run_module(*arguments, options=["-X", "importtime"])

    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    is_help = arguments[-1] in ("--help", "--version")
    assert done.returncode == (0 if is_help else 2)
    assert "argparse" in loaded
    assert not loaded & {"sklearn", "pandas", "numpy", "scipy", "imblearn", "openai"}
