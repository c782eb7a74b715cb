"""Draw and inspect batches as the settings of a sampler ask."""

from itertools import islice

from t2sampler.sampling._checks import check_batch
from t2sampler.sampling._loop import (
    batch_limit,
    fill_quotas,
    inspect_wave,
    make_requests,
)
from t2sampler.sampling._progress import show_progress


def draw_waves(sampler, generator, control, quotas, seed, *, first=0):
    """Draw and inspect batches; return the waves.

    Parameters
    ----------
    sampler : TeamThenTrimSampler
        Its settings of batches.
    generator : object with ``draw``
        Fitted.
    control : QualityControl
        Fitted.
    quotas : dict of int to int, or None
        Rows wanted per label code; None draws a fixed number of batches.
    seed : int
    first : int, default=0
        Index of the first batch.

    Returns
    -------
    waves : list of Wave
    """
    schema = control.schema_

    def draw(requests):
        for batch in generator.draw(requests):
            yield check_batch(batch, schema, generator)

    batch_size, inspect = sampler.batch_size, control.inspect_next
    requests = make_requests(seed, batch_size, quotas, schema, first)
    n_rows = sampler.n_batches * batch_size if quotas is None else sum(quotas.values())
    with show_progress(n_rows, generator, sampler.verbose) as progress:
        if quotas is None:
            drawn = list(draw(list(islice(requests, sampler.n_batches))))
            waves = [inspect_wave(drawn, inspect, schema)] if drawn else []
            progress(sum(int(wave.taken.sum()) for wave in waves), len(drawn))
            return waves
        return fill_quotas(
            draw,
            inspect,
            schema,
            requests,
            quotas,
            batch_size=batch_size,
            max_batches=batch_limit(n_rows, batch_size, sampler.max_batches),
            progress=progress,
        )
