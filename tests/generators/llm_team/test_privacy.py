"""What leaves the machine: nothing of persons, no rare level; the report says what."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from t2sampler import TeamThenTrimSampler
from t2sampler.constraints import Between, Implies, OneOf
from t2sampler.exceptions import SchemaWarning, T2SamplerWarning
from t2sampler.generators import LLMTeam, StatisticalTeam
from t2sampler.team import Component, Plan
from t2sampler.testing import ScriptedChat, answer_competently

OFF = {"cost": "passthrough", "diversity": "passthrough", "max_batches": 3}
WITHOUT_ROWS = ["summary", 0]
GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "llm.md"
FIRST = ["Svenja", "Otto", "Maria", "Xiaoli", "Thomas", "Emily"]


def is_in_guide(sentence):
    """Tell whether the guide promises what a test holds, in these words."""
    words = GUIDE.read_text(encoding="utf-8").replace("\n- ", "\n").split()
    return sentence in " ".join(words).replace("**", "")


class Spy:
    """A model that answers competently, and all the text that it was sent."""

    def __init__(self, change=lambda request, text: text):
        self.texts, self.requests = [], []

        def answer(request):  # no method: a clone of the team would copy this object
            self.requests.append(request)
            schema = json.dumps(request.schema, ensure_ascii=False)
            self.texts += [*(text for _, text in request.messages), schema]
            return change(request, answer_competently(request))

        self.chat = ScriptedChat(answer)

    @property
    def sent(self):
        return "\n".join(self.texts)

    @property
    def town(self):
        """Return the values that replies may have for a town, as the schema says."""
        schema = self.requests[-1].schema["properties"]["rows"]["items"]
        return schema["properties"]["town"]


def resample(team, X, y, **settings):
    """Return the sampler and its new rows; rows that are missing are no matter here."""
    sampler = TeamThenTrimSampler(team, **OFF, random_state=0, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", T2SamplerWarning)
        X_res, _ = sampler.fit_resample(X, y)
    is_new = sampler.provenance_["origin"].eq("generated").to_numpy()
    return sampler, X_res[is_new]


def people(n_rows, n_visits):
    """Return a table of visits with what identifies persons, in several dtypes."""
    rng = np.random.default_rng(5)
    n_people = -(-n_rows // n_visits)
    number = rng.choice(10**8, n_people, replace=False) + 10**8
    last = [f"Quast{''.join(chr(97 + int(c)) for c in str(v))}" for v in number]
    private = {
        "phone": pd.Series(number),
        "insurance_number": pd.Series(number + 10**9),
        "SSN": pd.Series(number + 3 * 10**9).astype(float),
        "contact": pd.Series([f"q{v}@post.example" for v in number]),
        "mobile": pd.Series([f"+49 170 {v}" for v in number]),
        "policy no": pd.Series([f"K{v}" for v in number]),
        "Name": pd.Series([f"{name}, {FIRST[i % 6]}" for i, name in enumerate(last)]),
    }
    texts = [name for name in private if private[name].dtype.kind not in "if"]
    private |= {f"{name}_": private[name].astype("category") for name in texts}
    X = pd.DataFrame(private)
    X.insert(3, "age", rng.integers(20, 80, n_people))
    X = X.loc[np.arange(n_rows) % n_people].reset_index(drop=True)
    X["pulse"] = rng.normal(75, 9, n_rows).round()
    y = pd.Series(np.where(np.arange(n_rows) % 8 < 5, "well", "ill"), name="state")
    return X, y, list(private)


def words_of(column):
    return [f"{v:.0f}" if isinstance(v, float) else str(v) for v in column.unique()]


@pytest.mark.parametrize("examples", ["auto", 5, *WITHOUT_ROWS])
@pytest.mark.parametrize("n_visits", [1, 3])
@pytest.mark.parametrize("n_rows", [8, 40, 120])
def test_data_of_persons_stay_on_the_machine(n_rows, n_visits, examples):
    """In no prompt of any role, no reply schema, no new row and no report."""
    X, y, private = people(n_rows, n_visits)
    faulty = Spy(lambda request, text: text if request.attempt else text[:-40])
    team = LLMTeam(
        faulty.chat,
        manager=faulty.chat,
        label=faulty.chat,
        examples=examples,
        store=False,
    )

    sampler, new = resample(team, X, y)

    assert {r.role for r in faulty.requests} == {"manager", "worker", "label"}
    assert max(r.attempt for r in faulty.requests) > 0  # rows were asked for again
    report = sampler.report_
    told = "\n".join([faulty.sent, *report.notes, report.left_out.to_string()])
    assert not [w for name in private for w in words_of(X[name]) if w in told]
    assert len(new)
    assert not [name for name in private if new[name].dropna().isin(X[name]).any()]
    assert is_in_guide('Columns of kind "private", "id" and "text" are never sent')


@pytest.mark.parametrize("kind", ["private", "id", "text"])
def test_kinds_that_are_said_are_kept_back(kind):
    """Nothing about such a column tells what it holds; the user says it."""
    rng = np.random.default_rng(2)
    codes = rng.choice(10**6, 40) + 10**6
    X = pd.DataFrame({"x7": codes.astype(str), "age": rng.integers(20, 80, 40)})
    spy = Spy()

    resample(
        LLMTeam(spy.chat, store=False, column_kinds={"x7": kind}),
        X,
        pd.Series(["no", "yes", "no", "no"] * 10),
    )

    assert spy.requests
    assert not [word for word in X["x7"] if word in spy.sent]


def towns():
    """Return rows of which two have a town of their own, and one a very high fee."""
    X = pd.DataFrame(
        {
            "town": ["Ulm", "Bonn"] * 19 + ["Zell", "Wien"],
            "fee": [*np.random.default_rng(0).integers(100, 400, 39), 98765],
            "dose": [0.33333, 0.7777777, 3.14159265] * 13 + [7.65432109],
        }
    )
    order = np.random.default_rng(1).permutation(40)
    y = pd.Series(["yes"] * 12 + ["no"] * 26 + ["yes", "no"], name="ill")
    return X.loc[order].reset_index(drop=True), y[order].reset_index(drop=True)


def say_other(request, text):
    content = json.loads(text)
    for row in content["rows"]:
        row.update(dict.fromkeys({"town", "TOWN", "c1"} & set(row), "Other"))
    return json.dumps(content)


@pytest.mark.parametrize("examples", WITHOUT_ROWS)
def test_rare_levels_are_drawn_here_where_no_row_is_shown(examples):
    spy = Spy(say_other)

    sampler, new = resample(LLMTeam(spy.chat, store=False, examples=examples), *towns())

    assert "Zell" not in spy.sent
    assert "Wien" not in spy.sent
    assert '"other" 5% for 2 rare ones' in spy.sent
    assert "enum" not in spy.town
    assert len(new)
    assert set(new["town"]) == {"Zell"}  # of real rows of this label
    assert "2 levels of 'town', of 2 rows, were not sent" in str(sampler.report_.notes)
    assert is_in_guide(
        "one of them is drawn on your machine, as real rows of the same label have them"
    )


@pytest.mark.parametrize("examples", WITHOUT_ROWS)
def test_numbers_of_single_rows_are_not_sent_where_no_row_is_shown(examples):
    X, y = towns()
    averaged, exact = Spy(), Spy()

    resample(LLMTeam(averaged.chat, store=False, examples=examples), X, y)
    resample(
        LLMTeam(exact.chat, store=False, examples=examples, min_level_rows=1), X, y
    )

    assert "98765" in exact.sent
    assert '"dose": one of 0.' in exact.sent
    assert "98765" not in averaged.sent
    assert "one of" not in averaged.sent  # one dose is a single row's
    top = str(round(np.sort(X["fee"])[-3:].mean()))
    assert top in averaged.sent
    assert is_in_guide("are means of so many rows")


def test_every_level_is_sent_where_one_row_is_enough():
    spy = Spy()

    resample(
        LLMTeam(spy.chat, store=False, examples="summary", min_level_rows=1), *towns()
    )

    assert spy.town["enum"] == ["Bonn", "Ulm", "Wien", "Zell"]
    assert '"Zell" 2%' in spy.sent
    assert is_in_guide("`min_level_rows=1` sends every level")


def test_levels_of_shown_rows_are_listed():
    """All ten rows are shown: to keep their levels from the list would hide nothing."""
    X, y = towns()
    spy = Spy()

    resample(LLMTeam(spy.chat, store=False), X[:10], y[:10])

    assert spy.town["enum"] == sorted(X["town"][:10].unique())
    assert "rare ones" not in spy.sent
    assert is_in_guide("where all rows are shown, as of ten, nothing is withheld")


def test_some_rows_are_shown_and_a_level_of_another_one_is_not_sent():
    X, y = towns()
    spy = Spy()

    resample(LLMTeam(spy.chat, store=False, examples=4), X, y)

    shown = [row for row in spy.texts[0].splitlines() if row.startswith('{"town"')]
    assert len(shown) == 4
    listed = {town for town in X["town"] if any(f'"{town}"' in row for row in shown)}
    sent = {town for town in X["town"] if f'"{town}"' in spy.sent}
    assert sent == listed | {"Ulm", "Bonn"} != set(X["town"])
    assert is_in_guide(
        "A level that fewer than `min_level_rows=3` rows have is sent only in a row "
        "that is shown."
    )


def test_the_word_for_rare_levels_is_no_level():
    X, y = towns()
    X["town"] = X["town"].replace({"Ulm": "Other", "Zell": "other'"})
    spy = Spy()

    resample(LLMTeam(spy.chat, store=False, examples="summary"), X, y)

    assert "\"other''\" 5% for 2 rare ones" in spy.sent


def test_rules_about_what_is_not_sent_are_kept_without_being_sent():
    X, y = towns()
    rules = [
        Implies(OneOf("town", ["Zell"]), Between("dose", 0, 9)),
        Between("dose", 0, 8),
    ]
    plan = Plan([Component("all", ["town", "fee", "dose"])], rules)
    spy = Spy()

    resample(LLMTeam(spy.chat, plan=plan, store=False, examples="summary"), X, y)

    assert '"dose is from 0 to 8"' in spy.sent
    assert "Zell" not in spy.sent
    assert is_in_guide("but not its rules that name a level which is not sent")


def test_rare_levels_of_fitted_workers_reach_no_model():
    X, y = towns()
    plan = Plan([Component("a", ["town"]), Component("b", ["fee", "dose"], ["a"])])
    spy = Spy()
    fitted = {"a": StatisticalTeam()}

    resample(
        LLMTeam(spy.chat, plan=plan, workers=fitted, store=False, examples="summary"),
        X,
        y,
        sampling_strategy={"yes": 80},
    )

    assert '"town":"Ulm"' in spy.sent
    assert "Zell" not in spy.sent


@pytest.mark.parametrize("examples", ["auto", 6, *WITHOUT_ROWS])
def test_the_report_names_the_columns_that_were_sent(examples):
    X, y = towns()
    X["mail"] = [f"q{i}@post.example" for i in range(40)]
    spy = Spy()

    sampler, _ = resample(LLMTeam(spy.chat, store=False, examples=examples), X, y)

    (note,) = [note for note in sampler.report_.notes if "shown" in note]
    assert "'town', 'fee', 'dose'." in note
    assert "Nothing was sent of 'mail' (private)." in note
    n_shown = sum(line.startswith('{"town"') for line in spy.texts[0].splitlines())
    n_said = 0 if note.startswith("No real row") else int(note.split(" of ")[0])
    assert n_said == n_shown == {"auto": 40, 6: 6}.get(examples, 0)
    assert is_in_guide(
        "The report says how many rows were shown, the columns that were sent, and "
        "those that were not"
    )


def warnings_of(values, **settings):
    X = pd.DataFrame({"x7": values, "age": np.arange(len(values)) % 50})
    y = pd.Series(np.arange(len(values)) % 4 == 0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LLMTeam(Spy().chat, store=False, **settings).fit(X, y)
    return [str(w.message) for w in caught if w.category is SchemaWarning]


CODES = np.random.default_rng(3).choice(10**8, 60, replace=False) + 10**8


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(CODES),
        pd.Series(CODES).astype(float),
        pd.Series(np.repeat(CODES[:20], 3)),
        pd.Series([f"Kq {v // 10**5} Z" for v in CODES[:30]]),
        pd.Series([f"Kq {v // 10**5} Z" for v in CODES[:30]]).astype("category"),
        pd.Series([f"Kq {v // 10**5} Z" for v in np.repeat(CODES[:25], 3)]),
    ],
)
def test_a_column_that_may_identify_is_named(values):
    (text,) = warnings_of(values)

    assert "column_kinds={'x7': 'private'}" in text
    kind = "number" if values.dtype.kind in "if" else "category"
    assert not warnings_of(values, column_kinds={"x7": kind})
    assert not warnings_of(values, column_kinds={"x7": "private"})
    assert is_in_guide(
        "A column of which most values belong to a row or a few, and which is sent, "
        "is named in a `SchemaWarning`."
    )


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(np.random.default_rng(0).integers(60, 200, 60)),
        pd.Series(np.random.default_rng(0).integers(200, 990, 60) * 1000),
        pd.Series(np.random.default_rng(0).normal(70, 9, 60)),
        pd.Series(list("abcab") * 2),
        pd.Series(np.random.default_rng(0).choice(["Ulm", "Bonn", "Zell"], 60)),
    ],
)
def test_measurements_and_levels_do_not_warn(values):
    assert not warnings_of(values)


@pytest.mark.parametrize("examples", WITHOUT_ROWS)
def test_what_is_not_sent_does_not_warn(examples):
    codes = pd.Series([f"Kq {v // 10**5} Z" for v in CODES[:30]])

    assert not warnings_of(codes, examples=examples)
    assert not warnings_of(pd.Series(CODES), examples=examples)
