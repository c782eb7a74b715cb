"""The whole sampler over llama.cpp's own server, whose model knows nothing."""

import pytest
from doubles.llama_server import make_guessable_table, without_schemas
from doubles.llm_team_runs import Run, check_run, make_chat, make_sampler

from t2sampler.generators import LLMTeam

pytestmark = [
    pytest.mark.server,
    pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning"),
]


def resample(url, **settings):
    chat = make_chat(url, max_tokens=400, timeout=300.0, max_concurrency=4)
    sampler = make_sampler(LLMTeam(chat, store=False), batch_size=4, **settings)
    X, y = make_guessable_table()
    run = Run(sampler, X, y, *sampler.fit_resample(X, y))
    check_run(run)
    return run


@pytest.mark.parametrize(
    "settings",
    [{"max_batches": 3}, pytest.param({"n_batches": 3}, marks=pytest.mark.slow)],
)
def test_grammar_makes_rows_of_random_weights(llama_url, settings):
    run = resample(llama_url, **settings)

    assert run.totals["drawn"] == 12
    assert run.totals["refused"] < 12


def test_without_schemas_nothing_breaks(llama_url):
    with without_schemas(llama_url) as (url, formats):
        run = resample(url, n_batches=2)

    assert run.totals["drawn"] == 8
    assert formats.count("json_schema") <= 4
    assert "json_object" in formats
