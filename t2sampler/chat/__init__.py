"""Language models as workers: prompts out, rows in."""
