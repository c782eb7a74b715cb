"""Fits inside a call of ours are no runs of mlflow."""

import sys
from contextlib import ContextDecorator, ExitStack, nullcontext
from threading import Lock

MLFLOW = "mlflow.utils.autologging_utils"


class _QuietFits(ContextDecorator):
    """Keep mlflow from logging the fits of this process.

    mlflow has one switch for all threads. The first context to open turns it, and the
    last one to close turns it back.
    """

    def __init__(self):
        self._lock = Lock()
        self._n_open = 0
        self._switch = ExitStack()

    def __enter__(self):
        with self._lock:
            if not self._n_open:
                self._switch.enter_context(_find_switch())
            self._n_open += 1
        return self

    def __exit__(self, *error):
        with self._lock:
            self._n_open -= 1
            if not self._n_open:
                self._switch.close()


def _find_switch():
    mlflow = sys.modules.get(MLFLOW)  # nobody who has not imported it logs anything
    if mlflow is None or not hasattr(mlflow, "disable_autologging"):
        return nullcontext()
    if getattr(mlflow, "_AUTOLOGGING_GLOBALLY_DISABLED", False):
        return nullcontext()  # by the caller, and closing would turn it on
    return mlflow.disable_autologging()


quiet_fits = _QuietFits()  # for ``with``, and as a decorator
