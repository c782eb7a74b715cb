"""Where the questions of one call of `draw` go out: counted, and stopped in time."""

from threading import Lock

from t2sampler.exceptions import ChatError, GeneratorError
from t2sampler.team._briefing import Briefing


class StoppedError(GeneratorError):
    """The drawing is over: nothing more is asked."""


class Desk:
    """Pass questions on to the line until the drawing is over.

    Parameters
    ----------
    complete : callable
        Answers a request: the line's.

    Attributes
    ----------
    is_open : callable
        Tells whether anything may still be asked.
    n_answers : int
    failures : list of ChatError
        Of calls that could not be answered, since the last answer.
    """

    def __init__(self, complete):
        self._complete, self._lock = complete, Lock()
        self.is_open = lambda: True
        self.n_answers, self.failures = 0, []

    def complete(self, request):
        """Answer a request, or raise."""
        if not self.is_open():
            raise StoppedError("The drawing is over.")
        try:
            reply = self._complete(request)
        except ChatError as error:
            with self._lock:
                self.failures.append(error)
            raise
        with self._lock:
            self.n_answers += 1
            self.failures.clear()
        return reply


class WatchedBriefing(Briefing):
    """A briefing that knows which real rows were put before a model.

    Attributes
    ----------
    shown : set of int
        Positions of real rows.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.shown = set()

    def pick_examples(self, rng, wanted=None):
        """Return positions of real rows to show, and note them."""
        rows = super().pick_examples(rng, wanted)
        self.shown.update(rows)
        return rows

    def tell_shown(self, fitted=()):
        """Return in words what models saw of the real rows.

        Parameters
        ----------
        fitted : list of str
            Components that fitted workers write: they copy values of real rows.
        """
        said = "No real row was shown to a model, but summaries of the columns."
        if self.shown:
            said = (
                f"{len(self.shown):,} of {self.schema.n_rows:,} real rows were shown "
                f"to a model, {self.examples} with each question."
            )
        if fitted:
            said += (
                f" What the fitted workers of {fitted} write is copied from real rows, "
                "and models that read it saw that, too."
            )
        return said
