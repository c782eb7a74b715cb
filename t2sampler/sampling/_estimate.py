"""What a run will ask of language models, found out without asking them."""

from dataclasses import replace
from itertools import islice
from math import ceil
from numbers import Integral

from sklearn.base import clone

from t2sampler._records import Estimate
from t2sampler.sampling._parts import choose_seed, fit_filters
from t2sampler.sampling._shortfall import count_short
from t2sampler.sampling._waves import draw_waves, most_batches, requests_of

NOTHING = Estimate(cost=(0.0, 0.0))


def estimate_run(sampler, X, y, n_fits):
    """Return calls, tokens and money of the runs to come.

    A generator that pays for its rows has a method ``rehearse``, which fits it on what
    the store holds; what comes back draws batches that are stored whole, and tells by
    ``count_calls(requests, n_sure)`` what the others take.
    """
    if not isinstance(n_fits, Integral) or n_fits < 1:
        raise ValueError(f"`n_fits` must be an integer >= 1, got {n_fits!r}.")
    sampler = clone(sampler)  # its random state, too
    table, schema = sampler._open(X, y)
    if not hasattr(sampler.generator, "rehearse"):
        return replace(NOTHING, n_fits=n_fits)
    rehearsal = clone(sampler.generator, safe=False).rehearse(
        table.frame, table.target, schema
    )
    sampler.set_params(verbose=0)
    sampler.generator_ = rehearsal
    quotas, seed = sampler._quotas(schema), choose_seed(sampler)
    start, low, high = _batches_left(sampler, table, schema, quotas, seed)
    requests = islice(requests_of(sampler, schema, quotas, seed), start, start + high)
    estimate = rehearsal.count_calls(list(requests), low)
    return _multiply(estimate, n_fits)


def _batches_left(sampler, table, schema, quotas, seed):
    """Return batches that are stored, and fewest and most that are drawn beyond."""
    if quotas is None:
        return 0, sampler.n_batches, sampler.n_batches
    most = most_batches(sampler, sum(quotas.values()))
    n_drawn, short = 0, {label: n for label, n in quotas.items() if n}
    first = requests_of(sampler, schema, quotas, seed)
    if short and list(sampler.generator_.draw([next(first)])):
        filters = fit_filters(sampler, table, seed)
        waves = draw_waves(sampler, schema, filters, quotas, seed)
        short = count_short(schema, quotas, waves)
        n_drawn = sampler.generator_.n_drawn
    high = most - n_drawn if short else 0
    low = min(high, ceil(sum(short.values()) / sampler.batch_size))
    return n_drawn, low, high


def _multiply(estimate, n_fits):
    def times(pair):
        return None if pair is None else (pair[0] * n_fits, pair[1] * n_fits)

    return replace(
        estimate,
        calls=times(estimate.calls),
        input_tokens=times(estimate.input_tokens),
        output_tokens=times(estimate.output_tokens),
        cost=times(estimate.cost),
        n_fits=n_fits,
    )
