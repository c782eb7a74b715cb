"""The scripts that compare two versions of the code count what they say."""

import ast

import code_shape
import same_rows

SOURCE = '''"""What it holds."""

HALF, NAME = 0.5, "half"


def halve(x):
    """Return half of x."""
    # why: a comment
    return x * HALF
'''


def test_lines_are_counted_by_what_they_hold():
    counts = code_shape.count_lines(SOURCE, ast.parse(SOURCE))

    assert counts["code"] == 3  # the constants, the def and the return
    assert (counts["docstrings"], counts["comments"]) == (2, 1)
    assert (counts["lines"], counts["not blank"]) == (9, 6)


def test_a_digest_that_changed_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(same_rows, "RUNS", {"one": ("any", 1, None)})
    digests = iter(["a", "a", "b"])
    monkeypatch.setattr(same_rows, "digest_run", lambda *run: (1, next(digests)))
    before = str(tmp_path / "before.csv")

    assert same_rows.main(["--out", before]) == 0
    assert same_rows.main(["--against", before]) == 0
    assert same_rows.main(["--against", before]) == 1
    assert "False" in capsys.readouterr().out


def test_a_seeded_run_has_one_digest(shared_data):
    run = same_rows.RUNS["scripted team with a plan, compas"]

    first, again, other = (same_rows.digest_run(*run, seed) for seed in (31, 31, 32))

    assert first == again
    assert first != other
