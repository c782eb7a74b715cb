"""`compare`: models with and without over-sampling, on rows they have not seen."""

import warnings
from numbers import Integral

import numpy as np
import pandas as pd
from imblearn.over_sampling import RandomOverSampler
from joblib import Parallel, delayed

from t2sampler._autologging import quiet_fits
from t2sampler._params import (
    HasMethods,
    Interval,
    StrOptions,
    draw_seed,
    validate_params,
)
from t2sampler._schema import TableSchema
from t2sampler._table import Table
from t2sampler.comparison._arms import (
    FREE,
    REPEAT,
    THRESHOLD,
    TRIMMED,
    make_smote,
    make_teams,
)
from t2sampler.comparison._comparison import Comparison
from t2sampler.comparison._folds import check_tuned, make_folds, share_of_test
from t2sampler.comparison._learners import DEFAULT_LEARNERS, name_parts
from t2sampler.comparison._outcomes import IDLE, decide, find_differences
from t2sampler.comparison._run_fold import Study, run_fold
from t2sampler.comparison._scores import ALIASES, TITLES, TUNED, measure
from t2sampler.comparison._verdict import write_verdict
from t2sampler.exceptions import SchemaError, T2SamplerError


@quiet_fits
@validate_params(
    {
        "estimator": [HasMethods(["fit"]), list, dict, None],
        "samplers": [HasMethods(["fit_resample"]), list, dict, None],
        "cv": ["cv_object"],
        "scoring": [StrOptions({*TITLES, *ALIASES}), None],
        "column_kinds": [dict, None],
        "random_state": ["random_state"],
        "n_jobs": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
            None,
        ],
    },
    prefer_skip_nested_validation=False,  # estimators and samplers are the user's
)
def compare(
    X,
    y,
    estimator=None,
    samplers=None,
    *,
    cv=None,
    scoring=None,
    column_kinds=None,
    random_state=None,
    n_jobs=None,
):
    """Tell whether over-sampling helps a model on a table, and what helps for free.

    Every learner is fitted in every *arm* on the training rows of each fold, and scored
    on the rows of the test fold, which are real and which no sampler has seen. The
    verdict says of the sampler whether it helps, makes no difference that so many rows
    could show, or hurts, against doing nothing and against the best that is free.

    Arms that are free: "nothing"; "class weights" (``class_weight="balanced"``, or the
    same by ``sample_weight``); with two classes a "tuned threshold"
    (``TunedThresholdClassifierCV``); "RandomOverSampler".

    Parameters
    ----------
    X : dataframe, array or list of shape (n_rows, n_columns)
        As for `TeamThenTrimSampler`.
    y : array-like of shape (n_rows,)
        Labels of two classes or more, at least three rows of each.
    estimator : classifier, list, or dict of str to classifier, default=None
        The learners, with ``predict_proba``. A ``Pipeline``, or what wraps one, is
        given a dataframe in the dtypes of ``X``; all others numbers: standardised,
        categories as indicators, missing ones at the median with an indicator. None:
        logistic regression, random forest and histogram gradient boosting.
    samplers : sampler, list, or dict of str to sampler, default=None
        Objects with ``fit_resample``; each is given the dataframe, and the verdict is
        about each, in the order of the table. None: `TeamThenTrimSampler`, which the
        verdict is about, beside the same without its filters and SMOTE, SMOTENC or
        SMOTEN.
    cv : int >= 2, splitter or iterable of (train, test), default=None
        Number of stratified folds, repeated twice. None: 5, or fewer if a class has
        fewer rows.
    scoring : {"roc_auc", "average_precision", "balanced_accuracy", \
"balanced_accuracy_tuned", "brier_score", "log_loss"}, default=None
        What the verdict rests on; "neg_brier_score" and "neg_log_loss", scikit-learn's
        names, are taken as well. None: "roc_auc", since it rises only if rows are
        ranked better. Balanced accuracy at the default threshold rises with all that
        shifts probabilities, a threshold included.
    column_kinds : dict of column name to str, default=None
        What columns are, for the default samplers and for the numbers that learners
        are given; see `TeamThenTrimSampler`.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, and of samplers and learners whose own is None. The same
        integer gives the same result, whatever ``n_jobs``.
    n_jobs : int, default=None
        Number of folds at a time; -1 uses all processors.

    Returns
    -------
    comparison : Comparison
        Print it, or show it in a notebook; ``verdict`` is the answer in words.

    Raises
    ------
    SchemaError
        The table cannot be used, a class has too few rows, or a sampler returned rows
        of other columns or classes.
    T2SamplerError
        A learner or sampler failed, and no other is left to judge.
    ValueError, TypeError
        A wrong parameter; all are refused before any model is fitted.

    Warns
    -----
    Warning
        What samplers and learners warned of, once for all folds.

    See Also
    --------
    metrics.augmentation_gain : The gain of one sampler with one model, as a number.

    Notes
    -----
    Intervals and p-values are those of Nadeau and Bengio [1]_, for differences on the
    same folds; the verdict allows for the number of samplers (Holm), and so do the
    lines per learner. A sampler "helps" if it beats *every* free arm.

    A fold takes one fit of each sampler; of each learner one per arm, and five to tune
    the threshold. 1,000 rows take a minute or two on two processors. No language model
    is asked, unless by a sampler.

    References
    ----------
    .. [1] Nadeau, Bengio, "Inference for the Generalization Error", Machine Learning
       52, 2003, Section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn.over_sampling import SMOTE
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from t2sampler import compare
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["well", "ill"], [80, 20])
    >>> X = rng.normal(size=(100, 2)) + (y == "ill")[:, None]
    >>> found = compare(X, y, GaussianNB(), SMOTE(), random_state=0)
    >>> found.outcomes["outcome"].tolist()
    ['no difference']
    """
    table = Table(X, y)
    _check_names(table.frame.columns)
    learners = DEFAULT_LEARNERS
    if estimator is not None:
        learners = name_parts(estimator, "estimator", "predict_proba")
    schema = TableSchema.learn(table.frame, kinds=column_kinds)
    classes, labels = _code_labels(table.target)
    seed = draw_seed(random_state)
    folds, notes = make_folds(labels, classes, cv, seed)
    scoring = ALIASES.get(scoring, scoring) or "roc_auc"
    notes += check_tuned(labels, folds, scoring)
    arms, judged, note = _choose_samplers(samplers, schema, column_kinds, labels)
    codes = schema.encode(schema.read(table.frame))
    study = Study(
        table.frame, codes, labels, classes, schema, learners, arms, judged, seed
    )
    found = Parallel(n_jobs)(
        delayed(run_fold)(study, index, *fold) for index, fold in enumerate(folds)
    )
    _warn(found)
    _check_left(study, found)
    scores = _score(study, folds, found)
    share = share_of_test(folds)
    outcomes = decide(scores, scoring, judged, share)
    idle = set.intersection(*(fold.idle for fold in found))
    outcomes.loc[outcomes["sampler"].isin(idle), "outcome"] = IDLE
    is_balanced = len(set(np.bincount(labels))) == 1
    return Comparison(
        scores=scores,
        differences=find_differences(scores, share),
        outcomes=outcomes,
        verdict=write_verdict(
            outcomes, scores, scoring, len(labels), share, is_balanced=is_balanced
        ),
        scoring=scoring,
        n_rows=len(labels),
        notes=(*notes, *note, *_tell_left_out(found)),
    )


