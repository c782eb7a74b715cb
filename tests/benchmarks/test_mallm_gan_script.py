"""The script of MALLM-GAN's tables: ways, scores, and what stands beside them."""

import mallm_gan_tables
import numpy as np
import pandas as pd
import pytest
from doubles.scripted_endpoint import Endpoint, answer_well
from sklearn.metrics import f1_score

FAST = {"logistic": mallm_gan_tables.LEARNERS["logistic"]}


@pytest.fixture
def run(monkeypatch, tmp_path, shared_data):
    """Return a function that runs the script with one learner, and reads its CSV."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(mallm_gan_tables, "LEARNERS", FAST)
    monkeypatch.chdir(tmp_path)

    def run_script(*words):
        parts = mallm_gan_tables.main([*map(str, words), "--n-jobs", "1"])
        return parts, pd.read_csv(tmp_path / "mallm_gan_tables.csv")

    return run_script


def test_without_an_endpoint_published_values_stand_for_the_system(run, tmp_path):
    words = ["--sizes", 100, 25, "--tables", "asia", "adult", "--seeds", 1]
    words += ["--ways", "SMOTE", "real rows", "MALLM-GAN"]
    parts, rows = run(*words, "--summary", tmp_path / "mallm_gan_tables.csv.md")

    assert set(rows["way"]) == {"real rows", "SMOTE"}
    assert set(rows.loc[rows["table"] == "asia", "n"]) == {25}  # there is no other
    adult = parts[next(title for title in parts if title.startswith("adult"))]
    assert adult.loc["published: MALLM-GAN (paper v1)", 100] == "79"
    assert adult.loc["published: real data", 25] == "80"
    assert (tmp_path / "mallm_gan_tables.csv.md").read_text().startswith("# python")


def test_rows_of_a_model_are_asked_for_once(run, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    endpoint = Endpoint()
    endpoint.answer = answer_well
    words = ["--base-url", endpoint.url, "--model", "m", "--seeds", 1, "--sizes", 25]
    try:
        parts, rows = run(*words, "--tables", "asia", "--ways", "MALLM-GAN")
        n_calls = len(endpoint.bodies)
        run(*words, "--tables", "asia", "--ways", "MALLM-GAN")
    finally:
        endpoint.close()

    # 25 rows by each of three processes, in two calls; the optimizer between them; and
    # two batches of at most 20 rows.
    assert n_calls == 3 * 2 + 2 + 2
    assert len(endpoint.bodies) == n_calls
    assert rows["n_rows"].tolist() == [25]
    assert rows["F1"].between(0, 100).all()
    told = parts["Accuracy of the discriminator, per epoch"]["epochs"].iloc[0]
    assert len(told.split()) == 3


def test_score_is_the_weighted_f1_of_a_model_on_written_rows_alone(monkeypatch):
    monkeypatch.setattr(mallm_gan_tables, "LEARNERS", FAST)
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=60), "kind": list("vu") * 30})
    y = pd.Series(np.where(X["size"] + rng.normal(size=60) > 0.7, "b", "a"))
    train, test = (X[20:], y[20:]), (X[:20], y[:20])
    found = mallm_gan_tables.score(train, test, 0)

    encoder = mallm_gan_tables.make_encoder().fit(train[0])
    model = FAST["logistic"](0).fit(encoder.transform(train[0]), train[1])
    guessed = model.predict(encoder.transform(test[0]))
    expected = f1_score(test[1], guessed, average="weighted")
    assert found == {"logistic": pytest.approx(100 * expected)}
    one_class = train[0][train[1] == "a"], train[1][train[1] == "a"]
    assert np.isnan(mallm_gan_tables.score(one_class, test, 0)["logistic"])
