"""Executes the notebooks on a small warehouse and checks what they ask.

    python run.py PATH/TO/servegrid

Every question that a notebook asks is asked again through `servegrid query`; rows and
figures have to be the same.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import duckdb
import nbformat
from nbconvert.preprocessors import ExecutePreprocessor

HERE = pathlib.Path(__file__).resolve().parent


def main() -> None:
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as root:
        for run in ("before", "after"):
            subprocess.run([program, "sweep", HERE / f"{run}.yaml", "--warehouse", root, "--run", run], check=True, capture_output=True)
        subprocess.run([program, "validate", "--record", "--warehouse", root], check=True, capture_output=True)
        os.environ["WAREHOUSE"], os.environ["VIEWS"] = root, str(HERE.parent / "views")

        def ask(sql: str) -> list[list]:
            out = subprocess.run([program, "query", "--warehouse", root, "--output", "json", sql], check=True, capture_output=True, text=True)
            return [list(row.values()) for row in json.loads(out.stdout)]

        checked = 0
        for path in sorted(HERE.glob("*.ipynb")):
            notebook = nbformat.read(path, as_version=4)
            # From a folder that is neither the warehouse nor the repository.
            with tempfile.TemporaryDirectory() as elsewhere:
                ExecutePreprocessor(timeout=600).preprocess(notebook, {"metadata": {"path": elsewhere}})
            asked = json.loads(notebook.cells[-1].outputs[0].text)
            if not asked:
                raise SystemExit(f"{path.name} asks nothing")
            for question in asked:
                checked += same(path.name, question["sql"], question["rows"], ask(question["sql"]))
        print(f"duckdb {duckdb.__version__}: {checked} figures of the notebooks are those of servegrid query")


def same(name: str, sql: str, got: list[list], want: list[list]) -> int:
    if len(got) != len(want) or not got:
        raise SystemExit(f"{name}: {len(got)} rows, servegrid query says {len(want)}:\n{sql}")
    n = 0
    for a, b in zip(got, want):
        for x, y in zip(a, b, strict=True):
            numbers = isinstance(x, (int, float)) and isinstance(y, (int, float))
            if not (math.isclose(x, y, rel_tol=1e-9) if numbers else x == y):
                raise SystemExit(f"{name}: got {x!r}, servegrid query says {y!r}:\n{sql}")
            n += 1
    return n


if __name__ == "__main__":
    main()
