"""Language models as workers: what they are sent, and how their replies become rows."""
