"""The key is seen by the endpoint and by nobody else."""

import copy
import logging
import os
import pickle
import traceback

import pytest
from doubles.scripted_endpoint import Answer, refusal

from t2sampler.exceptions import ChatError
from t2sampler.llm import Budget
from t2sampler.llm._session import open_session


def faults(key):
    """Return answers that make the client complain, some with the key in them."""
    return [
        refusal(f"Incorrect API key provided: {key}.", 401),
        refusal(f"Bearer {key} may not use model m", 404),
        refusal(f"Slow down, {key}", 429, headers={"Retry-After": "7200"}),
        refusal(f"Broken for {key}", 500),
        Answer(body=f"<html>{key}</html>".encode()),
        Answer(is_reset=True),
        refusal(f"maximum context length is 8, {key}", 400),
    ]


def everything_about(error):
    """Return all that a careful logger could write about an error."""
    seen, texts = set(), []
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        texts += [str(error), repr(error), repr(vars(error)), repr(error.args)]
        texts += traceback.format_exception(error)
        request = getattr(error, "request", None)
        texts.append(str(dict(request.headers)) if request is not None else "")
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


@pytest.mark.parametrize("i", range(7))
def test_errors_do_not_show_the_key(endpoint, client, ask, i, caplog):
    key = os.environ["OPENAI_API_KEY"]
    caplog.set_level(logging.DEBUG)
    endpoint.say(faults(key)[i])
    client.max_retries = 0

    with pytest.raises(ChatError) as caught:
        client.complete(ask())

    assert endpoint.keys[0] == f"Bearer {key}"
    assert key not in everything_about(caught.value)
    assert key.encode() not in pickle.dumps(caught.value)
    assert key not in caplog.text


def test_log_at_debug_does_not_show_the_key(endpoint, ask, key, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "httpx", "httpx2", "httpcore", "httpcore2", "t2sampler"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    session = open_session(store=tmp_path / "s.sqlite", budget=Budget(max_calls=9))

    session.complete(ask())
    session.close()

    assert caplog.records
    records = [str(vars(record)) for record in caplog.records]
    assert not [record for record in records if key in record]


def test_objects_do_not_show_the_key(chat, client, ask, key, tmp_path):
    session = open_session(store=tmp_path / "s.sqlite")
    session.complete(ask())
    client.complete(ask())

    shown = [chat, client, session, copy.deepcopy(client), copy.deepcopy(chat)]
    texts = [text(thing) for thing in shown for text in (repr, str, vars)]
    texts += [chat._repr_html_(), chat.describe(), session.usage()]
    pickles = [pickle.dumps(chat), pickle.dumps(client)]
    session.close()

    assert key not in "".join(map(str, texts))
    assert key.encode() not in b"".join(pickles)
