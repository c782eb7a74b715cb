"""Sets of real rows: balanced and bounded, and words for levels that never collide."""

import numpy as np
import pandas as pd
import pytest

from t2sampler.chat._csv_rows import CsvRows
from t2sampler.chat._example_sets import (
    draw_sets,
    draw_tokens,
    fit_sets,
    name_class,
    put_shown_last,
    write_sets,
)
from t2sampler.llm._tokens import count_tokens

SIZES = {"mid": 12, "few": 2, "all": 40, "one": 1}


@pytest.fixture
def context(make_context):
    labels = pd.Series([label for label, n in SIZES.items() for _ in range(n)])
    order = np.random.default_rng(2).permutation(len(labels))
    X = pd.DataFrame({"n": np.arange(len(labels)), "k": pd.Series(list("abcde") * 11)})
    return make_context(X, labels[order].reset_index(drop=True).rename("y"))


def sizes(context, sets):
    names = context.formatter("y").levels
    return [{names[label]: len(rows) for label, rows in own.items()} for own in sets]


def test_small_classes_show_all_rows_in_each_set_and_large_ones_each_row_once(context):
    sets = draw_sets(context, np.random.default_rng(0), 4, 15)

    assert sizes(context, sets) == [{"all": 10, "few": 2, "mid": 10, "one": 1}] * 4
    used = np.bincount([row for own in sets for rows in own.values() for row in rows])
    for label, name in enumerate(context.formatter("y").levels):
        own = used[context.labels == label]
        assert own.sum() == 4 * min(10, SIZES[name])
        assert own.max() - own.min() <= 1


def test_published_sets_are_full_and_repeat_only_what_is_short(context):
    sets = draw_sets(context, np.random.default_rng(0), 4, 9, is_repeated=True)

    assert sizes(context, sets) == [dict.fromkeys(["all", "few", "mid", "one"], 9)] * 4
    of_all = [row for own in sets for row in own[0]]
    assert len(set(of_all)) == len(of_all) == 36


@pytest.mark.parametrize("max_tokens", [0, 14, 30, 90, 250, 9999])
def test_sets_fit_and_the_wanted_class_stays_last(context, max_tokens):
    rows = CsvRows(context, ["y", "k", "n"])
    sets = draw_sets(context, np.random.default_rng(1), 3, 5)
    before = [dict(own) for own in sets]

    fitted = fit_sets(rows, sets, max_tokens, {1})

    n_left = sum(len(rows) for own in fitted for rows in own.values())
    assert count_tokens(write_sets(rows, fitted)) <= max(max_tokens, 14)
    assert fitted[0][1]
    assert (n_left == 39) == (max_tokens == 9999)
    assert sets == before


def test_classes_have_letters_and_then_two():
    assert [name_class(k) for k in (0, 25, 26, 51, 52, 701, 702)] == [
        *("A.", "Z.", "AA.", "AZ.", "BA.", "ZZ.", "AAA."),
    ]


def test_words_for_levels_are_their_own_and_come_from_the_random_stream(make_context):
    n_levels = 9000
    X = pd.DataFrame(
        {
            "many": pd.Categorical(
                [f"A{n:04d}"[-3:] + str(n) for n in range(n_levels)]
            ),
            "few": pd.Categorical(["ABC", "a0b", "Z99"] * (n_levels // 3)),
            "flag": np.arange(n_levels) % 2 == 0,
            "n": np.arange(n_levels),
        }
    )
    context = make_context(X, pd.Series(["u", "v", "u"] * (n_levels // 3), name="y"))

    words, again, other = (
        draw_tokens(context, np.random.default_rng(seed)) for seed in (4, 4, 5)
    )

    assert list(words) == ["y", "many", "few", "flag"]
    listed = [word for own in words.values() for word in own]
    assert len(listed) == len(set(listed)) == n_levels + 7
    assert not {"ABC", "A0B", "Z99"} & set(listed)
    assert all(word[0].isalpha() and word == word.upper() for word in listed)
    assert words == again
    assert words != other


def test_lines_of_the_sets_come_last_below_their_own_header(context):
    rows = CsvRows(context, ["y", "k", "n"])
    sets = [{0: [3, 4]}, {1: [5]}]
    new = ["17,mid,a", "4,few,b"]
    shown = rows.write([4, 5])

    reply = "\n".join(["n,y,k", new[0], rows.header, shown, "n,y,k", new[1]])
    text = put_shown_last(rows, sets, reply)

    n_of = [codes["n"] for codes in rows.parse(text).codes.values()]
    assert n_of == [17, 4, *context.codes_of("n")[[4, 5]]]
    assert put_shown_last(rows, sets, "\n".join(new)) == "\n".join(new)
