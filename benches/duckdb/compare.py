#!/usr/bin/env python3
"""Compares a project's newest release with what DuckDB makes of the same SQL and the same files, table by table.

Two engines that agree row for row are unlikely to be wrong in the same way. Numbers may differ in the last digits, because
sums of fractions depend on their order; columns of pseudonyms differ by design and are left out.

    python benches/duckdb/run.py --project DIR --out banco.duckdb --quiet
    python benches/duckdb/compare.py --cauce target/release/cauce --project DIR --duckdb banco.duckdb
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

# Where `pseudonym()` is applied, and what is computed from such a column.
PSEUDONYMS = {"cliente_id", "nombre_usuario"}


def compared(name: str, kind: str) -> str:
    """The column in a form in which equal values are equal texts."""
    column = '"' + name.replace('"', '""') + '"'
    if kind in {"DOUBLE", "FLOAT"}:
        return f"printf('%.6f', round({column}, 6) + 0.0) AS {column}"
    return f"CAST({column} AS VARCHAR) AS {column}"


def main() -> int:
    """Prints a line a table; 1 if any differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cauce", type=Path, required=True)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--duckdb", type=Path, required=True, help="the database that run.py --out wrote")
    options = parser.parse_args()
    theirs = duckdb.connect(str(options.duckdb), read_only=True)
    names = theirs.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        "WHERE table_schema IN ('processed', 'curated') ORDER BY 1"
    ).fetchall()
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        for (name,) in names:
            ours = Path(folder, f"{name}.parquet")
            query = [str(options.cauce), "-q", "-C", str(options.project), "query", "-o", str(ours), f"SELECT * FROM {name}"]
            subprocess.run(query, check=True)
            kinds = theirs.execute(f"DESCRIBE {name}").fetchall()
            columns = ", ".join(compared(column, kind) for column, kind, *_ in kinds if column not in PSEUDONYMS)
            left, right = f"SELECT {columns} FROM read_parquet('{ours}')", f"SELECT {columns} FROM {name}"
            count = "SELECT count(*) FROM ({} EXCEPT ALL {})"
            only_ours = theirs.execute(count.format(left, right)).fetchone()[0]
            only_theirs = theirs.execute(count.format(right, left)).fetchone()[0]
            rows = theirs.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            if only_ours or only_theirs:
                different += 1
                print(f"DIFFERS {name}: {rows} rows in DuckDB; {only_ours} only in cauce, {only_theirs} only in DuckDB")
            else:
                print(f"equal   {name}: {rows} rows")
    print(f"{len(names) - different} of {len(names)} equal")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
