"""What models write in place of plain JSON is read right in whole runs, or refused."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from t2sampler import TeamThenTrimSampler
from t2sampler.exceptions import T2SamplerWarning
from t2sampler.generators import LLMTeam
from t2sampler.testing import ScriptedChat, answer_competently

N_ROWS = 60
PLACES = {"weight": "c1", "pay": "c2", "seen": "c3", "grade": "c4"}
GERMAN = str.maketrans(",.", ".,")


def table():
    rng = np.random.default_rng(4)
    days = pd.to_timedelta(rng.integers(0, 300, N_ROWS), "D")
    X = pd.DataFrame(
        {
            "weight": rng.normal(75, 10, N_ROWS).round(1),
            "pay": rng.lognormal(8, 0.4, N_ROWS).round(2),
            "seen": pd.Timestamp("2021-01-01") + days,
            "grade": rng.choice(["low", "mid", "high"], N_ROWS),
        }
    )
    return X, pd.Series(["yes", "no", "no", "no"] * 15)


def run(column=None, change=None, frame=lambda text: text):
    """Return values as the model meant them, and those of the new rows."""
    meant = []

    def script(request):
        content = json.loads(answer_competently(request))
        for row in content["rows"]:
            for key in {column, str(column).upper(), PLACES.get(column)} & set(row):
                meant.append(row[key])
                row[key] = change(row[key])
        return frame(json.dumps(content))

    meanings = {"weight": "body weight in kg"}
    team = LLMTeam(ScriptedChat(script), store=False, feature_descriptions=meanings)
    off = {"cost": "passthrough", "diversity": "passthrough"}
    sampler = TeamThenTrimSampler(
        team, **off, max_batches=4, batch_size=10, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", T2SamplerWarning)
        X_res, _ = sampler.fit_resample(*table())
    is_new = sampler.provenance_["origin"].eq("generated").to_numpy()
    return meant, X_res[is_new], sampler.report_


@pytest.mark.parametrize(
    "frame",
    [
        '<think>maybe {{"i": 1}}</think>\nHere:\n```json\n{}\n```'.format,
        "{}\n\nLet me know whether {{more}} rows are needed.".format,
        "```\n{}".format,
        lambda text: text[: int(len(text) * 0.8)],
        lambda text: json.dumps(json.loads(text), indent=2).replace("\n", "\r\n"),
        lambda text: text[:-2] + ",]}",
        lambda text: json.dumps(json.loads(text)["rows"]),
    ],
)
def test_a_reply_is_found_in_what_is_around_it(frame):
    assert len(run(frame=frame)[1]) == 30


@pytest.mark.parametrize(
    ("column", "change", "decimals"),
    [
        ("weight", "{:.1f} kg".format, 1),
        ("weight", "{:.1f}kg".format, 1),
        ("weight", "approx. {:.1f} kilograms".format, 1),
        ("weight", lambda v: f"{v:.1f} kg".replace(".", ","), 1),
        ("pay", "{:,.2f}".format, 2),
        ("pay", "{:,.0f}".format, 0),
        ("pay", lambda v: f"{v:,.2f}".translate(GERMAN), 2),
        ("pay", lambda v: f"{v:,.2f}".replace(",", " "), 2),
        ("pay", lambda v: f"{v:,.2f}".replace(",", "'"), 2),
        ("pay", "$ {:,.2f}".format, 2),
        ("pay", lambda v: f"{v:,.2f} €".translate(GERMAN), 2),
        ("pay", "{:.6e}".format, 2),
    ],
)
def test_numbers_in_other_words_are_read(column, change, decimals):
    meant, new, _ = run(column, change)

    assert len(new) == 30
    right = np.round(meant, decimals)
    distance = np.abs(new[column].to_numpy(dtype=float)[:, None] - right).min(axis=1)
    assert (distance < 1.01 * 10.0**-decimals).all()


@pytest.mark.parametrize(
    "form", ["%B %d, %Y", "%d %b %Y", "%Y/%m/%d", "%d.%m.%Y", "%Y-%m-%dT00:00:00Z"]
)
def test_dates_in_other_words_are_read(form):
    meant, new, _ = run("seen", lambda v: pd.Timestamp(v).strftime(form))

    assert len(new) == 30
    assert set(new["seen"]) <= set(pd.to_datetime(meant))


def test_ambiguous_dates_are_asked_for_again():
    meant, new, report = run("seen", lambda v: pd.Timestamp(v).strftime("%d/%m/%Y"))

    assert set(new["seen"]) <= set(pd.to_datetime(meant))
    assert "rows asked for again" in str(report.notes)


@pytest.mark.parametrize("change", [" {} ".format, str.upper, '"{}"'.format, str.title])
def test_levels_in_another_spelling_are_read(change):
    _, new, _ = run("grade", change)

    assert len(new) == 30
    assert set(new["grade"]) <= {"low", "mid", "high"}


@pytest.mark.parametrize(
    ("column", "change", "why"),
    [
        ("weight", lambda v: f"{v * 2.2046:.0f} lbs", "lbs"),
        ("pay", lambda v: f"{v / 1000:.2f}k", "multiplies"),
        ("grade", {"low": "lower", "mid": "medium", "high": "big"}.get, "levels"),
    ],
)
def test_what_could_mean_something_else_is_refused(column, change, why):
    _, new, report = run(column, change)

    assert not len(new)
    assert why in report.left_out["reason"].str.cat()
