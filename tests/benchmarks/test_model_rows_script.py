"""The benchmark of models' rows: from questions to scores, and from files again."""

import io
import json
import random
import re
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

import _model_runs
import model_rows
import numpy as np
import pandas as pd
import pytest
from _downstream import MODELS
from _model_cases import CASES, draw_repairs
from _plain_prompt import Reader, Replies, deal, describe, find_rows, write_rows
from doubles.fake_openai_handler import MODEL, CallLog, Handler, Settings
from doubles.simulated_tables import make_pool
from model_rows import BOOSTING, BOTH, PLAIN, REAL, TEAM, TRIMMED
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from t2sampler.llm import ChatModel

WANTED = re.compile(r'(\d+) with "diabetes": "(\w+)"')
KEY = "T2SAMPLER_TEST_KEY"


class PlainHandler(Handler):
    """Answers plain prompts with rows by name, and whatever else as a team would."""

    def do_POST(self):
        """Answer a chat completion."""
        data = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(data)
        if "\nRows:\n" not in body["messages"][-1]["content"]:
            self._answer_plainly(body)
            return
        stream, self.rfile = self.rfile, io.BytesIO(data)
        try:
            super().do_POST()
        finally:
            self.rfile = stream

    def _answer_plainly(self, body):
        task = body["messages"][-1]["content"]
        rng = random.Random(task)
        rows = [
            _draw_row(label, rng)
            for n, label in WANTED.findall(task)
            for _ in range(int(n))
        ]
        if task.startswith("Batch 1."):
            rows[0]["Age"] = "old"
        with self.server.calls.lock:
            self.server.plain.append(task)
        text = f"Here they are:\n```json\n{json.dumps({'rows': rows})}\n```"
        entry = {"text": text, "number": 0}
        self._send(200, self._complete(body, entry, "stop"))


def _draw_row(label, rng):
    """Return a row of the simulator as an object, its keys in a random order."""
    pool = make_pool("diabetes")
    places = [i for i, y in enumerate(pool.labels) if y == label]
    cells = [*pool.rows[rng.choice(places)].items(), ("diabetes", label)]
    rng.shuffle(cells)
    return dict(cells)


@pytest.fixture
def endpoint():
    """Serve plain prompts and a team; tell what was asked."""
    with _serve() as server:
        yield server


