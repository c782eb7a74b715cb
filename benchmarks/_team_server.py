"""The tests' own server, for scripts that measure a team of language models."""

import importlib
import os
import sys
from pathlib import Path

from t2sampler.llm import ChatModel

TESTS = Path(__file__).parents[1] / "tests"
KEY_NAME = "T2SAMPLER_FAKE_KEY"


def serve(**settings):
    """Return a context: a competent team of a simulator, in a process of its own.

    Parameters
    ----------
    **settings : dict
        Of ``doubles.fake_openai_handler.Settings``: table, latency, plan and others.

    Returns
    -------
    server : context manager
        Yields an object with ``url``, ``peak`` and ``log()``.
    """
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    doubles = importlib.import_module("doubles.fake_openai")
    return doubles.FakeOpenAI(**settings).in_process()


def make_chat(server, **settings):
    """Return the settings of the server's model; the server takes any key."""
    os.environ.setdefault(KEY_NAME, "none")
    return ChatModel("fake-1", base_url=server.url, api_key_env=KEY_NAME, **settings)
