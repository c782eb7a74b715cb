"""What an import loads: no library before it is used."""

import subprocess
import sys

CLIENT = {"openai", "httpx", "httpx2", "pydantic", "jiter"}
LEARNING = {"sklearn", "imblearn", "scipy", "pandas", "numpy", "joblib", "tqdm"}
ASK_NOBODY = """
from t2sampler.generators import LLMTeam
from t2sampler.llm import ChatModel
from t2sampler import TeamThenTrimSampler

chat = ChatModel("m", base_url="http://127.0.0.1:9/v1")
sampler = TeamThenTrimSampler(LLMTeam(chat, store=False))
sampler.estimate([[i, i % 3] for i in range(12)], [0] * 8 + [1] * 4)
chat.connect()
"""
SUBMODULES = """
import t2sampler

for name in ("datasets", "generators", "llm", "metrics", "testing"):
    getattr(t2sampler, name)
"""


def modules_after(code):
    """Return the names of all modules that a new process has loaded after ``code``."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_alone_loads_no_library():
    loaded = modules_after("import t2sampler; dir(t2sampler); t2sampler.__version__")

    assert "t2sampler" in loaded
    assert not loaded & (CLIENT | LEARNING)


def test_the_client_is_loaded_when_a_model_is_asked():
    loaded = modules_after(ASK_NOBODY)

    assert "t2sampler.llm" in loaded
    assert not loaded & CLIENT


def test_submodules_are_loaded_when_they_are_used():
    assert "t2sampler.metrics" in modules_after(SUBMODULES)
