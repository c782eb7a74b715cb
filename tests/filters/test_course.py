"""What is decided of a pool, and the figures the decision rests on, by hand."""

from itertools import product

import numpy as np
import pytest

from t2sampler.filters._label_noise import (
    Course,
    Findings,
    choose_course,
    least_gain,
    rank_error,
    rank_gain,
    source_weight,
)


def find(suspects, gain, **others):
    sizes = {"n_real": 20, "n_new": 100, "suspects_real": 0.1, "error": 0.1}
    return Findings(**sizes | {"suspects": suspects, "gain": gain} | others)


@pytest.mark.parametrize(
    ("suspects", "gain", "course"),
    [
        (0.05, 0.4, Course.ALL),
        (0.05, np.nan, Course.ALL),
        (0.1, 0.4, Course.ALL),
        (0.2, -0.11, Course.NONE),
        (0.2, -0.1, Course.NONE),
        (0.2, 0.0, Course.POOLED),
        (0.2, np.nan, Course.POOLED),
    ],
)
def test_course_by_suspects_and_gain(suspects, gain, course):
    assert choose_course(find(suspects, gain), -0.1, 0.1) == course


def test_labels_as_good_as_the_real_ones_are_kept():
    assert choose_course(find(0.3, 0.2, suspects_real=0.3), 0.1, 0.1) == Course.ALL
    assert choose_course(find(0.3, 0.0, suspects_real=0.3), 0.1, 0.1) == Course.NONE


def test_one_sided_candidates_are_judged_by_the_real_rows():
    findings = find(0.2, 0.4, lacks_class=True)

    assert choose_course(findings, -0.1, 0.1) == Course.REAL


@pytest.mark.parametrize(
    ("suspects", "incoherence", "tau"),
    [
        (0.0, 0.0, -0.3),
        (0.0, -5.0, -0.3),
        (0.25, 0.0, -0.15),
        (0.5, 0.0, 0.0),
        (0.5, 1.0, 0.1),
        (0.5, 9.0, 0.2),
        (0.25, 2.0, 0.05),
    ],
)
def test_the_more_is_odd_the_more_a_pool_has_to_gain(suspects, incoherence, tau):
    findings = find(suspects, 0.0, incoherence=incoherence)

    assert least_gain(findings, tau_coef=1.0) == pytest.approx(tau)


def test_auc_by_counting_pairs(rng):
    probability = rng.random((12, 3)).round(1)  # with ties
    codes = np.repeat([0, 1, 2], [2, 4, 6])

    wins = [
        np.mean(
            [
                (p > q) + 0.5 * (p == q)
                for p, q in product(
                    probability[codes == c, c], probability[codes != c, c]
                )
            ]
        )
        for c in range(3)
    ]

    assert rank_gain(probability, codes) == pytest.approx(np.mean(wins) - 0.5)


def test_one_label_cannot_be_ranked():
    assert np.isnan(rank_gain(np.ones((3, 2)) / 2, np.zeros(3, dtype=int)))
    assert np.isnan(rank_error(np.zeros(3, dtype=int)))


def test_error_is_that_of_labels_dealt_at_random(rng):
    codes = np.repeat([0, 1], [4, 8])
    score = np.arange(12.0)
    probability = np.column_stack([-score, score])

    gains = [rank_gain(probability, rng.permutation(codes)) for _ in range(4000)]

    assert np.std(gains) == pytest.approx(rank_error(codes), rel=0.05)


@pytest.mark.parametrize(("bad", "expected"), [("new", 4.0), ("real", 0.25)])
def test_the_source_that_errs_weighs_less(bad, expected):
    is_real = np.repeat([True, False], 50)
    half = np.arange(100) % 2 == 0

    weight = source_weight(half & (is_real == (bad == "real")), is_real, n_classes=2)

    assert weight == expected