def check_labels(X, y):
    """Raise what `compare` would of labels and of too few rows, before any work."""
    classes, labels = _code_labels(Table(X, y).target)
    make_folds(labels, classes, None, 0)


def _check_names(names):
    is_text = [isinstance(name, str) for name in names]
    if any(is_text) and not all(is_text):
        raise SchemaError(
            "The names of columns must all be text or all be numbers, as learners and "
            f"samplers need them, got {[*names][:5]}. Set "
            "`X.columns = X.columns.astype(str)`."
        )


def _code_labels(target):
    """Return the classes, the most frequent one first, and their codes per row."""
    counts = target.value_counts(sort=False)
    counts = counts[counts > 0]  # a level that no row has is no class
    # Sorted by themselves first, where they can be: a tie must not hang on rows.
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    if len(counts) < 2:
        raise SchemaError(
            f"`y` must hold at least two classes, got only {counts.index[0]}. Choose "
            "rows of other classes too."
        )
    classes = np.array(counts.index.tolist())
    codes = pd.Index(counts.index).get_indexer(target)
    return classes, codes


def _choose_samplers(samplers, schema, kinds, labels):
    """Return samplers by arm, those the verdict is about, and notes."""
    arms = {REPEAT: RandomOverSampler()}
    if samplers is None:
        smote, reason = make_smote(schema, kinds, int(np.bincount(labels).max()))
        return arms | smote | make_teams(kinds), [TRIMMED], (reason,) if reason else ()
    is_dict = isinstance(samplers, dict)
    taken = [arm for arm in FREE if not (is_dict and _is_repeat(samplers.get(arm)))]
    judged, notes = [], []
    for name, sampler in name_parts(
        samplers, "samplers", "fit_resample", taken
    ).items():
        arm = REPEAT if _is_repeat(sampler) else name
        if is_dict and arm != name:
            notes.append(f"{name} is what is free by the name of {REPEAT}.")
        arms[arm] = sampler
        judged.append(arm)
    return arms, [arm for arm in arms if arm in judged], notes


