"""Print the lowest versions that pyproject.toml allows, as constraints for pip."""

import re
import tomllib
from pathlib import Path

path = Path(__file__).parents[1] / "pyproject.toml"
project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
for line in project["dependencies"] + project["optional-dependencies"]["parquet"]:
    print(re.sub(r">=([\d.]+).*", r"==\1", line))
