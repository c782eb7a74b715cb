"""Every failure of an endpoint ends in a reply or in one clear error."""

import copy
import json
import pickle
import re
import socket

import pytest
from doubles.scripted_endpoint import Answer, completion, refusal
from sklearn.base import clone

from t2sampler.exceptions import ChatError, ContextOverflowError
from t2sampler.llm import ChatModel
from t2sampler.llm._responses import RateLimitError, parse_response

TOO_LONG = "This model's maximum context length is 8 tokens. You requested 45 tokens."


def test_server_error_is_tried_again(endpoint, client, ask, clock):
    endpoint.say(refusal("oops", 500), refusal("oops", 503), Answer())

    reply = client.complete(ask())

    assert reply.n_retries == 2
    assert len(clock.naps) == 2
    assert 0.3 < clock.naps[0] <= 0.5 < clock.naps[1] <= 1.0


def test_lasting_server_error_ends(endpoint, client, ask):
    endpoint.say(refusal("The engine is down.", 500))

    with pytest.raises(ChatError, match=r"failed in 4 tries \(500: The engine is") as e:
        client.complete(ask())

    assert not e.value.is_fatal
    assert len(endpoint.bodies) == 4


def test_busy_server_with_retry_after_is_a_rate_limit(endpoint, client, ask):
    endpoint.say(refusal("Loading model", 503, headers={"Retry-After": "9"}), Answer())

    with pytest.raises(RateLimitError) as caught:  # `RateLimitedClient` waits
        client.complete(ask())

    assert caught.value.retry_after == 9.0


@pytest.mark.parametrize(
    "fault", [Answer(is_reset=True), Answer(body=b'{"choi', headers={})]
)
def test_broken_answer_is_asked_for_again(endpoint, client, ask, fault):
    endpoint.say(fault, fault, Answer())

    assert client.complete(ask()).n_retries == 2


def test_lasting_reset_ends_without_being_fatal(endpoint, client, ask):
    endpoint.say(Answer(is_reset=True))

    with pytest.raises(ChatError, match="failed in 4 tries") as caught:
        client.complete(ask())

    assert not caught.value.is_fatal
    assert len(endpoint.bodies) == 4


@pytest.mark.parametrize(
    ("answer", "text", "reason"),
    [
        (completion(""), "", "stop"),
        (completion(None), "", "stop"),
        (completion('{"rows": [1', finish_reason="length"), '{"rows": [1', "length"),
        (completion(None, refusal="I cannot."), "", "refusal"),
        (completion("{", finish_reason="content_filter"), "", "content_filter"),
        (completion("<think>a {1} b</think>\n{}"), "{}", "stop"),
        (completion("<think>a {1} b", finish_reason="length"), "", "length"),
        (completion("thought on\n</think>\n{}"), "{}", "stop"),
        (completion('{"a": "</think>"}'), '{"a": "</think>"}', "stop"),
        (completion([{"type": "text", "text": "{}"}]), "{}", "stop"),
        (completion("\ud800{}"), "?{}", "stop"),
    ],
)
def test_reply_is_read(ask, answer, text, reason):
    raw = json.dumps(answer).encode()

    reply = parse_response(raw, ask())

    assert (reply.text, reply.finish_reason) == (text, reason)


def test_reply_without_text_arrives(endpoint, client, ask):
    endpoint.say(Answer(body=completion(None, refusal="I cannot.")))

    reply = client.complete(ask())

    assert (reply.text, reply.finish_reason) == ("", "refusal")


def test_filtered_prompt_is_a_reply_without_text(endpoint, client, ask):
    endpoint.say(refusal("It was filtered.", code="content_filter"))

    reply = client.complete(ask())

    assert (reply.text, reply.finish_reason) == ("", "content_filter")


def test_usage_is_estimated_where_none_is_reported(endpoint, client, ask):
    endpoint.say(Answer(body=completion("x" * 30, usage=None)))

    usage = client.complete(ask("y" * 300)).usage

    assert 100 < usage.input_tokens < 200  # a token per three bytes, schema included
    assert usage.output_tokens == 10


