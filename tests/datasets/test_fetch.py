"""Loaders read the folder where there is one, and else ask OpenML."""

import pandas as pd
import pytest
import sklearn.datasets
from sklearn.utils import Bunch

from t2sampler import datasets

BANK = [
    *("30", "admin.", "single", "primary", "no", "100", "yes", "no", "cellular"),
    *("5", "may", "261", "1", "-1", "0", "unknown", "2"),
]
ROWS = {  # OpenML's number: one row as OpenML has it
    42192: {"sex": "1", "age": 34.0, "race_Caucasian": "0", "two_year_recid": "1"},
    1590: {"age": 25, "native-country": None, "sex": " Male", "class": "<=50K"},
    1461: dict(zip([*(f"V{i}" for i in range(1, 17)), "Class"], BANK, strict=True)),
    31: {
        "checking_status": "<0",
        "duration": 6,
        "credit_history": "paid",
        "personal_status": "male single",
        "class": "good",
    },
    1120: {"ID": 1, "fLength:": 28.8, "class:": "g"},
}
EXPECTED = {  # loader: number, columns, first label
    "compas": (42192, ["sex", "age", "race_Caucasian"], 1),
    "adult": (1590, ["age", "country", "sex"], "<=50K"),
    "bank": (1461, None, "yes"),
    "german": (31, ["Checking account", "Duration", "Sex"], "good"),
    "magic": (1120, ["Length"], "g"),
}
REAL = {  # loader: rows, columns, labels
    "adult": (32561, 14, {"<=50K", ">50K"}),
    "bank": (45211, 15, {"no", "yes"}),
    "compas": (5278, 13, {0, 1}),
    "drug": (1876, 27, {"non-user", "user"}),
    "german": (1000, 9, {"good", "bad"}),
    "magic": (19020, 10, {"g", "h"}),
    "thyroid": (383, 16, {"No", "Yes"}),
    "travel": (954, 6, {0, 1}),
}


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """Let the data folder be an empty one."""
    monkeypatch.setenv("T2SAMPLER_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def openml(monkeypatch):
    """Answer in OpenML's place; return the list of numbers asked for."""
    asked = []

    def answer(*, data_id, as_frame):
        assert as_frame
        asked.append(data_id)
        row = ROWS[data_id]
        frame = pd.DataFrame([row, row])
        texts = frame.select_dtypes(exclude="number").columns
        return Bunch(frame=frame.astype(dict.fromkeys(texts, "category")))

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", answer)
    return asked


def fetch(name, **settings):
    return getattr(datasets, f"fetch_{name}")(**settings)


@pytest.mark.parametrize("name", EXPECTED)
def test_openml_is_asked_where_the_folder_is_empty(name, empty_folder, openml):
    data_id, columns, label = EXPECTED[name]

    X, y = fetch(name)

    assert openml == [data_id]
    assert columns is None or X.columns.tolist() == columns
    assert y.tolist() == [label, label]


def test_openml_tables_look_as_if_read_from_a_file(empty_folder, openml):
    X, _ = fetch("adult")

    assert X["age"].tolist() == [25, 25]
    assert X["sex"].tolist() == ["Male", "Male"]
    assert X["country"].isna().all()
    assert not isinstance(X["sex"].dtype, pd.CategoricalDtype)


def test_numbers_that_openml_names_get_their_names(empty_folder, openml):
    X, y = fetch("bank")

    assert X.iloc[0, :3].tolist() == [30, "admin.", "single"]
    assert "duration" not in X
    assert y.name == "y"


@pytest.mark.parametrize("name", ["drug", "thyroid", "travel"])
def test_table_without_a_source_says_how_to_give_one(name, empty_folder, openml):
    with pytest.raises(FileNotFoundError, match="Set T2SAMPLER_DATA to a folder"):
        fetch(name)
    assert openml == []


def test_folder_that_does_not_exist_counts_as_none(monkeypatch, tmp_path, openml):
    monkeypatch.setenv("T2SAMPLER_DATA", str(tmp_path / "nowhere"))

    assert datasets.get_data_home() is None
    fetch("magic")
    assert openml == [1120]


def test_files_in_the_folder_come_first(empty_folder, openml):
    (empty_folder / "adult").mkdir()
    path = empty_folder / "adult" / "adult_cllm.csv.gz"
    path.write_bytes(b"")
    pd.DataFrame({"age": [41], "country": [" ? "], "salary": [" >50K "]}).to_csv(
        path, index=False
    )

    X, y = fetch("adult")

    assert openml == []
    assert y.tolist() == [">50K"]
    assert X["age"].tolist() == [41]


def test_unknown_choices_are_named():
    with pytest.raises(ValueError, match=r"'variant'.*'propublica'.*Got 'full'"):
        datasets.fetch_compas("full")
    with pytest.raises(ValueError, match=r"'group'.*'[AB]', '[AB]'.*Got 'C'"):
        datasets.fetch_drug("C")


@pytest.mark.parametrize("name", REAL)
def test_real_tables_have_the_documented_shape_and_labels(name, shared_data):
    n_rows, n_columns, labels = REAL[name]

    X, y = fetch(name)

    assert X.shape == (n_rows, n_columns)
    assert set(y) == labels
    assert y.name not in X
    texts = X.select_dtypes(exclude="number")
    assert (
        (texts == texts.apply(lambda column: column.str.strip()))
        .eq(texts.notna())
        .to_numpy()
        .all()
    )


def test_propublica_leaves_the_giveaway_out(shared_data):
    X, y = fetch("compas", variant="propublica")

    assert X.shape == (7214, 12)
    assert "is_recid" not in X
    assert set(y) == {0, 1}


@pytest.mark.parametrize(
    ("group", "n_rows", "share"), [("A", 264, 0.66), ("B", 363, 0.88)]
)
def test_drug_groups_have_the_papers_columns(group, n_rows, share, shared_data):
    X, y = fetch("drug", group=group)

    assert X.shape == (n_rows, 24)
    assert not set(X) & {"ID", "Age", "Gender", "Ethnicity", "Semer", "Caff", "Choc"}
    assert round((y == "user").mean(), 2) == share
    assert X.index.equals(pd.RangeIndex(n_rows))
