"""What README and guide show runs; what they claim about others is true."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from pandas.api.types import is_string_dtype
from sklearn.datasets import load_iris

from t2sampler import TeamThenTrimSampler

PROJECT = Path(__file__).parents[1]
README = PROJECT / "README.md"
PAGES = [README, *sorted((PROJECT / "docs").rglob("*.md"))]
CONTRIBUTORS_PAGES = [
    PROJECT / "docs" / "architecture.md",
    PROJECT / "docs" / "contributing.md",
    *sorted((PROJECT / "docs" / "design").glob("*.md")),
]
# A file with one of these suffixes, or a code span with a slash. Names with a <part> to
# fill in, and absolute paths, are none.
FILE = r"(?<![\w.*/<>-])[\w.*-]+(?:/[\w.*-]+)*\.(?:csv|md|py|toml|txt)\b(?!<)"
SPAN = r"`([\w.*-]+/[\w.*/-]*)`"
LONG = {"llm.md", "pipeline.md", "when-it-helps.md"}  # ten seconds each
SAMPLERS = {
    "RandomOverSampler": lambda: RandomOverSampler(random_state=0),
    "SMOTE": lambda: SMOTE(random_state=0),
    "SMOTENC": lambda: SMOTENC("auto", random_state=0),
    "TeamThenTrimSampler": lambda: TeamThenTrimSampler(random_state=0),
}


def name_of(path):
    return str(path.relative_to(PROJECT))


def blocks_of(page):
    text = page.read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.S)


@pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning")
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] * (page.name in LONG))
        for page in PAGES
        if blocks_of(page)
    ],
    ids=name_of,
)
def test_code_on_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": page.stem}

    for block in blocks_of(page):
        exec(compile(block, name_of(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", CONTRIBUTORS_PAGES, ids=name_of)
def test_paths_exist(page):
    text = page.read_text(encoding="utf-8")
    paths = {*re.findall(FILE, text), *re.findall(SPAN, text)}
    roots = [PROJECT, PROJECT / "t2sampler", page.parent]

    missing = {path for path in paths if not any(list(r.glob(path)) for r in roots)}

    assert not missing


def make_tables():
    """Return the tables of the README's comparison: title to ``X`` and ``y``."""
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame({"a": rng.integers(0, 9, 40), "b": rng.normal(size=40)})
    y = pd.Series([0] * 30 + [1] * 10)
    letters = pd.Series(rng.choice(list("abc"), 40))
    days = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(range(40), unit="D"))
    columns = {
        "categories (`category`)": letters.astype("category"),
        "text": letters,
        "integers with gaps (`Int64`)": pd.array([1, None] * 20, "Int64"),
        "yes/no with gaps (`boolean`)": pd.array([True, None] * 20, "boolean"),
        "dates": days,
        "time spans": days - days[0],
        "missing numbers": [np.nan, 1.0] * 20,
    }
    tables = {title: (numbers.assign(c=c), y) for title, c in columns.items()}
    tables["nothing"] = numbers, y
    tables["a class with a single row"] = numbers, pd.Series([0] * 39 + [1])
    return tables


def resample(name, X, y):
    """Return the result of a sampler and whether its columns had to be named."""
    if name == "SMOTENC" and list(X) != ["a", "b"]:
        X = X.assign(kind=pd.Categorical(list("uv") * 20))
    sampler = SAMPLERS[name]()
    try:
        return sampler.fit_resample(X, y)[0], False
    except Exception:  # whatever it is, the table was not taken as it is
        if name != "SMOTENC" or not is_string_dtype(X["c"]):
            raise
    sampler.set_params(categorical_features=["c", "kind"])
    return sampler.fit_resample(X, y)[0], True


def judge(name, X, y):
    """Return "yes" where a sampler takes a table and gives its dtypes back."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            X_res, is_named = resample(name, X, y)
    except Exception:
        return "no"
    assert len(X_res) > len(X)
    assert X_res[list(X)].dtypes.equals(X.dtypes)
    return "if named" if is_named else "yes"


def comparison_rows():
    """Yield (row's title, cells) of the README's comparison."""
    lines = [line for line in README.read_text("utf-8").splitlines() if "|" in line]
    header = next(i for i, line in enumerate(lines) if "SMOTENC" in line)
    names = [cell.strip(" `") for cell in lines[header].strip("|").split("|")][1:]
    for line in lines[header + 2 :]:
        title, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        yield title, dict(zip(names, cells, strict=True))


COMPARISON = dict(comparison_rows())


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("title", make_tables())
def test_comparison_is_true(title):
    X, y = make_tables()[title]

    found = {name: judge(name, X, y) for name in SAMPLERS}

    assert COMPARISON[title] == found


@pytest.mark.usefixtures("few_trees")
@pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning")
def test_comparison_of_rows_is_true():
    X, y = load_iris(return_X_y=True, as_frame=True)
    X, y = X[50:115].assign(kind=pd.Categorical(["u"] * 30 + ["v"] * 35)), y[50:115]
    keeps, is_new = {}, {}

    for name, make in SAMPLERS.items():
        given = X.drop(columns="kind") if name == "SMOTE" else X
        rows = make().fit_resample(given, y)[0]
        keeps[name] = "yes" if rows.index[: len(X)].equals(X.index) else "no"
        is_new[name] = "yes" if rows.nunique().sum() > given.nunique().sum() else "no"

    assert COMPARISON["index labels of your rows kept"] == keeps
    assert COMPARISON["rows that were not there before"] == is_new
