"""Whatever the system: over llama.cpp's own server, whose model knows nothing."""

import pytest
from doubles.chat_systems import MAKE
from doubles.llama_server import make_guessable_table
from doubles.llm_team_runs import make_chat, make_sampler
from doubles.sampler_runs import check_report, may_fall_short

pytestmark = pytest.mark.server
# Their rows are JSON, which a grammar can force; random weights write no CSV.
WRITE_JSON = {"CLLM", "MALLMGAN", "HTDBU"}


@may_fall_short
@pytest.mark.parametrize("name", MAKE)
def test_whatever_random_weights_write_real_rows_stay(name, llama_url, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    X, y = make_guessable_table()
    chat = make_chat(llama_url, max_tokens=300, timeout=300.0, max_concurrency=4)
    generator = MAKE[name](chat, store=False)
    sampler = make_sampler(generator, batch_size=4, max_batches=2)

    X_res, y_res = sampler.fit_resample(X, y)

    check_report(sampler, X_res)
    assert X_res.iloc[: len(X)].equals(X)
    assert X_res.dtypes.equals(X.dtypes)
    assert set(y_res) == set(y)
    assert sampler.report_.usage["calls"].sum() > 0
    if name in WRITE_JSON:
        assert sampler.report_.totals["refused"] < sampler.report_.totals["drawn"]
