"""Commands that ask a language model."""

import pandas as pd
import pytest
from doubles.command_line import augment, run
from doubles.scripted_endpoint import Endpoint, answer_well

pytestmark = pytest.mark.usefixtures("few_trees")


@pytest.fixture
def endpoint(monkeypatch, tmp_path):
    """Return an endpoint that answers well, and the options that lead to it."""
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / f"{tmp_path.name}-kept"))
    endpoint = Endpoint()
    endpoint.answer = answer_well
    endpoint.options = ["--model", "m", "--base-url", endpoint.url]
    yield endpoint
    endpoint.close()


def test_a_language_model_writes_rows_which_are_kept(folder, endpoint, capsys):
    (folder / "meant.json").write_text('{"paid": "fee in euros"}')
    options = [*endpoint.options, "--context", "a clinic", "--prices", "1", "10"]
    options += ["--descriptions", "meant.json", "--strategy", '{"yes": 10}']

    assert augment(*options) == 0

    said = capsys.readouterr().out
    assert f"asked: {len(endpoint.bodies)} calls" in said
    assert "cost 0.0" in said
    first = endpoint.bodies[0]["messages"][0]["content"]
    assert "a clinic" in first
    assert "fee in euros" in first
    assert (pd.read_csv("out.csv")["ill"] == "yes").sum() == 10

    n_asked = len(endpoint.bodies)
    assert augment(*options, out="again.csv") == 0
    assert len(endpoint.bodies) == n_asked
    assert (folder / "again.csv").read_text() == (folder / "out.csv").read_text()
    assert run("estimate", "in.csv", "--target", "ill", *options) == 0
    assert "calls            0 to    0" in capsys.readouterr().out

    assert run("store") == 0
    assert f"replies.sqlite: {n_asked} answers" in capsys.readouterr().out
    assert run("store", "--clear") == 0
    assert run("store") == 0
    assert "replies.sqlite: 0 answers" in capsys.readouterr().out


@pytest.mark.parametrize("generator", ["epic", "h-tdbu"])
def test_another_system_writes_the_rows(folder, endpoint, capsys, generator):
    options = [*endpoint.options, "--generator", generator]

    assert augment(*options, "--strategy", '{"yes": 10}') == 0

    assert (pd.read_csv("out.csv")["ill"] == "yes").sum() == 10
    assert f"asked: {len(endpoint.bodies)} calls" in capsys.readouterr().out
    assert len(endpoint.bodies) > 0


def test_rules_make_rows_without_a_model(folder):
    assert augment("--generator", "h-tdbu", "--strategy", '{"yes": 10}') == 0

    assert (pd.read_csv("out.csv")["ill"] == "yes").sum() == 10


def test_a_language_model_plans(folder, endpoint, capsys):
    assert run("plan", "in.csv", "--target", "ill", *endpoint.options) == 0

    printed = capsys.readouterr()
    assert "part 1" in printed.out
    assert "real rows were shown" in printed.err
    assert len(endpoint.bodies) == 1


def test_an_estimate_asks_nobody_and_needs_no_key(
    folder, endpoint, capsys, monkeypatch
):
    monkeypatch.delenv("OPENAI_API_KEY")
    options = ["--model", "m", "--prices", "1", "10", "--examples", "summary"]

    assert run("estimate", "in.csv", "--target", "ill", *options) == 0

    said = capsys.readouterr().out
    for word in ("calls", "input tokens", "output tokens", "cost"):
        assert word in said
    assert not endpoint.bodies


def test_a_spent_budget_is_told(folder, endpoint, capsys):
    assert augment(*endpoint.options, "--budget-tokens", 100) == 0

    assert "budget" in capsys.readouterr().err
    assert not endpoint.bodies


@pytest.mark.parametrize("command", ["augment", "plan"])
def test_no_key_is_told_before_any_work(folder, capsys, monkeypatch, command):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    out = ["--out", "out.csv"] if command == "augment" else []
    (folder / "in.csv").write_text("")  # no table, which is told if it is read

    code = run(command, "in.csv", "--target", "ill", "--model", "m", *out)

    said = capsys.readouterr().err
    assert code == 2
    assert "OPENAI_API_KEY" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--context", "c"], "--context needs --model", id="no model"),
        pytest.param(["--budget-tokens", 5], "--budget-tokens needs", id="budget"),
        pytest.param(["--generator", "cllm"], "cllm needs --model", id="generator"),
        pytest.param(["--model", "m", "--examples", "all"], "--examples", id="rows"),
        pytest.param(["--model", "m", "--examples", "²"], "--examples", id="digit"),
        pytest.param(["--model", "m", "--base-url", "here"], "base_url", id="address"),
        pytest.param(
            ["--model", "m", "--descriptions", "no.json"], "No such", id="no file"
        ),
        pytest.param(
            ["--model", "m", "--descriptions", "in.csv"], "is no JSON", id="no JSON"
        ),
        pytest.param(
            ["--model", "m", "--descriptions", "list.json"], "JSON object", id="list"
        ),
        pytest.param(
            ["--model", "m", "--descriptions", "other.json"], "names weight", id="names"
        ),
    ],
)
def test_wrong_options_of_a_model_get_one_sentence(
    folder, endpoint, capsys, options, words
):
    (folder / "list.json").write_text("[1]")
    (folder / "other.json").write_text('{"weight": "kg"}')

    assert augment(*options) == 2

    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not endpoint.bodies
    assert not (folder / "out.csv").exists()
