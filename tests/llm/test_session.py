"""A session puts cache, budget and rate limits together, and counts usage."""

import copy

import pytest
from doubles.scripted_endpoint import Answer, completion, refusal
from sklearn.base import clone

from t2sampler.exceptions import ChatError
from t2sampler.llm import ChatModel
from t2sampler.llm._base import ChatRequest
from t2sampler.llm._session import open_session
from t2sampler.testing import ScriptedChat

PRICES = {"input": 1.0, "output": 10.0}


def test_usage_is_counted_per_role(endpoint, chat, ask, tmp_path):
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    endpoint.say(Answer(body=completion(usage=usage)))
    chat.set_params(prices=PRICES)
    session = open_session(store=tmp_path / "s.sqlite")
    for role, seed in [("manager", 1), ("worker", 2), ("worker", 3), ("worker", 3)]:
        session.complete(ask(role=role, seed=seed))

    manager, worker = session.usage()
    session.close()

    assert (manager["role"], worker["role"]) == ("manager", "worker")
    assert (worker["calls"], worker["stored"]) == (2, 1)
    assert (worker["input_tokens"], worker["output_tokens"]) == (200, 20)
    assert worker["cost"] == pytest.approx((200 * 1 + 20 * 10) / 1e6)
    assert worker["seconds"] > 0


def test_without_prices_there_is_no_cost(ask):
    session = open_session(store=False)
    session.complete(ask())

    assert session.usage()[0]["cost"] is None
    session.close()


def test_each_chat_has_its_own_client(endpoint, chat, ask):
    other = ChatModel("other", base_url=endpoint.url)
    session = open_session(store=False, chats=[chat, other])
    session.complete(ask())
    session.complete(ask(chat=other))
    session.close()

    assert [body["model"] for body in endpoint.bodies] == ["tiny", "other"]


def test_without_a_store_everything_is_asked(endpoint, ask):
    session = open_session(store=False)
    session.complete(ask())
    reply = session.complete(ask())
    session.close()

    assert not reply.is_stored
    assert len(endpoint.bodies) == 2


def test_capabilities_are_probed_once_for_all_sessions(endpoint, ask, tmp_path):
    endpoint.answer = lambda body, n: refusal("seed?") if "seed" in body else Answer()
    for attempt in range(3):
        session = open_session(store=tmp_path / "s.sqlite")
        session.complete(ask(attempt=attempt))
        session.close()

    assert ["seed" in body for body in endpoint.bodies] == [True] + 3 * [False]


def test_replay_needs_no_key(endpoint, ask, tmp_path, monkeypatch):
    session = open_session(store=tmp_path / "s.sqlite")
    session.complete(ask())
    session.close()
    monkeypatch.delenv("OPENAI_API_KEY")

    request = ask()
    session = open_session(
        store=tmp_path / "s.sqlite", mode="replay", chats=[request.chat]
    )

    assert session.complete(request).is_stored
    session.close()


def test_missing_key_is_refused_before_any_work(chat, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")

    with pytest.raises(ChatError, match="OPENAI_API_KEY holds no key"):
        open_session(store=False, chats=[chat])


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="`mode` must be 'live' or 'replay'"):
        open_session(mode="dead")
    with pytest.raises(ValueError, match="Give one as `store`"):
        open_session(store=False, mode="replay")


def test_default_store_is_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    store = open_session().store

    assert store.file.path.name == "replies.sqlite"
    assert store.file.path.parent.name == "t2sampler"
    assert not store.file.path.exists()  # nothing is made before it is needed
    assert open_session(store=False).store is None


def test_failed_calls_are_not_in_the_usage(endpoint, ask):
    usage = {
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 32},
    }
    answers = [refusal("oops", 500), refusal("What?"), refusal("What?")]
    endpoint.say(*answers, Answer(body=completion(usage=usage)))
    chat = ChatModel("tiny", base_url=endpoint.url, max_retries=0)
    session = open_session(store=False)
    for _ in range(2):
        with pytest.raises(ChatError):
            session.complete(ask(chat=chat, schema=None))
    assert session.usage() == []

    session.complete(ask(chat=chat, schema=None))

    (counts,) = session.usage()
    session.close()
    assert (counts["calls"], counts["input_tokens"], counts["cached_tokens"]) == (
        1,
        40,
        32,
    )


def test_dropped_fields_are_noted_once_per_model(endpoint, ask, tmp_path):
    endpoint.answer = lambda body, n: refusal("seed?") if "seed" in body else Answer()
    chats = [ChatModel("tiny", base_url=endpoint.url) for _ in range(2)]
    chats.append(ScriptedChat(lambda request: "{}"))
    session = open_session(store=tmp_path / "s.sqlite")
    before = session.notes()
    for i, chat in enumerate(chats):
        session.complete(ask(chat=chat, attempt=i))
    session.close()

    assert before == ()
    assert session.notes() == (
        f"'tiny' at {endpoint.url} does not accept: seed. Its replies are read all the "
        "same.",
    )


def test_stored_replies_give_no_note_on_the_model(endpoint, ask, tmp_path):
    endpoint.answer = lambda body, n: refusal("seed?") if "seed" in body else Answer()
    for _ in range(2):
        session = open_session(store=tmp_path / "s.sqlite")
        session.complete(ask())
        session.close()

    assert session.notes() == ()
    assert len(endpoint.bodies) == 2


def test_server_with_few_slots_answers_all_rows(endpoint, ask, in_threads):
    """Calls that come beside two others are answered too late."""
    endpoint.answer = lambda body, n: Answer(delay=1.5 * (endpoint.n_inside > 2))
    chat = ChatModel("tiny", base_url=endpoint.url, timeout=1.0, max_retries=3)
    session = open_session(store=False)

    replies = in_threads(12, lambda i: session.complete(ask(chat=chat, seed=i)))

    session.close()
    assert [reply.text for reply in replies] == 12 * ["{}"]


def test_copies_of_a_chat_share_one_client_and_its_ceiling():
    chat = ScriptedChat(lambda request: "{}", max_concurrency=3)
    session = open_session(store=False, chats=[chat])
    others = [copy.deepcopy(chat), clone(chat), ScriptedChat(chat.script, model="b")]

    for other in (chat, *others):
        session.complete(ChatRequest(other, "worker", (("user", "hello"),)))

    assert len(session._routing._clients) == 2
