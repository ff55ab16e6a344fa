"""Reads what a sweep writes with tools that are not servegrid.

    python read_warehouse.py PATH/TO/servegrid

It runs a small sweep and checks that duckdb, pandas, polars and fastparquet see the
same rows and sums as `servegrid query`, that the .sql files run unchanged in Python's
duckdb, that the statements for other engines in docs/external name the columns and
types that the files have, and that the frontier view equals a frontier computed by
brute force.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import duckdb
import fastparquet
import pandas
import polars
import sqlglot

HERE = pathlib.Path(__file__).resolve().parent
VIEWS = HERE.parent.parent / "views"
EXTERNAL = HERE.parent.parent.parent / "docs" / "external"
TABLES = ["agg_points", "workers", "disagg_points", "coverage", "best_points", "gpu_budgets", "sla_targets"]


def main() -> None:
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as root:
        subprocess.run([program, "sweep", HERE / "small.yaml", "--warehouse", root], check=True, stdout=subprocess.DEVNULL)

        def ask(sql: str) -> list[dict]:
            out = subprocess.run(
                [program, "query", "--warehouse", root, "--output", "json", sql], check=True, capture_output=True, text=True
            )
            return json.loads(out.stdout)

        checks = 0
        for table in TABLES:
            checks += check_table(root, table, ask)
            checks += check_fastparquet(root, table, ask)
        checks += check_external(root)
        checks += check_views(root, ask)
        checks += check_shell(root, ask)
        checks += check_frontier(ask)
        print(f"{checks} passed, 0 failed")


def same(what: str, got: float, want: float) -> int:
    # Sums of the same doubles in another order.
    if not math.isclose(got, want, rel_tol=1e-9, abs_tol=1e-9):
        raise SystemExit(f"{what}: got {got}, servegrid query says {want}")
    return 1


def check_table(root: str, table: str, ask) -> int:
    """Counts, and the sum of every numeric column, in every reader."""
    files = sorted(str(f) for f in pathlib.Path(root, "tables", table).rglob("*.parquet"))
    in_pandas = pandas.concat([pandas.read_parquet(f) for f in files], ignore_index=True)
    in_polars = polars.scan_parquet(files).collect()
    glob = os.path.join(root, "tables", table, "**", "*.parquet")
    if len(in_polars) != len(polars.scan_parquet(glob).collect()):
        raise SystemExit(f"{table}: the documented glob sees other files")
    numeric = [c for c in in_pandas.columns if in_pandas[c].dtype.kind in "if"]
    told = ask("select count(*) as n" + "".join(f", coalesce(sum({c}), 0) as {c}" for c in numeric) + f" from {table}")[0]
    counts = {
        "duckdb": duckdb.sql(f"select count(*) from '{glob}'").fetchone()[0],
        "pandas": len(in_pandas),
        "polars": len(in_polars),
    }
    checks = 0
    for reader, n in counts.items():
        checks += same(f"{table}: rows in {reader}", n, told["n"])
    for column in numeric:
        want = told[column]
        checks += same(f"{table}.{column} in pandas", in_pandas[column].sum(), want)
        checks += same(f"{table}.{column} in polars", in_polars[column].sum() or 0, want)
        got = duckdb.sql(f"select coalesce(sum({column}), 0) from '{glob}'").fetchone()[0]
        checks += same(f"{table}.{column} in duckdb", got, want)
    return checks


# Parquet's physical types, by their number in a file.
PHYSICAL = {0: "bool", 1: "int32", 5: "float64", 6: "string"}


def files_of(root: str, table: str) -> list[fastparquet.ParquetFile]:
    return [fastparquet.ParquetFile(str(f)) for f in sorted(pathlib.Path(root, "tables", table).rglob("*.parquet"))]


def check_fastparquet(root: str, table: str, ask) -> int:
    """Rows, nulls, values and sums in a reader that shares no code with Arrow or DuckDB."""
    files = files_of(root, table)
    frames = [f.to_pandas() for f in files if f.count() > 0]
    facts = "".join(f", count({c}) as {c}, count(distinct {c}) as {c}_distinct" for c in files[0].columns)
    told = ask(f"select count(*) as n{facts} from {table}")[0]
    checks = same(f"{table}: rows in fastparquet", sum(len(f) for f in frames), told["n"])
    for column in files[0].columns:
        present = [f[column][f[column].notna()] for f in frames]
        distinct = {x for v in present for x in v.unique()}
        checks += same(f"{table}.{column}: values in fastparquet", sum(len(v) for v in present), told[column])
        checks += same(f"{table}.{column}: distinct values in fastparquet", len(distinct), told[f"{column}_distinct"])
        if present and present[0].dtype.kind in "if":
            want = duckdb.sql(f"select sum({column}) from '{root}/tables/{table}/**/*.parquet'").fetchone()[0]
            checks += same(f"{table}.{column} in fastparquet", sum(v.sum() for v in present), want or 0)
    return checks


def check_external(root: str) -> int:
    """docs/external: what other engines are told is what the files are."""
    spelled = {"VARCHAR": "string", "TEXT": "string", "INT": "int32", "BIGINT": "int32", "DOUBLE": "float64", "BOOLEAN": "bool"}
    checks = 0
    for dialect in ["trino", "spark", "bigquery"]:
        told = {}
        for statement in sqlglot.parse((EXTERNAL / f"{dialect}.sql").read_text(), read=dialect):
            columns = statement.find_all(sqlglot.exp.ColumnDef)
            told[statement.find(sqlglot.exp.Table).name] = [(c.name, spelled[c.kind.this.name]) for c in columns]
        if sorted(told) != sorted(TABLES):
            raise SystemExit(f"{dialect}.sql: got tables {sorted(told)}, want {sorted(TABLES)}")
        for table in TABLES:
            for file in files_of(root, table):
                found = [(e.name, PHYSICAL[e.type]) for e in file.schema.schema_elements[1:]]
                if found != told[table]:
                    raise SystemExit(f"{dialect}.sql, {table}: {sorted(set(found) ^ set(told[table]))} differ from {file.fn}")
                checks += 1
    return checks


def check_views(root: str, ask) -> int:
    """The .sql files, unchanged, in a session that knows nothing of servegrid."""
    con = duckdb.connect()
    con.execute(f"set global file_search_path = '{root}'")
    for file in sorted(VIEWS.glob("*.sql")):
        con.execute(file.read_text())
    checks = 0
    for view, column in [
        ("points", "tokens_per_s_per_gpu_cluster"),
        ("frontier", "tokens_per_s_per_gpu_cluster"),
        ("computed_frontier", "tokens_per_s_per_gpu_cluster"),
        ("sla_frontier", "tokens_per_s_per_gpu_cluster"),
        ("best_config", "tokens_per_s_per_gpu_cluster"),
        ("unmet_limits", "excess"),
        ("agg_vs_disagg", "disagg_over_agg"),
        ("cost_frontier", "usd_per_million_tokens"),
        ("coverage", "n_candidates"),
        ("runs", "bytes"),
    ]:
        sql = f"select count(*) as n, coalesce(sum({column}), 0) as s from {view}"
        want = ask(sql)[0]
        n, s = con.execute(sql).fetchone()
        checks += same(f"{view}: rows", n, want["n"]) + same(f"{view}: sum", s, want["s"])
        if n == 0:
            raise SystemExit(f"{view} is empty")
    best = con.execute(
        "select mode, max(tokens_per_s_per_gpu_cluster) from best_config(model := 'Qwen/Qwen3-32B-FP8', system := 'h200_sxm', "
        "backend := 'vllm', isl := 4000, osl := 500, gpus := 8, ttft := 600, tpot := 16.67) group by all"
    ).fetchall()
    figures = dict(best)
    checks += same("guide, aggregated", round(figures["agg"], 2), 397.31)
    if figures["disagg"] < 521.77:
        raise SystemExit(f"guide, disaggregated: got {figures['disagg']}, want at least 521.77")
    return checks + 1


# One row each from the macros, for the DuckDB shell.
WORKLOAD = "model := 'Qwen/Qwen3-32B-FP8', isl := 4000, osl := 500"
LIMITS = "ttft := 600, tpot := 16.67"
QUESTIONS = [
    f"select round(tokens_per_s_per_gpu_cluster, 2) as x from best_config({WORKLOAD}, gpus := 8, {LIMITS}, mode := 'agg', backend := 'vllm', top_n := 1)",
    f"select sum(tokens_per_s_per_gpu_cluster) as x from best_system({WORKLOAD}, gpus := 8, {LIMITS})",
    f"select sum(gpus_needed) as x from min_gpus({WORKLOAD}, request_rate := 20, {LIMITS})",
    "select count(*) as x from frontier_of('Qwen/Qwen3-32B-FP8')",
    "select count(*) as x from frontier_changes((select 1), (select 1))",
    "select count(*) as x from validation",
]


def check_shell(root: str, ask) -> int:
    """The same files in the DuckDB shell, started elsewhere."""
    run = ask("select run from runs")[0]["run"]
    questions = [q.replace("(select 1)", f"'{run}'") for q in QUESTIONS]
    script = [f"set global file_search_path = '{root}';"]
    script += [f.read_text() for f in sorted(VIEWS.glob("*.sql"))]
    script += [".mode csv", ".headers off"] + [q + ";" for q in questions]
    with tempfile.TemporaryDirectory() as elsewhere:
        shell = pathlib.Path(sys.executable).with_name("duckdb")
        out = subprocess.run([shell, "-batch"], input="\n".join(script), cwd=elsewhere, check=True, capture_output=True, text=True)
    lines = out.stdout.split()
    if len(lines) != len(questions):
        raise SystemExit(f"the DuckDB shell says {out.stdout!r} {out.stderr!r}")
    return sum(same(f"DuckDB shell: {q}", float(line), ask(q)[0]["x"]) for q, line in zip(questions, lines))


def check_frontier(ask) -> int:
    """The frontier view against comparing every point with every other."""
    group = "system, backend, version, mode, isl, osl, prefix, gpus, gemm_quant, kvcache_quant, fmha_quant"
    axes = "tokens_per_s_per_user as x, tokens_per_s_per_gpu_cluster as y"
    where = "where model = 'Qwen/Qwen2.5-1.5B' and system = 'h200_sxm'"
    points = polars.DataFrame(ask(f"select {group}, {axes} from points {where}"))
    front = polars.DataFrame(ask(f"select {group}, {axes} from frontier {where}"))
    keys = [k.strip() for k in group.split(",")]
    checks = 0
    for key, part in points.group_by(keys):
        candidates = set(part.select("x", "y").rows())
        want = sorted(
            (x, y) for x, y in candidates if not any((a >= x and b >= y and (a > x or b > y)) for a, b in candidates)
        )
        same_group = polars.all_horizontal([polars.col(k) == v for k, v in zip(keys, key)])
        got = sorted(front.filter(same_group).select("x", "y").rows())
        if got != want:
            raise SystemExit(f"frontier of {key}: got {len(got)} points, want {len(want)}")
        checks += 1
    return checks


if __name__ == "__main__":
    main()
