"""Run the batch loop with a fitted generator and fitted filters."""

from functools import partial
from itertools import islice
from math import ceil

import numpy as np

from t2sampler.filters._sequence import run_chain
from t2sampler.sampling._checks import check_batch
from t2sampler.sampling._loop import fill_quotas, judge_wave, label_cycle, make_requests
from t2sampler.sampling._progress import show_progress

MIN_BATCHES, BATCH_FACTOR = 200, 4  # the default of max_batches


def draw_waves(sampler, schema, filters, quotas, seed):
    """Draw and judge batches as the sampler's settings ask; return the waves."""
    draw = partial(_draw, sampler.generator_, schema)
    judge = partial(_judge, {name: part for name, part in filters.items() if part})
    requests = requests_of(sampler, schema, quotas, seed)
    if quotas is None:
        return _draw_once(sampler, draw, judge, requests)
    n_rows = sum(quotas.values())
    with show_progress(n_rows, sampler.generator_, sampler.verbose) as progress:
        return fill_quotas(
            draw,
            judge,
            schema.target.encode,
            requests,
            quotas,
            batch_size=sampler.batch_size,
            max_batches=most_batches(sampler, n_rows),
            progress=progress,
        )


def requests_of(sampler, schema, quotas, seed):
    """Return the requests that the sampler's settings make, without end."""
    codes = np.arange(len(schema.target.levels), dtype=float)
    levels = schema.target.decode(codes).to_numpy()
    wanted = quotas if quotas and sum(quotas.values()) else None
    cycle = None if wanted is None else label_cycle(wanted)
    return make_requests(seed, sampler.batch_size, cycle, levels)


def most_batches(sampler, n_rows):
    """Return the batches that may be drawn to get so many rows."""
    enough = max(MIN_BATCHES, BATCH_FACTOR * ceil(n_rows / sampler.batch_size))
    return sampler.max_batches or enough


def _draw_once(sampler, draw, judge, requests):
    """Draw a fixed number of batches, or as many as the generator can give."""
    n_rows = sampler.n_batches * sampler.batch_size
    with show_progress(n_rows, sampler.generator_, sampler.verbose) as progress:
        drawn = list(draw(list(islice(requests, sampler.n_batches))))
        waves = [judge_wave(drawn, judge)] if drawn else []
        progress(sum(int(wave.taken.sum()) for wave in waves), len(drawn))
    return waves


def _draw(generator, schema, requests):
    for batch in generator.draw(requests):
        yield check_batch(batch, schema, generator)


def _judge(filters, X, y, batch):
    """Judge a wave; filters that can remember what they saw for the waves to come."""
    result = run_chain(filters, X, y, batch)
    is_seen = np.ones(len(X), dtype=bool)
    for name, part in filters.items():
        if hasattr(part, "remember"):
            part.remember(X[is_seen], y[is_seen])
        is_seen &= result.trimmed_by != name
    return result
