"""Run the batch loop with a fitted generator and fitted filters."""

from functools import partial
from itertools import islice
from math import ceil

import numpy as np
from tqdm.auto import tqdm

from t2sampler.filters._chain import run_chain
from t2sampler.sampling._checks import check_batch
from t2sampler.sampling._loop import fill_quotas, judge_wave, label_cycle, make_requests

MIN_BATCHES, BATCH_FACTOR = 200, 4  # the default of max_batches


def draw_waves(sampler, schema, filters, quotas, seed):
    """Draw and judge batches as the sampler's settings ask; return the waves."""
    draw = partial(_draw, sampler.generator_, schema)
    judge = partial(_judge, {name: part for name, part in filters.items() if part})
    requests = _requests(sampler, schema, quotas, seed)
    if quotas is None:
        return [judge_wave(draw(list(islice(requests, sampler.n_batches))), judge)]
    n_rows = sum(quotas.values())
    with tqdm(total=n_rows, unit="row", disable=not sampler.verbose) as bar:
        return fill_quotas(
            draw,
            judge,
            schema.target.encode,
            requests,
            quotas,
            batch_size=sampler.batch_size,
            max_batches=sampler.max_batches or _most_batches(n_rows, sampler),
            progress=partial(_show, bar),
        )


def _requests(sampler, schema, quotas, seed):
    codes = np.arange(len(schema.target.levels), dtype=float)
    levels = schema.target.decode(codes).to_numpy()
    wanted = quotas if quotas and sum(quotas.values()) else None
    cycle = None if wanted is None else label_cycle(wanted)
    return make_requests(seed, sampler.batch_size, cycle, levels)


def _draw(generator, schema, requests):
    for batch in generator.draw(requests):
        yield check_batch(batch, schema, generator)


def _judge(filters, X, y, batch):
    """Judge a wave; the cost filter remembers what it saw for the waves to come."""
    result = run_chain(filters, X, y, batch)
    remember = getattr(filters.get("cost"), "remember", None)
    if remember is not None:
        is_seen = result.dropped_by != "sanity"
        remember(X[is_seen], y[is_seen])
    return result


def _most_batches(n_rows, sampler):
    return max(MIN_BATCHES, BATCH_FACTOR * ceil(n_rows / sampler.batch_size))


def _show(bar, n_accepted, n_batches):
    bar.update(n_accepted)
    bar.set_postfix_str(f"{n_batches} batches drawn last")
