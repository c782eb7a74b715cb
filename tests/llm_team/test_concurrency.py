"""Batches and independent components are asked side by side, up to the ceiling."""

from fake_openai import FakeOpenAI
from runs import run_team

from t2sampler.llm import Budget


def test_calls_overlap_up_to_the_ceiling():
    server = FakeOpenAI(table="visits", latency=0.15)

    with server.in_process() as remote:
        chat, batches = {"max_concurrency": 64}, {"n_batches": 70, "max_batches": None}
        run = run_team(remote, chat=chat, sampler=batches)
        peak, n_calls = remote.peak, len(remote.log())

    assert 16 < peak <= 64
    assert n_calls == 4 * 70  # three components and the labels
    assert run.totals["drawn"] == 8 * 70


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
