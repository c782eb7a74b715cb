"""The page of results says what the tables say, and who made them."""

import shutil

import make_results
import pandas as pd
import pytest
from _harness import list_cells

CSVS = sorted(make_results.FOLDER.glob("*.csv"))


def test_page_is_fresh():
    make_results.main(["--check"])


@pytest.mark.parametrize("path", CSVS, ids=lambda path: path.stem)
def test_table_names_the_command_that_made_it(path):
    words = make_results.read_command(path).split()

    assert words[0] == "python"
    assert (make_results.BENCHMARKS.parent / words[1]).exists()
    assert words[-1] == f"docs/results/{path.name}"


def test_another_number_makes_another_page(tmp_path):
    table = "block,column,method,published,ours,error,in s.e.,seeds,scoring\n"
    command = "# python benchmarks/paper_table_2_travel.py --seeds 2\n"
    path = tmp_path / "t.csv"
    path.write_text(f"{command}{table}flip 0,AUC,real only,98.55,97.5,0.25,-4.2,2,\n")

    page = make_results.render(tmp_path)
    path.write_text(path.read_text().replace("97.5", "97.6"))

    assert "| real only | 97.50 ± 0.25 [98.55, -4.20 s.e.] |" in page
    assert "**The rows are a stand-in**" in page  # what the script says of itself
    assert "One tidy CSV" not in page
    assert "2 seeds" in page
    assert make_results.render(tmp_path) == page.replace("97.50", "97.60")


def test_table_without_a_command_is_refused(tmp_path):
    shutil.copy(CSVS[0], tmp_path)
    path = tmp_path / CSVS[0].name
    path.write_text("\n".join(path.read_text().splitlines()[1:]))

    with pytest.raises(ValueError, match="its first line to be '# ' and the command"):
        make_results.render(tmp_path)


def test_other_tables_are_shown_as_they_are(tmp_path):
    command = "# python benchmarks/utility.py --out utility.csv\n"
    (tmp_path / "u.csv").write_text(f"{command}method,gain\nSMOTE,1.5\n")

    assert "| SMOTE | 1.5 |" in make_results.render(tmp_path)


def test_several_tables_of_one_file_stand_under_their_titles(tmp_path):
    parts = {
        "Gains": pd.DataFrame({"all": ["1.5 ± 0.2"]}, index=["case a"]),
        "Kept": pd.DataFrame({"n": [7, 8]}, index=["case a", "case b"]),
    }
    command = "# python benchmarks/recorded.py --seeds 2\n"
    text = list_cells(parts).to_csv(index=False)
    (tmp_path / "r.csv").write_text(command + text, encoding="utf-8")

    page = make_results.render(tmp_path)

    assert "Gains:\n\n|   | all |\n| --- | --- |\n| case a | 1.5 ± 0.2 |\n" in page
    assert "| case b | 8 |" in page


def test_another_part_of_a_script_refers_to_the_first(tmp_path):
    for name, flag in (("utility.csv", ""), ("utility_peers.csv", " --peers")):
        command = f"# python benchmarks/utility.py{flag}\n"
        (tmp_path / name).write_text(f"{command}method,gain\nSMOTE,1.5\n")

    first, again = make_results.render(tmp_path).split("\n## ")[1:]

    assert "Real tables are cut to n rows" in first
    assert "Real tables" not in again
    assert "(another part)" in again.splitlines()[0]
    assert "utility.py --peers" in again
