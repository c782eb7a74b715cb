"""Batches and independent components are asked side by side, up to the ceiling."""

from concurrent.futures import ThreadPoolExecutor

from doubles.fake_openai import FakeOpenAI
from doubles.llm_team_runs import run_team

from t2sampler.llm import Budget


def test_calls_overlap(wait_until):
    """After three batches, calls are held back until four are in flight."""
    chat = {"max_concurrency": 64, "timeout": 600.0}
    batches = {"n_batches": 30, "max_batches": None}

    with (
        FakeOpenAI(table="visits", hold_after=3 * 4) as server,
        ThreadPoolExecutor(1) as elsewhere,
    ):
        run = elsewhere.submit(run_team, server, chat=chat, sampler=batches)
        wait_until(lambda: run.done() or server.peak == 4)
        server.release()
        totals = run.result().totals

    assert len(server.log()) == 4 * 30  # three components and the labels
    assert server.peak <= 64
    assert totals["drawn"] == 8 * 30


def test_one_call_at_a_time_where_the_ceiling_is_one():
    with FakeOpenAI(table="visits", latency=0.01) as server:
        run_team(server, chat={"max_concurrency": 1}, sampler={"max_batches": 2})

        assert server.peak == 1


def test_same_rows_whatever_the_concurrency():
    runs = []

    for ceiling in (1, 32):
        with FakeOpenAI(table="visits") as server:
            runs.append(run_team(server, chat={"max_concurrency": ceiling}))

    assert runs[0].X_res.equals(runs[1].X_res)


def test_calls_in_flight_do_not_pass_the_budget():
    with FakeOpenAI(table="visits", latency=0.1) as server:
        run = run_team(
            server,
            chat={"max_concurrency": 64},
            team={"budget": Budget(max_calls=30)},
            sampler={"n_batches": 40},
        )

    assert len(server.log()) <= 30
    assert run.totals["drawn"] < 8 * 40


def test_tokens_reserved_do_not_pass_the_budget():
    with FakeOpenAI(table="visits", latency=0.05) as server:
        budget = Budget(max_tokens=40_000)
        run = run_team(
            server,
            chat={"max_concurrency": 64, "max_tokens": 500},
            team={"budget": budget},
            sampler={"n_batches": 40},
        )

    texts = [
        [*(m["content"] for m in entry["body"]["messages"]), entry["text"]]
        for entry in server.log()
    ]
    assert sum(len("".join(text)) // 4 for text in texts) <= 40_000
    assert 0 < run.totals["drawn"] < 8 * 40
