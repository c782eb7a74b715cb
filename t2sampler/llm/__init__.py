"""Language models behind one small door: settings, a budget, and what they answer."""

from t2sampler.llm._budget import Budget
from t2sampler.llm._chat_model import ChatModel

__all__ = ["Budget", "ChatModel"]
