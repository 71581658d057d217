#!/usr/bin/env python3
"""Reading dirty CSV against DuckDB: the same file into Parquet, in turn, in one session.

The tickets of the predecessor, repeated to about a gigabyte, all columns typed: `cauce run` of a project with one model
`SELECT * FROM raw.tickets` against DuckDB's `read_csv` with the same types and `store_rejects = true`, both on two
threads and both into Parquet compressed with zstd. Then the same file with every hundredth row damaged. What is compared
are whole processes: wall time, and peak memory as the kernel accounts it. Absolute times depend on the machine; quote
the ratios.

    cargo build --release && python3 -m pip install --quiet duckdb
    python3 benches/ingest.py --cauce target/release/cauce
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "tests" / "data" / "predecessor" / "tickets_soporte.csv"

CATALOG = """\
version: 1
project: ingest
lake: lake
datasets:
  tickets:
    path: {path}
    {limit}
    columns:
      - {{ name: ticket_id, type: string, required: true }}
      - {{ name: fecha_hora, type: timestamp, required: true }}
      - {{ name: cliente_id, type: string, required: true }}
      - {{ name: canal, type: string, required: true }}
      - {{ name: sucursal_id, type: string }}
      - {{ name: asesor_id, type: string, required: true }}
      - {{ name: tipo_consulta, type: string, required: true }}
      - {{ name: subtipo, type: string, required: true }}
      - {{ name: estado, type: string, required: true }}
      - {{ name: tiempo_respuesta_min, type: int, required: true }}
      - {{ name: tiempo_resolucion_horas, type: int, required: true }}
      - {{ name: satisfaccion_cliente, type: int, required: true }}
      - {{ name: comentario, type: string, required: true }}
      - {{ name: etiquetas, type: list<string>, required: true }}
      - {{ name: adjunto, type: string }}
"""

DUCKDB = """
import duckdb, sys
connection = duckdb.connect()
connection.execute("SET threads = 2; SET preserve_insertion_order = false")
types = {
    name: "VARCHAR" for name in
    ["ticket_id", "cliente_id", "canal", "sucursal_id", "asesor_id", "tipo_consulta", "subtipo", "estado", "comentario",
     "etiquetas", "adjunto"]
}
types |= {name: "BIGINT" for name in ["tiempo_respuesta_min", "tiempo_resolucion_horas", "satisfaccion_cliente"]}
types["fecha_hora"] = "TIMESTAMP"
order = ["ticket_id", "fecha_hora", "cliente_id", "canal", "sucursal_id", "asesor_id", "tipo_consulta", "subtipo", "estado",
         "tiempo_respuesta_min", "tiempo_resolucion_horas", "satisfaccion_cliente", "comentario", "etiquetas", "adjunto"]
columns = "{" + ", ".join(f"'{name}': '{types[name]}'" for name in order) + "}"
lists = "* REPLACE (list_transform(string_split(trim(etiquetas, '[]'), ', '), lambda x: trim(x, '''')) AS etiquetas)"
connection.execute(f"COPY (SELECT {lists} FROM read_csv('{sys.argv[1]}', header = true, auto_detect = false, delim = ',',"
                   f" quote = '\\"', escape = '\\"', columns = {columns}, store_rejects = true, rejects_limit = 0))"
                   f" TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION zstd)")
"""


def measured(command: list[str]) -> tuple[float, float]:
    """Runs a command to its end; its wall time in seconds and its peak memory in MiB."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaint = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - begun
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} failed:\n{complaint.decode()}")
    return elapsed, usage.ru_maxrss / 1024


def write(path: Path, size: int, bad: int) -> int:
    """Writes the tickets again and again up to `size` bytes, every `bad`-th of them damaged; how many."""
    with SOURCE.open(newline="", encoding="utf-8") as file:
        header, *records = list(csv.reader(file))
    number = header.index("satisfaccion_cliente")
    rows = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        while file.tell() < size:
            for record in records:
                rows += 1
                if bad and rows % bad == 0:
                    record = [*record[:number], "mucho", *record[number + 1 :]]
                writer.writerow(record)
    return rows


def project(folder: Path, name: str, path: Path) -> Path:
    """A project that reads the file at `path` into one table."""
    root = folder / name
    (root / "sql" / "processed").mkdir(parents=True)
    (root / "catalog.yaml").write_text(CATALOG.format(path=path, limit="on_reject: { max_ratio: 0.5 }" if "_0" not in name else ""))
    model = "/*---\ndescription: Los tickets.\nmaterialized: table\n---*/\nSELECT * FROM raw.tickets\n"
    (root / "sql" / "processed" / "tickets.sql").write_text(model)
    return root


def main() -> None:
    """Prints the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cauce", type=Path, required=True, help="the release binary")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=float, default=1.0, help="of the file, in gigabytes")
    parser.add_argument("--clean-only", action="store_true")
    options = parser.parse_args()
    cauce = str(options.cauce.resolve())

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs: dict[str, list[tuple[float, float]]] = {}
        for label, bad in [("clean", 0), ("1 % bad", 100)][: 1 if options.clean_only else 2]:
            path = folder / f"tickets_{bad}.csv"
            rows = write(path, int(options.size * 1e9), bad)
            print(f"{label}: {rows} rows, {path.stat().st_size / 1e6:.0f} MB", flush=True)
            project(folder, f"project_{bad}", path)
        for _ in range(options.rounds + 1):
            for label, bad in [("clean", 0), ("1 % bad", 100)][: 1 if options.clean_only else 2]:
                root = folder / f"project_{bad}"
                shutil.rmtree(root / "lake", ignore_errors=True)
                command = [cauce, "-C", str(root), "run", "--quiet"]
                runs.setdefault(f"cauce {label}", []).append(measured(command))
                parquet = str(folder / "duckdb.parquet")
                command = [sys.executable, "-c", DUCKDB, str(folder / f"tickets_{bad}.csv"), parquet]
                runs.setdefault(f"DuckDB {label}", []).append(measured(command))

    # The first round warms the file cache and is not counted.
    wall = {name: statistics.median(elapsed for elapsed, _ in values[1:]) for name, values in runs.items()}
    for name, values in runs.items():
        times = [elapsed for elapsed, _ in values[1:]]
        memory = max(peak for _, peak in values[1:])
        print(f"{name:<14} median {wall[name]:7.2f} s   ({min(times):.2f} to {max(times):.2f})   {memory:7.0f} MiB")
    for label in ["clean", "1 % bad"]:
        if f"cauce {label}" in wall:
            print(f"DuckDB / cauce, {label}: {wall[f'DuckDB {label}'] / wall[f'cauce {label}']:.2f}")
    if "cauce 1 % bad" in wall:
        print(f"1 % bad / clean: {wall['cauce 1 % bad'] / wall['cauce clean']:.3f}")


if __name__ == "__main__":
    main()
