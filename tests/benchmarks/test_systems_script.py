"""The comparison of systems: from questions to tables, and from kept replies again."""

import _model_runs
import pandas as pd
import pytest
import systems
from _downstream import MODELS
from doubles.scripted_endpoint import Endpoint, answer_well

WAYS = [systems.REAL, "H-TDBU", "CLLM", "EPIC", "EPIC, published"]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs the script on repairs, and the calls it made."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    few = {"logistic": MODELS["logistic"], systems.BOOSTING: MODELS["svm"]}
    for module in (systems, _model_runs):
        monkeypatch.setattr(module, "LEARNERS", few)
    monkeypatch.setattr(_model_runs, "N_FITS", 1)
    monkeypatch.setattr(systems, "N_NEW", 20)
    endpoint = Endpoint()
    endpoint.answer = answer_well

    def run_script(out):
        files = ["--out", tmp_path / out, "--summary", tmp_path / "summary.csv"]
        files += ["--stores", tmp_path / "stores", "--rows", tmp_path / "rows"]
        options = ["--base-url", endpoint.url, "--model", "m", "--n-jobs", 1]
        words = ["--cases", "repairs", "--seeds", 1, *options, *files, "--ways", *WAYS]
        parts = systems.main([*map(str, words)])
        return parts, len(endpoint.bodies)

    yield run_script
    endpoint.close()


def test_systems_are_asked_once_and_stand_in_one_table(run, tmp_path):
    parts, n_asked = run("first.csv")
    again, n_asked_again = run("again.csv")

    rows = pd.read_csv(tmp_path / "first.csv")
    assert n_asked_again == n_asked > 0
    assert set(rows["way"]) == set(WAYS)
    by_way = rows.groupby("way")
    assert by_way["calls"].first()[["CLLM", "EPIC"]].gt(0).all()
    assert by_way["calls"].first()[[systems.REAL, "H-TDBU"]].eq(0).all()
    assert rows["auc"].between(0, 100).all()
    assert rows[rows["way"] == systems.REAL]["auc_alone"].isna().all()
    title = "Defaults against published forms, points, paired, ± s.e."
    assert parts[title].index.tolist() == ["EPIC"]
    pd.testing.assert_frame_equal(parts[title], again[title])
    text = (tmp_path / "summary.csv").read_text()
    assert text.startswith("# python benchmarks/systems.py --cases repairs --ways")
