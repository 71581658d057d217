#!/usr/bin/env python3
"""The main job against DuckDB: the same SQL over the same files, in turn, in one session.

Each round runs `cauce run` into an empty lake (tables as Delta, every check, one release) and `benches/duckdb/run.py`
(the same models as tables, the same checks, every table written as zstd Parquet), and start-up: `cauce query "SELECT 1"`
against an empty process. What is compared are whole processes: wall time, and peak memory as the kernel accounts it. Absolute
times depend on the machine; quote the ratios.

    cargo build --release && scripts/setup && tests/.venv/bin/pip install --quiet pyyaml
    tests/.venv/bin/python benches/main_job.py --cauce target/release/cauce
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def measured(command: list[str], environment: dict[str, str] | None = None) -> tuple[float, float]:
    """Runs a command to its end; its wall time in seconds and its peak memory in MiB."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}
    )
    complaint = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - begun
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} failed:\n{complaint.decode()}")
    return elapsed, usage.ru_maxrss / 1024


def main() -> None:
    """Prints the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cauce", type=Path, required=True, help="the release binary")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", default="1", help="of the simulated data")
    options = parser.parse_args()
    cauce = str(options.cauce.resolve())

    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "banco")
        project.mkdir()
        shutil.copy(ROOT / "catalog.yaml", project)
        shutil.copytree(ROOT / "sql", project / "sql")
        measured([cauce, "-C", str(project), "simulate", "--scale", options.scale])
        data = project / "data" / "raw"
        rows: dict[str, list[tuple[float, float]]] = {"cauce run": [], "DuckDB": [], "SELECT 1": [], "empty process": []}
        for _ in range(options.rounds + 1):
            shutil.rmtree(project / "data" / "lake", ignore_errors=True)
            key = {"CAUCE_PSEUDONYM_KEY": "bench"}
            rows["cauce run"].append(measured([cauce, "-C", str(project), "run"], key))
            with tempfile.TemporaryDirectory() as parquet:
                script = str(ROOT / "benches" / "duckdb" / "run.py")
                duckdb = [sys.executable, script, "--data", str(data), "--parquet", parquet, "--checks", "--quiet"]
                rows["DuckDB"].append(measured(duckdb))
            rows["SELECT 1"].append(measured([cauce, "-C", str(project), "query", "SELECT 1"]))
            rows["empty process"].append(measured(["true"]))

    # The first round warms the file cache and is not counted.
    wall = {name: statistics.median(elapsed for elapsed, _ in runs[1:]) for name, runs in rows.items()}
    for name, runs in rows.items():
        times = [elapsed for elapsed, _ in runs[1:]]
        memory = max(peak for _, peak in runs[1:])
        print(f"{name:<14} median {wall[name]:7.3f} s   ({min(times):.3f} to {max(times):.3f})   {memory:7.0f} MiB")
    ratios = [a[0] / b[0] for a, b in zip(rows["cauce run"][1:], rows["DuckDB"][1:], strict=True)]
    print(f"cauce run / DuckDB, pair by pair: {min(ratios):.2f} to {max(ratios):.2f}, median {statistics.median(ratios):.2f}")
    print(f"SELECT 1 over an empty process: {(wall['SELECT 1'] - wall['empty process']) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
