"""Stand-ins for models, endpoints and servers, and whole runs over them.

From the plainest to the real one:

- ``scripted_team``: a team of language models whose client is a function of the test;
- ``scripted_endpoint``: an HTTP endpoint that does with each call what the test says;
- ``fake_openai``: an HTTP endpoint with OpenAI's refusals and settings, which answers
  well by what it reads in the prompt (``competent_model``, over the true rows of
  ``simulated_tables``) but for the ``faults`` that it was told to have;
- ``llama_server``: llama.cpp's own server over random weights.

``sampler_runs`` and ``llm_team_runs`` hold what tests of whole runs share: small
tables, settings, and what must hold of every run and its report.
"""
