"""Where the questions of one call of `draw` go out: counted, and stopped in time."""

from threading import Lock

from t2sampler.exceptions import ChatError, GeneratorError


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
