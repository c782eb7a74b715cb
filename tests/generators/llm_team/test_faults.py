"""Whatever a server does: no crash, no hang, no bad row, and the books add up."""

import socket

import pytest
from doubles.fake_openai import FakeOpenAI, Fault
from doubles.faults import TEXT
from doubles.llm_team_runs import make_chat, make_sampler, run_sampler, run_team
from doubles.simulated_tables import DRAW

from t2sampler.exceptions import ChatError, ContextOverflowError
from t2sampler.generators import LLMTeam
from t2sampler.team import Component, Plan

ONE_WORKER = Plan([Component("all", list(DRAW["visits"](5, 0)[0])[::-1])])
HARMLESS = {"prose", "fenced", "thinks", "too many rows", "unknown columns"}
HOPELESS = {
    *("empty", "only thoughts", "truncated at once", "no JSON", "wrong ids", "deep"),
    *("ids of other types", "only unknown columns", "text for all", "refusal"),
    "content filter",
}


def test_competent_team_loses_no_row():
    with FakeOpenAI(table="visits") as server:
        run = run_team(server)

    assert run.totals["refused"] == 0
    assert run.y_res.value_counts().nunique() == 1


@pytest.mark.parametrize("kind", TEXT)
def test_spoiled_replies_always(kind):
    with FakeOpenAI(table="visits", faults=(Fault(kind),)) as server:
        run = run_team(server, sampler={"max_batches": 2})

    if kind in HARMLESS:
        assert run.totals["refused"] == 0
    if kind in HOPELESS - {"text for all"}:
        assert run.totals["refused"] == run.totals["drawn"] == 16
        assert run.totals["accepted"] == 0


@pytest.mark.parametrize("kind", sorted(set(TEXT) - {"only thoughts"}))
def test_spoiled_replies_now_and_then(kind):
    """Rows that could not be read are asked for again, so most of them come."""
    with FakeOpenAI(table="visits", faults=(Fault(kind, share=0.3),)) as server:
        run = run_team(server)

    assert run.totals["accepted"] >= 4


@pytest.mark.parametrize("kind", ["429", "500", "reset", "page", "deep body"])
def test_failures_that_pass_cost_no_row(kind):
    faults = (Fault(kind, calls=(0, 2, 5)),)

    with FakeOpenAI(table="visits", faults=faults) as server:
        run = run_team(server)

    assert run.totals["refused"] == 0
    assert any(entry.get("fault") for entry in server.log())


def test_server_with_one_slot_gives_all_rows():
    """Calls that wait behind others time out; they are asked again, fewer at a time."""
    settings = {"table": "visits", "latency": 0.5, "has_one_slot": True}

    with FakeOpenAI(**settings) as server:
        run = run_team(
            server,
            chat={"timeout": 1.9, "max_retries": 0},
            team={"plan": None, "manager": None, "label": None},
            sampler={"n_batches": 6, "max_batches": None, "batch_size": 5},
        )

    assert len(server.log()) > 6  # four at first, of which the last waits for too long
    assert run.totals["drawn"] == 30
    assert run.totals["refused"] == 0


def test_thoughts_that_fill_the_reply_are_paid_for_three_batches():
    faults = (Fault("only thoughts"),)

    with FakeOpenAI(table="visits", faults=faults) as server:
        settings = {"label": None, "plan": ONE_WORKER}
        run = run_team(server, team=settings, sampler={"n_batches": 40})

    (note,) = [n for n in run.sampler.report_.notes if "ended early" in n]
    assert len(server.log()) == 3
    assert "`max_tokens`" in note
    assert "reasoning_effort" in note
    assert "3 calls" in note


def test_rate_limit_is_waited_for():
    faults = (Fault("429", calls=range(6), seconds=0.3),)

    with FakeOpenAI(table="visits", faults=faults) as server:
        run = run_team(server, sampler={"max_batches": 2})

    assert [entry["status"] for entry in server.log()].count(429) == 6
    assert run.totals["refused"] == 0


def test_call_that_outlasts_the_timeout_is_asked_again():
    faults = (Fault("pause", calls=(1,), seconds=20),)

    with FakeOpenAI(table="visits", faults=faults) as server:
        run = run_team(server, chat={"timeout": 2.0}, sampler={"max_batches": 2})

    assert run.totals["refused"] == 0


def test_slow_trickle_is_read_to_its_end():
    faults = (Fault("trickle", calls=(1,), seconds=1.0),)

    with FakeOpenAI(table="visits", faults=faults) as server:
        run = run_team(server, sampler={"max_batches": 2})

    assert run.totals["refused"] == 0


