"""What several runs will ask of language models."""

from dataclasses import replace


def add_fits(this, others, n_fits):
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
