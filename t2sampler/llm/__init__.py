"""Language models: their settings, and a budget for their calls."""

from t2sampler.llm._budget import Budget
from t2sampler.llm._chat_model import ChatModel

__all__ = ["Budget", "ChatModel"]