@contextmanager
def _serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), PlainHandler)
    server.daemon_threads, server.block_on_close = True, False
    server.settings, server.calls, server.plain = Settings(), CallLog(), []
    server.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.calls.closing.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(endpoint, monkeypatch, tmp_path):
    """Return a function that runs the script on diabetes, with two fast learners."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    fast = {"logistic": MODELS["logistic"], BOOSTING: MODELS["svm"]}
    monkeypatch.setattr(model_rows, "LEARNERS", fast)
    monkeypatch.setattr(_model_runs, "LEARNERS", fast)
    monkeypatch.setattr(_model_runs, "N_FITS", 1)

    def run_script(out, *ways):
        files = ["--out", tmp_path / out, "--summary", tmp_path / "summary.csv"]
        files += ["--stores", tmp_path / "stores", "--rows", tmp_path / "rows"]
        options = ["--base-url", endpoint.url, "--model", MODEL, "--n-jobs", 1]
        words = ["--cases", "diabetes", "--seeds", 1, *options, *files, "--ways", *ways]
        model_rows.main([*map(str, words)])
        return pd.read_csv(tmp_path / out)

    return run_script


@pytest.mark.slow
def test_rows_are_asked_for_once_and_scored_again_for_nothing(run, endpoint, tmp_path):
    ways = [REAL, "offline team", PLAIN, TEAM, TRIMMED, BOTH]

    rows = run("first.csv", *ways)
    n_plain, n_team = len(endpoint.plain), len(endpoint.calls.entries)
    again = run("again.csv", *ways)

    assert (len(endpoint.plain), len(endpoint.calls.entries)) == (n_plain, n_team)
    pd.testing.assert_frame_equal(rows, again)
    facts = rows[rows["learner"] == "logistic"].set_index("way")
    assert facts["n_new"].drop(TRIMMED).tolist() == [0, 100, 100, 100, 200]
    assert 0 < facts.loc[TRIMMED, "n_new"] <= 100
    assert facts.loc[PLAIN, "calls"] == n_plain == 6  # five, and one for the bad row
    assert facts.loc[PLAIN, "unreadable"] == 1
    assert facts.loc[[TEAM, TRIMMED, BOTH], "calls"].tolist() == [n_team] * 3
    assert (facts.loc[[PLAIN, TEAM, BOTH], "input_tokens"] > 0).all()
    assert facts["auc"].between(40, 100).all()
    written = pd.read_csv(tmp_path / "rows" / "diabetes-0-plain_prompt.csv")
    assert written["diabetes"].value_counts().to_dict() == {
        "LR": 34,
        "MR": 33,
        "HR": 33,
    }


def test_summary_says_command_gains_and_costs(run, tmp_path):
    run("rows.csv", REAL, PLAIN, TEAM)

    text = (tmp_path / "summary.csv").read_text()
    assert text.startswith("# python benchmarks/model_rows.py --cases diabetes --ways")
    for title in ("Against real rows", "Against the plain prompt", "Per 100 new rows"):
        assert title in text


def test_a_stopped_run_of_plain_prompts_goes_on(endpoint, monkeypatch, tmp_path):
    monkeypatch.setenv(KEY, "none")
    chat = ChatModel(MODEL, base_url=endpoint.url, api_key_env=KEY)
    (X, y), _ = CASES["diabetes"].split(0)
    path = tmp_path / "replies.jsonl"

    results = []
    for _ in range(2):
        replies = Replies(chat, path)
        results.append(write_rows(replies, X, y, dict.fromkeys(["LR", "MR", "HR"], 14)))
        replies.close()
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[:-1]) + lines[-1][:50])  # cut while written

    first, second = results
    assert (first.n_asked, second.n_asked) == (4, 1)
    pd.testing.assert_frame_equal(first.X, second.X)
    assert first.usage == second.usage


def test_real_rows_score_as_computed_directly():
    train, test = CASES["diabetes"].split(0)

    auc = model_rows.score(train, test)["logistic"]

    scaler = StandardScaler().fit(train[0])
    model = LogisticRegression(max_iter=1000).fit(
        scaler.transform(train[0]), train[1].astype(str)
    )
    shares = model.predict_proba(scaler.transform(test[0]))
    expected = roc_auc_score(
        test[1].astype(str), shares, multi_class="ovr", average="macro"
    )
    assert auc == pytest.approx(100 * expected)


def test_without_an_endpoint_only_ways_without_a_model_run(monkeypatch, tmp_path):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    few = {"logistic": MODELS["logistic"]}
    monkeypatch.setattr(model_rows, "LEARNERS", few)
    monkeypatch.setattr(_model_runs, "LEARNERS", few)
    monkeypatch.setattr(_model_runs, "N_FITS", 1)
    out = tmp_path / "rows.csv"

    words = ["--quick", "--n-jobs", 1, "--out", out, "--rows", tmp_path / "rows"]
    model_rows.main([*map(str, words), "--stores", str(tmp_path / "stores")])

    rows = pd.read_csv(out).set_index(["case", "way"])
    assert set(rows.index.get_level_values("way")) == set(model_rows.NEED_NO_MODEL)
    assert np.isnan(rows.loc[("diabetes", "SMOTE"), "auc"])  # one row of a class
    assert rows.loc[("repairs", "SMOTE"), "n_new"] == 100
    assert not (tmp_path / "stores").exists()


def test_picks_depend_on_the_seed_alone_and_leave_no_row_on_both_sides():
    (X, y), (X_test, y_test) = CASES["repairs"].split(3)
    again, _ = CASES["repairs"].split(3)
    other, _ = CASES["repairs"].split(4)

    pd.testing.assert_frame_equal(X, again[0])
    assert not X.equals(other[0])
    assert y.value_counts().to_dict() == {"yes": 10, "no": 10}
    assert y.ne(y.shift()).sum() > 3  # shuffled
    assert (len(X_test), len(y_test)) == (500, 500)
    assert X.merge(X_test).empty
    assert X_test["tyre_bar"].isna().mean() == pytest.approx(0.2, abs=0.06)


def test_tables_are_split_without_overlap(real_table):
    def count(X, y):
        rows = X.assign(label=y).itertuples(index=False)
        return Counter(tuple(map(str, row)) for row in rows)

    (X, y), (X_test, y_test) = CASES["german"].split(0)

    assert y.value_counts().to_dict() == {"good": 10, "bad": 10}
    assert len(X_test) == 500
    assert count(X, y) + count(X_test, y_test) <= count(*real_table("german"))


def test_cells_are_matched_by_name_and_read_by_type():
    X = pd.DataFrame(
        {"km_per_week": [5, 10], "kind": ["City", "Road"], "bar": [1.5, np.nan]}
    )
    reader = Reader(X, pd.Series([0, 1], name="back"))

    good = {"Back": 1.0, "bar": None, "KM per week": "15", "kind": "city "}
    assert reader.read(good)[0]["km_per_week"] == 15
    assert reader.read(good)[0]["kind"] == "City"
    assert reader.read(good)[1] == 1
    for fault in (
        {"Back": "maybe"},
        {"KM per week": 7.5},
        {"KM per week": None},
        {"KM per week": True},
        {"kind": 3},
        {"bar": "inf"},
    ):
        assert reader.read({**good, **fault}) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"rows": [{"a": 1}, {"a": 2}]}',
        'Sure {as asked}:\n```json\n[{"a": 1}, {"a": 2}]\n```',
        '{"a": 1}\n{"a": 2}',
        '{"rows": [{"a": 1}, {"a": 2}, {"a": ',
    ],
)
def test_rows_are_found_whatever_stands_around_them(text):
    assert find_rows(text) == [{"a": 1}, {"a": 2}]


def test_batches_hold_20_rows_and_equal_shares():
    batches = deal({"LR": 34, "MR": 33, "HR": 33})

    assert [sum(batch.values()) for batch in batches] == [20] * 5
    assert all(set(batch.values()) <= {6, 7} for batch in batches)


def test_prompt_shows_every_real_row_with_its_label():
    X, y = draw_repairs(7, np.random.default_rng(0))

    prompt = describe(X, y, "A shop.", {"bike": "kind of bicycle"})

    rows = find_rows(prompt)
    assert [row["came_back"] for row in rows] == y.tolist()
    assert [row["price"] for row in rows] == X["price"].tolist()
    assert "- bike: kind of bicycle" in prompt


def test_copies_agree_in_label_and_leading_digits():
    X, y = pd.DataFrame({"x": [1.23456, 7.0], "k": ["u", None]}), pd.Series([0, 1])
    new = pd.DataFrame({"x": [1.23, 1.23, 7.0], "k": ["u", "u", None]})

    assert model_rows.count_copies(X, y, new, pd.Series([0, 1, 1])) == 2