@pytest.mark.parametrize(
    ("refused", "remedy"),
    [
        ("404: The model 'tiny' does not exist", "Check `model` and `base_url`"),
        ("404: model 'tiny' not found, try pulling it first", "Check `model`"),
        ("400: invalid model ID", "Check `model`"),
        ("401: Incorrect API key provided", "variable OPENAI_API_KEY"),
        ("403: Project does not have access", "variable OPENAI_API_KEY"),
        ("429: insufficient_quota: no money left", "account of the key"),
    ],
)
def test_hopeless_refusals_are_fatal_in_the_endpoints_words(
    endpoint, client, ask, refused, remedy
):
    endpoint.say(refusal(refused[5:] + ".", int(refused[:3])))

    with pytest.raises(ChatError, match=re.escape(f"({refused}).")) as caught:
        client.complete(ask())

    assert caught.value.is_fatal
    assert remedy in str(caught.value)
    assert len(endpoint.bodies) == 1
    assert pickle.loads(pickle.dumps(caught.value)).is_fatal


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"message": TOO_LONG, "code": "context_length_exceeded"}}),
        (
            400,
            {
                "error": {
                    "code": 400,
                    "message": "request (43 tokens) exceeds the available context size"
                    " (8 tokens), try increasing it",
                    "type": "exceed_context_size_error",
                }
            },
        ),
        (500, {"error": {"code": 500, "message": "Context size has been exceeded."}}),
        (400, {"object": "error", "message": TOO_LONG, "code": 400}),
        (200, {"error": "The model is loaded with context length of only 8 tokens"}),
        (413, {"detail": "Payload Too Large"}),
        (
            429,
            {"error": {"message": "Request too large: Limit 10000, Requested 99999"}},
        ),
    ],
)
def test_context_overflow_is_recognised(endpoint, client, ask, status, body):
    endpoint.say(Answer(status, body))

    with pytest.raises(ContextOverflowError, match="cannot hold the request") as e:
        client.complete(ask())

    assert not e.value.is_fatal
    assert "Lower `max_tokens` (now 50), `batch_size` or `examples`" in str(e.value)
    assert len(endpoint.bodies) == 1


def test_web_page_with_status_200_is_no_answer(endpoint, client, ask):
    endpoint.say(Answer(body=b"<html><body>Sign in</body></html>"))

    with pytest.raises(ChatError, match=r"expected a chat completion.*\n?<html>") as e:
        client.complete(ask())

    assert e.value.is_fatal
    assert "Check `model` and `base_url`" in str(e.value)


def test_error_with_status_200_is_an_error(endpoint, client, ask):
    endpoint.say(Answer(body={"error": {"message": "Upstream is down", "code": 502}}))

    with pytest.raises(ChatError, match="502: Upstream is down"):
        client.complete(ask())

    assert len(endpoint.bodies) == 4


@pytest.mark.parametrize("body", [{"choices": []}, [], 3, None, {"choices": 5}])
def test_odd_bodies_are_no_crash(ask, body):
    failure = parse_response(json.dumps(body).encode(), ask())

    assert "expected a chat completion" in failure.message


@pytest.mark.parametrize("choice", [None, {}, {"message": None}, {"message": []}])
def test_odd_choices_are_empty_replies(ask, choice):
    reply = parse_response(json.dumps({"choices": [choice]}).encode(), ask())

    assert (reply.text, reply.finish_reason) == ("", "stop")


def test_nobody_there_is_fatal(ask):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        client = ChatModel("tiny", base_url=url, max_retries=1).connect()
        client.sleep = lambda seconds: None

        with pytest.raises(ChatError, match=r"cannot be reached.*refused") as caught:
            client.complete(ask())
        client.close()

    assert caught.value.is_fatal
    assert "that the server runs" in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "7200"}, 7200.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"Retry-After": "soon"}, None),
    ],
)
def test_rate_limits_are_left_to_the_rate_limited_client(
    endpoint, client, ask, headers, wait
):
    endpoint.say(refusal("Slow down", 429, headers=headers))

    with pytest.raises(RateLimitError, match=r"takes no more calls \(429") as caught:
        client.complete(ask())

    assert caught.value.retry_after == wait
    assert len(endpoint.bodies) == 1


def test_retry_after_as_a_date(endpoint, client, ask):
    date = {"Retry-After": "Wed, 21 Oct 2037 07:28:00 GMT"}
    endpoint.say(refusal("Slow down", 429, headers=date))

    with pytest.raises(RateLimitError) as caught:
        client.complete(ask())

    assert caught.value.retry_after > 1e6


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_used_client_can_be_copied(endpoint, client, ask, copied):
    client.complete(ask())

    other = copied(client)
    other.sleep = client.sleep
    reply = other.complete(ask())
    other.close()

    assert reply.text == "{}"


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, clone, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_chat_can_be_copied_before_and_after_use(endpoint, chat, ask, copied):
    before = copied(chat)
    client = chat.connect()
    client.complete(ask())
    client.close()

    after = copied(chat)

    assert before.describe() == after.describe() == chat.describe()
    assert repr(before) == repr(after)


def test_closed_client_opens_again(client, ask):
    client.complete(ask())
    client.close()

    assert client.complete(ask()).text == "{}"
