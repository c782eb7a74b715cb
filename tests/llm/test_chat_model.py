"""Settings of a model: plain data that refuse wrong values before any work."""

import json

import joblib
import pytest
from doubles.scripted_endpoint import refusal
from sklearn.base import clone

from t2sampler.exceptions import ChatError
from t2sampler.llm import ChatModel


def test_description_holds_what_makes_the_answers(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1/")

    given = ChatModel("m", base_url="http://localhost:2/v1/", temperature=0.2)

    assert ChatModel("m").describe()["endpoint"] == "http://localhost:1/v1"
    assert given.describe() == {
        "endpoint": "http://localhost:2/v1",
        "model": "m",
        "temperature": 0.2,
        "extra_body": None,
    }
    assert json.dumps(given.describe())


def test_default_address_is_openais():
    assert ChatModel("m").describe()["endpoint"] == "https://api.openai.com/v1"


def test_parameters_can_be_set_and_cloned():
    chat = clone(ChatModel("m")).set_params(model="n", max_concurrency=64)

    assert (chat.model, chat.max_concurrency) == ("n", 64)
    assert repr(chat) == "ChatModel(max_concurrency=64, model='n')"


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"model": 3}, "'model' parameter"),
        ({"model": " "}, "`model`"),
        ({"temperature": -1}, "'temperature' parameter"),
        ({"max_tokens": 0}, "'max_tokens' parameter"),
        ({"timeout": 0}, "'timeout' parameter"),
        ({"max_retries": -1}, "'max_retries' parameter"),
        ({"max_concurrency": 0}, "'max_concurrency' parameter"),
        ({"prices": {"input": 1}}, "`prices`.*'output'"),
        ({"prices": {"input": 1, "output": "2"}}, "`prices`"),
        ({"prices": {"input": 1, "output": -2}}, "`prices`"),
        ({"prices": {"input": 1, "output": 2, "cache": 1}}, "`prices`"),
        ({"base_url": "localhost:8000"}, "`base_url` must be an address"),
        (
            {"base_url": "http://me:secret@localhost/v1"},
            "`base_url` must hold",
        ),
        (
            {"base_url": "http://localhost/v1?key=secret"},
            "`base_url` must hold",
        ),
        (
            {"base_url": "http://h/v1?api-version=1&key=secret"},
            "`base_url` must hold",
        ),
        ({"base_url": "http://me:secret/v1"}, "`base_url` must be an address"),
        ({"base_url": "http://[::1/v1"}, "`base_url` must be an address"),
        ({"extra_body": {"stop": {1}}}, "`extra_body` must hold values of JSON"),
    ],
)
@pytest.mark.parametrize(
    "method", ["connect", "describe"]
)  # an estimate only describes
def test_wrong_values_are_refused_without_a_call(wrong, match, method):
    chat = ChatModel("m").set_params(**wrong)

    with pytest.raises(ValueError, match=match) as caught:
        getattr(chat, method)()

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "  "])
def test_missing_key_names_the_variable(monkeypatch, value):
    monkeypatch.setenv("MY_KEY", value)

    with pytest.raises(ChatError, match=r"MY_KEY holds no key.*to any text") as caught:
        ChatModel("m", api_key_env="MY_KEY").connect()

    assert caught.value.is_fatal


def test_key_with_a_line_break_is_trimmed_or_refused(monkeypatch, endpoint, ask):
    monkeypatch.setenv("OPENAI_API_KEY", " sk-one \n")
    chat = ChatModel("m", base_url=endpoint.url, api_key_env="OPENAI_API_KEY")
    client = chat.connect()
    client.complete(ask())
    client.close()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one\nsk-two")

    with pytest.raises(ChatError, match="characters that are not allowed") as caught:
        ChatModel("m").connect()

    assert endpoint.keys == ["Bearer sk-one"]
    assert "sk-one" not in str(caught.value)


@pytest.mark.usefixtures("own_processes")
def test_loky_workers_take_settings_and_client_along(endpoint, client, ask):
    client.complete(ask())  # used here before
    client.sleep = None

    replies = joblib.Parallel(n_jobs=2, backend="loky")(
        joblib.delayed(client.complete)(ask(seed=i)) for i in range(2)
    )

    assert [reply.text for reply in replies] == ["{}", "{}"]
    assert len(endpoint.bodies) == 3


OTHER = "http://localhost:2/v1"


@pytest.mark.parametrize(
    ("base_url", "named", "api_key_env", "variable"),
    [
        (None, None, None, "OPENAI_API_KEY"),
        ("https://api.openai.com/v1/", None, None, "OPENAI_API_KEY"),
        ("https://eu.api.openai.com/v1", None, None, "OPENAI_API_KEY"),
        (None, OTHER, None, "OPENAI_API_KEY"),
        (f"{OTHER}/", OTHER, None, "OPENAI_API_KEY"),
        (OTHER, None, None, None),
        (OTHER, "http://localhost:1/v1", None, None),
        ("https://api.openai.com.evil.example/v1", None, None, None),
        ("https://evilapi.openai.com/v1", None, None, None),
        (OTHER, None, "OPENAI_API_KEY", "OPENAI_API_KEY"),
        ("https://api.openai.com/v1", None, "MY_KEY", "MY_KEY"),
    ],
)
def test_key_goes_to_openai_and_where_the_user_says(
    monkeypatch, base_url, named, api_key_env, variable
):
    monkeypatch.setenv("MY_KEY", "mine")
    if named is not None:
        monkeypatch.setenv("OPENAI_BASE_URL", named)
    chat = ChatModel("m", base_url=base_url, api_key_env=api_key_env)

    assert chat.connect().api_key_env == variable

    if variable is not None:
        monkeypatch.delenv(variable)
        with pytest.raises(ChatError, match=f"{variable} holds no key"):
            chat.connect()


def test_other_endpoints_get_no_key_and_say_if_they_want_one(endpoint, ask):
    endpoint.say(refusal("Who are you?", 401))
    client = ChatModel("m", base_url=endpoint.url).connect()

    with pytest.raises(ChatError, match="Set `api_key_env` to the name"):
        client.complete(ask())

    client.close()
    assert endpoint.keys == ["Bearer none"]
