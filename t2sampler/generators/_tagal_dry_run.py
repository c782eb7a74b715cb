"""Count what TAGAL would ask: which round is kept is known only after `fit`."""

from dataclasses import replace

from t2sampler.generators._dry_run import DryAsker, DryRun


class LoopDryRun(DryRun):
    """Count calls from those of the first round to those of the last.

    Which round is kept is known only when the rounds of `fit` have been measured.
    """

    def count_calls(self, requests, n_sure):
        """Estimate what batches take: of the first round, and of the last."""
        generator, fit_calls = self._generator, self._fit_calls
        if not fit_calls or generator._keeps_last:
            return super().count_calls(requests, n_sure)
        bounds = []
        for best in (0, generator.rounds - 1):
            ask = DryAsker(self._replay)
            generator._keep_round(ask, best)
            self._fit_calls, self._typical = [*fit_calls, *ask.calls], {}
            bounds.append(super().count_calls(requests, n_sure))
        low, high = bounds
        cost = None if high.cost is None else (low.cost[0], high.cost[1])
        return replace(
            high,
            calls=(low.calls[0], high.calls[1]),
            input_tokens=(low.input_tokens[0], high.input_tokens[1]),
            output_tokens=(low.output_tokens[0], high.output_tokens[1]),
            cost=cost,
        )
