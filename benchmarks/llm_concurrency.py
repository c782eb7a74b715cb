"""How close a team of language models comes to the time its latency allows.

100 batches, a chain of four workers (three components, then the labels), 300 ms a call,
64 calls at a time: nothing can be faster than 4 x 0.3 s x 2 rounds = 2.4 s. The server
is that of the tests, in a process of its own; the plan is given, so no manager is
asked, and a first batch, drawn before, has found out what the endpoint can do. CPU is
that of our process, client included.

One tidy CSV: a row per run. Ten seconds; ``--quick`` runs it once. No tokens: the
server is ours.

    python benchmarks/llm_concurrency.py --out llm_concurrency.csv
"""

import time
from math import ceil
from pathlib import Path

import pandas as pd
from _harness import make_parser, write_summary
from _team_server import make_chat, serve

from t2sampler.datasets import make_diabetes
from t2sampler.generators import LLMTeam
from t2sampler.team import Component, Plan
from t2sampler.testing import make_requests

N_BATCHES, N_ROWS, LATENCY_S, CEILING = 100, 10, 0.3, 64
PLAN = Plan(
    [
        Component("blood", ["HbA1c", "FastingGlucose", "Age"]),
        Component("body", ["BMI", "BloodPressure", "Cholesterol"], ["blood"]),
        Component("life", ["Insulin", "PhysicalActivity"], ["blood", "body"]),
    ]
)
DEPTH = len(PLAN.levels()) + 1  # and the labels
BOUND_S = DEPTH * LATENCY_S * ceil(N_BATCHES / CEILING)


def measure(seed):
    """Return wall time, its ratio to the bound, and CPU per call."""
    X, y = make_diabetes(100, random_state=1 + seed)  # the server knows those of 0
    with serve(table="diabetes", latency=LATENCY_S) as server:
        chat = make_chat(server, max_concurrency=CEILING)
        team = LLMTeam(chat, plan=PLAN, store=False).fit(X, y)
        first, *requests = make_requests(N_BATCHES + 1, N_ROWS, seed=seed)
        list(team.draw([first]))
        n_before = len(server.log())
        start, cpu = time.perf_counter(), time.process_time()
        n_drawn = sum(len(batch.X) for batch in team.draw(requests))
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        n_calls = len(server.log()) - n_before
        return {
            "seed": seed,
            "rows": n_drawn,
            "calls": n_calls,
            "most in flight": server.peak,
            "wall s": wall,
            "bound s": BOUND_S,
            "wall / bound": wall / BOUND_S,
            "CPU ms per call": 1000 * cpu / n_calls,
        }


def main(argv=None):
    """Run, print, and write what is asked for."""
    parser = make_parser(__doc__, "llm_concurrency.csv")
    parser.add_argument("--summary", type=Path, help="CSV for the page of results")
    args = parser.parse_args(argv)
    rows = pd.DataFrame(map(measure, range(1 if args.quick else args.seeds)))
    rows.to_csv(args.out, index=False)
    table = rows.drop(columns="seed").mean().to_frame().T.round(2)
    print(table.to_string(index=False))
    write_summary(table, Path(__file__).name, args)
    return table


if __name__ == "__main__":
    main()
