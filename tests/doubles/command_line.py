"""Run commands on the file ``in.csv`` of the folder one stands in."""

from t2sampler import cli


def run(*arguments):
    """Return the exit code: of a command, or of the parser that refused an argument."""
    try:
        return cli.main([*map(str, arguments)])
    except SystemExit as stopped:
        return stopped.code


def augment(*arguments, out="out.csv"):
    return run("augment", "in.csv", "--target", "ill", "--out", out, *arguments)


def pick(lines, column):
    """Return the cells of a column of a plain CSV, without the name."""
    position = lines[0].split(",").index(column)
    return [line.split(",")[position] for line in lines[1:]]