@pytest.mark.parametrize("kind", ["500", "pause", "trickle"])
def test_worker_that_fails_for_good_loses_its_rows_and_says_why(kind):
    """A trickle of 600 s ends at the timeout, too."""
    faults = (Fault(kind, seconds=600, roles=("label",)),)

    with FakeOpenAI(table="visits", faults=faults) as server:
        chat = {"timeout": 2.0, "max_retries": 0}
        run = run_team(server, chat=chat, sampler={"max_batches": 1})

    reasons = set(run.sampler.report_.left_out["reason"])
    assert run.totals["refused"] == run.totals["drawn"] == 8
    assert len(reasons) == 1
    assert "fake-1" in reasons.pop()


@pytest.mark.parametrize("fault", [Fault("500"), Fault("pause", seconds=20)])
def test_endpoint_that_never_answers_is_an_error(fault):
    """After the retries; rows would all be refused, and nobody would know why."""
    with (
        FakeOpenAI(table="visits", faults=(fault,)) as server,
        pytest.raises(ChatError, match=r"fake-1.* failed .*un again later") as caught,
    ):
        run_team(server, chat={"timeout": 0.3}, sampler={"max_batches": 1})

    assert "\n" not in str(caught.value)
    assert len(server.log()) == 2  # once, and a retry


@pytest.mark.parametrize(
    "abilities",
    [
        {"formats": ("json_object",)},
        {"formats": ()},
        {"knows": ()},
        {"knows": ("seed",), "formats": ("json_object",)},
        {"tells_usage": False},
    ],
)
def test_servers_that_can_do_less_are_asked_for_less(abilities):
    with FakeOpenAI(table="visits", **abilities) as server:
        run = run_team(server, chat={"temperature": 1.0})

    n_refused = sum(entry["status"] == 400 for entry in server.log())
    assert run.totals["refused"] == 0
    assert n_refused <= 16 * 5  # at most what was in flight, once per thing learnt


@pytest.mark.parametrize("most_rows", [3, 1])
def test_batch_that_does_not_fit_is_halved(most_rows):
    with FakeOpenAI(table="visits", most_rows=most_rows) as server:
        run = run_team(server, sampler={"max_batches": 2})

    given = [entry["n_rows"] for entry in server.log() if entry["answered"]]
    assert max(given) <= most_rows
    assert run.totals["refused"] == 0


def test_row_that_does_not_fit_alone_is_refused():
    faults = (Fault("overflow", roles=("label",)),)

    with FakeOpenAI(table="visits", faults=faults) as server:
        run = run_team(server, sampler={"max_batches": 1})

    assert run.totals["refused"] == run.totals["drawn"] == 8
    reasons = run.sampler.report_.left_out["reason"]
    assert reasons.str.contains("cannot hold the request").all()


def test_context_that_holds_no_row_at_all_is_an_error():
    with (
        FakeOpenAI(table="visits", most_rows=0.5) as server,
        pytest.raises(ContextOverflowError, match="Lower `max_tokens`"),
    ):
        run_team(server, sampler={"max_batches": 1})


def closed_port():
    """Return an address where nobody listens."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{door.getsockname()[1]}/v1"


@pytest.mark.parametrize("plan", ["given", "asked for"])
@pytest.mark.parametrize(
    ("chat", "says"),
    [
        ({"model": "gpt-none"}, "`gpt-none` does not exist"),
        ({"base_url": closed_port()}, "(?i)connect|reach"),
    ],
)
def test_fatal_faults_are_one_sentence(chat, says, plan):
    with FakeOpenAI(table="visits") as server:
        model = make_chat(server.url).set_params(**chat)
        team = LLMTeam(model, manager=model, store=False)
        if plan == "given":
            run_plan = run_team(server).sampler.generator_.plan_
            team.set_params(plan=run_plan)
        with pytest.raises(ChatError, match=says) as caught:
            run_sampler(make_sampler(team))

    assert caught.value.is_fatal
    assert "\n" not in str(caught.value)


def test_wrong_key_is_one_sentence():
    with (
        FakeOpenAI(table="visits", key="another") as server,
        pytest.raises(ChatError, match="Incorrect API key") as caught,
    ):
        run_team(server)

    assert caught.value.is_fatal
    assert len(server.log()) <= 16


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "MY_OWN_KEY"])
def test_missing_key_is_named_before_any_work(name, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")

    with (
        FakeOpenAI(table="visits") as server,
        pytest.raises(ChatError, match=name),
    ):
        run_team(server, chat={"api_key_env": name})

    assert server.log() == []


def test_answers_before_a_fatal_fault_are_kept(tmp_path):
    store = str(tmp_path / "store")
    with FakeOpenAI(table="visits") as server:
        team = LLMTeam(make_chat(server.url), store=store)
        run_sampler(make_sampler(team, max_batches=1))
        n_calls = len(server.log())
        run_sampler(make_sampler(team, max_batches=1))

        assert len(server.log()) == n_calls > 0
