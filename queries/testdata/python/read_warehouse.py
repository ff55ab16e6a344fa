"""Reads what a sweep writes with tools that are not servegrid.

    python read_warehouse.py PATH/TO/servegrid

It runs a small sweep and checks that duckdb, pandas and polars see the same rows
and sums as `servegrid query`, that the .sql files run unchanged in Python's
duckdb, and that the frontier view equals a frontier computed by brute force.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import duckdb
import pandas
import polars

HERE = pathlib.Path(__file__).resolve().parent
VIEWS = HERE.parent.parent / "views"
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
    rows = ask(f"select count(*) as n from {table}")[0]["n"]
    counts = {
        "duckdb": duckdb.sql(f"select count(*) from '{glob}'").fetchone()[0],
        "pandas": len(in_pandas),
        "polars": len(in_polars),
    }
    checks = 0
    for reader, n in counts.items():
        checks += same(f"{table}: rows in {reader}", n, rows)
    for column in in_pandas.columns:
        if in_pandas[column].dtype.kind not in "if":
            continue
        want = ask(f"select coalesce(sum({column}), 0) as s from {table}")[0]["s"]
        checks += same(f"{table}.{column} in pandas", in_pandas[column].sum(), want)
        checks += same(f"{table}.{column} in polars", in_polars[column].sum() or 0, want)
        got = duckdb.sql(f"select coalesce(sum({column}), 0) from '{glob}'").fetchone()[0]
        checks += same(f"{table}.{column} in duckdb", got, want)
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