def _is_repeat(sampler):
    """Tell whether a sampler does what the free arm does: it copies rare rows."""
    if type(sampler) is not RandomOverSampler:
        return False
    return RandomOverSampler(random_state=sampler.random_state).get_params() == (
        sampler.get_params()
    )


def _check_left(study, found):
    """Refuse to judge where every learner or sampler failed, in different folds."""
    failed = {name: why for fold in found for name, why in fold.failed.items()}
    left_out = {name: why for fold in found for name, why in fold.left_out.items()}
    for kind, names, reasons in (
        ("learner", study.learners, failed),
        ("sampler", study.judged, left_out),
    ):
        if all(name in reasons for name in names):
            told = "; ".join(f"{name} {reasons[name]}" for name in names)
            raise T2SamplerError(f"Every {kind} failed in some fold: {told}")


def _score(study, folds, found):
    """Return every score of every fold, learner and arm that ran in all folds."""
    left_out = {arm for fold in found for arm in fold.left_out}
    failed = {learner for fold in found for learner in fold.failed}
    arms = [*FREE, *(arm for arm in study.samplers if arm not in FREE)]
    has_tuned = not check_tuned(study.labels, folds, None)
    seen = np.zeros(len(study.labels), dtype=int)
    starts, rows = {}, []
    for index, (fold, (_, test)) in enumerate(zip(found, folds, strict=True)):
        repeat = int(seen[test].max())  # of plain folds: how often they were dealt
        seen[test] += 1
        place = index - starts.setdefault(repeat, index)
        truth = study.labels[test]
        for learner in [name for name in study.learners if name not in failed]:
            for arm in arms:
                if arm in left_out or (learner, arm) not in fold.predictions:
                    continue
                values = measure(truth, fold.predictions[learner, arm], fold.seed)
                rows += [
                    (repeat, place, learner, arm, score, value)
                    for score, value in values.items()
                    # The threshold of that arm is tuned already.
                    if score != TUNED or (has_tuned and arm != THRESHOLD)
                ]
    columns = ["repeat", "fold", "learner", "arm", "score", "value"]
    return pd.DataFrame(rows, columns=columns)


def _tell_left_out(found):
    reasons = {}
    for fold in reversed(found):  # the first fold is named
        reasons |= fold.failed | fold.left_out
    return [f"{name} is left out: it failed {why}" for name, why in reasons.items()]


def _warn(found):
    """Warn once of what samplers and learners warned of in their folds."""
    groups = {}
    for place, fold in enumerate(found):
        for who, category, message in fold.warned:
            first, places = groups.setdefault((who, category), (message, set()))
            places.add(place)
    for (who, category), (first, places) in groups.items():
        text = f"{who}, in {len(places)} of {len(found)} folds: {first}"
        warnings.warn(text, category, stacklevel=5)  # the line that called `compare`
