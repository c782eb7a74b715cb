"""What a run will ask of language models, found out without asking them."""

from dataclasses import replace
from itertools import islice
from math import ceil
from numbers import Integral

from sklearn.base import clone

from t2sampler._records import Estimate
from t2sampler.sampling._parts import choose_seed, fit_filters
from t2sampler.sampling._report import count_short
from t2sampler.sampling._waves import draw_waves, most_batches, requests_of

NOTHING = Estimate(cost=(0.0, 0.0))


def estimate_run(sampler, X, y, n_fits):
    """Return calls, tokens and money of the runs to come.

    A generator that pays for its rows has a method ``rehearse``, which fits it on what
    the store holds; what comes back draws batches that are stored whole, and tells by
    ``count_calls(requests, n_sure)`` what the others take. What is stored counts for
    one fit: the others are on other tables, and are taken to start from nothing.
    """
    if not isinstance(n_fits, Integral) or n_fits < 1:
        raise ValueError(f"`n_fits` must be an integer >= 1, got {n_fits!r}.")
    sampler = clone(sampler).set_params(verbose=0)  # its random state is cloned, too
    table, schema = sampler._open(X, y)
    if not hasattr(sampler.generator, "rehearse"):
        return replace(NOTHING, n_fits=n_fits)
    this = others = _estimate_one(sampler, table, schema, from_store=True)
    if n_fits > 1 and this.n_stored:
        others = _estimate_one(sampler, table, schema, from_store=False)
    return _add(this, others, n_fits)


def _estimate_one(sampler, table, schema, *, from_store):
    """Return what one fit takes."""
    sampler.generator_ = clone(sampler.generator, safe=False).rehearse(
        table.frame, table.target, schema, from_store=from_store
    )
    quotas, seed = sampler._quotas(schema), choose_seed(sampler)
    start, low, high = _batches_left(sampler, table, schema, quotas, seed)
    requests = islice(requests_of(sampler, schema, quotas, seed), start, start + high)
    return sampler.generator_.count_calls(list(requests), low)


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


def _add(this, others, n_fits):
    """Return what one fit takes and as many others as are left."""
    sums = {"n_fits": n_fits}
    for name in ("calls", "input_tokens", "output_tokens", "cost"):
        first, rest = getattr(this, name), getattr(others, name)
        if first is None or rest is None:
            sums[name] = None
        else:
            pairs = zip(first, rest, strict=True)
            sums[name] = tuple(a + b * (n_fits - 1) for a, b in pairs)
    return replace(this, **sums)
