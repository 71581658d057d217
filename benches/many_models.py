#!/usr/bin/env python3
"""A project of a thousand models with four checks each: how long planning and starting take.

Makes a dataset of ten rows and models that each read up to three others, and measures whole processes: once each the first
plan and the first run, which know nothing yet; then in turn `plan` and `run` where nothing changed, `plan` after one model in
the middle changed, and `query "SELECT 1"`, beside an empty process. Absolute times depend on the machine.

    cargo build --release && python3 benches/many_models.py --cauce target/release/cauce
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from main_job import measured

CATALOG = """\
version: 1
project: muchos
lake: lake
datasets:
  base:
    path: base.csv
    columns:
      - { name: id, type: int, required: true }
      - { name: grupo, type: string }
      - { name: monto, type: float }
"""

HEADER = """\
/*---
description: Una fila por id.
{kind}grain: [id]
checks:
  - not_null: [grupo]
  - expression: monto >= 0
---*/
"""


def write_project(folder: Path, models: int) -> None:
    """Writes the project; a model reads the dataset or up to three models before it."""
    (folder / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
    rows = "".join(f"{n},g{n % 3},{n}.5\n" for n in range(10))
    (folder / "base.csv").write_text("id,grupo,monto\n" + rows, encoding="utf-8")
    for layer in ("processed", "curated"):
        (folder / "sql" / layer).mkdir(parents=True)
    for n in range(models):
        layer = "processed" if n < models // 2 else "curated"
        kind = "materialized: view\n" if n % 5 == 4 else ""
        (folder / "sql" / layer / f"m{n}.sql").write_text(HEADER.format(kind=kind) + select(n, models), encoding="utf-8")


def select(n: int, models: int, factor: int = 1) -> str:
    """The SELECT of model `n`."""
    name = lambda m: f"{'processed' if m < models // 2 else 'curated'}.m{m}"
    # Not too deep: views are planned through.
    before = sorted({m for m in (n // 2, n // 3, n // 7) if 0 < m < n})
    if not before:
        return f"SELECT id, grupo, monto * {factor} AS monto FROM raw.base\n"
    first, *others = before
    joins = "".join(f"LEFT JOIN {name(m)} AS m{m} ON m{m}.id = a.id\n" for m in others)
    return f"SELECT a.id, a.grupo, a.monto * {factor} AS monto\nFROM {name(first)} AS a\n{joins}"


def main() -> None:
    """Prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cauce", type=Path, required=True, help="the release binary")
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cauce = str(options.cauce.resolve())
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        write_project(project, options.models)
        on = [cauce, "-C", str(project)]
        key = {"CAUCE_PSEUDONYM_KEY": "bench"}
        print(f"{options.models} models, {4 * options.models} checks")
        print(f"first plan       {measured([*on, 'plan', '--quiet'], key)[0]:8.3f} s")
        print(f"first run        {measured([*on, 'run', '--quiet'], key)[0]:8.3f} s")
        middle = options.models // 2 - 1
        file = project / "sql" / "processed" / f"m{middle}.sql"
        header = file.read_text(encoding="utf-8").split("SELECT", 1)[0]
        rows: dict[str, list[tuple[float, float]]] = {}
        for round_ in range(options.rounds + 1):
            def time(name: str, command: list[str]) -> None:
                rows.setdefault(name, []).append(measured(command, key))

            time("empty process", ["true"])
            time("SELECT 1", [*on, "query", "SELECT 1"])
            time("plan, no change", [*on, "plan"])
            time("run, no change", [*on, "run"])
            file.write_text(header + select(middle, options.models, round_ + 2), encoding="utf-8")
            time("plan, one change", [*on, "plan"])
            file.write_text(header + select(middle, options.models), encoding="utf-8")
    for name, runs in rows.items():
        times = [elapsed for elapsed, _ in runs[1:]]
        memory = max(peak for _, peak in runs[1:])
        print(f"{name:<16} {statistics.median(times):8.3f} s   ({min(times):.3f} to {max(times):.3f})   {memory:5.0f} MiB")


if __name__ == "__main__":
    main()
