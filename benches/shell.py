#!/usr/bin/env python3
"""How long a person waits for the shell, and a script for `cauce query`.

Start-up is measured over an empty process (`true`), in an empty-handed project and in one of 1,000 models; the shell sits at
a pseudo-terminal, and its time ends when the prompt stands there. Then 10 million rows: when their first screen stands there,
and the memory of writing them to the terminal, as CSV and as Parquet; Ctrl-C while operators compute; Tab with 10,000 columns.
Medians; absolute times depend on the machine.

    cargo build --release && scripts/setup
    tests/.venv/bin/python benches/shell.py --cauce target/release/cauce
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from terminal import Seat  # noqa: E402

CATALOG = """\
version: 1
project: banco
lake: data/lake
datasets:
  ventas:
    path: data/ventas.{ending}
    columns:
      - {{ name: id, type: int }}
      - {{ name: canal, type: string }}
      - {{ name: monto, type: float }}
      - {{ name: nota, type: string }}
"""
CHANNELS = ["telefono", "chat_web", "email", "sucursal", "app_movil", "whatsapp"]


def ran(command: list[str], folder: Path) -> float:
    """Runs a command to its end; its wall time in milliseconds."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if process.wait() != 0:
        sys.exit(f"{' '.join(command)} failed")
    return (time.perf_counter() - begun) * 1000


def most_memory(command: list[str], folder: Path) -> tuple[float, float]:
    """Runs a command to its end; its wall time in seconds and the most memory it held, in MiB.

    The kernel's account of a process that has ended may be that of the process that started it, so it is asked meanwhile.
    """
    begun, most = time.perf_counter(), 0.0
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        most = max(most, peak(process.pid))
        time.sleep(0.01)
    return time.perf_counter() - begun, most


def seated(cauce: str, folder: Path) -> tuple[Seat, float]:
    """A shell at a terminal, and the milliseconds until its prompt stood there."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TERM": "xterm", "NO_COLOR": "1"}
    begun = time.perf_counter()
    seat = Seat([cauce, "shell"], environment, str(folder), 40, 120)
    awaited(seat, r"banco(:\d+)?> ", 0)
    return seat, (time.perf_counter() - begun) * 1000


def awaited(seat: Seat, pattern: str, start: int) -> None:
    if not seat.wait_for(pattern, start):
        sys.exit(f"{pattern!r} did not appear:\n{seat.written[start:]}")


def peak(pid: int) -> float:
    """The most memory that a process has held so far, in MiB; nothing once it has ended."""
    status = Path(f"/proc/{pid}/status").read_text()
    sizes = [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")]
    return max(sizes, default=0.0)


def left(seat: Seat) -> None:
    seat.type("\\q\r")
    seat.leave()


def project(folder: Path, models: int) -> Path:
    """A project with so many models over three sales: one in five a table, the others views."""
    folder.mkdir()
    (folder / "data").mkdir()
    (folder / "catalog.yaml").write_text(CATALOG.format(ending="csv"))
    (folder / "data" / "ventas.csv").write_text("id,canal,monto,nota\n1,email,10.5,a\n2,email,5,\n3,app_movil,7,b\n")
    for layer in ("processed", "curated"):
        (folder / "sql" / layer).mkdir(parents=True)
    for number in range(models):
        layer, kept, read = ("processed", "table", "raw.ventas") if number % 5 == 0 else ("curated", "view", f"processed.m_{number // 5 * 5}")
        sql = f"SELECT id, canal, monto * {number + 1} AS monto_{number} FROM {read}"
        if layer == "curated":
            sql = f"SELECT canal, sum(monto_{number // 5 * 5}) AS total_{number} FROM {read} GROUP BY canal"
        header = f"/*---\ndescription: Modelo {number}.\nmaterialized: {kept}\n---*/\n"
        (folder / "sql" / layer / f"m_{number}.sql").write_text(header + sql + "\n")
    return folder


def start_up(cauce: str, folder: Path, rounds: int) -> None:
    """Prints what it takes until something can be asked."""
    taken: dict[str, list[float]] = {}
    for models in (1, 1_000):
        place = project(folder / f"models_{models}", models)
        subprocess.run([cauce, "run", "--quiet"], cwd=place, check=True)
        for turn in range(rounds + 1):
            empty = ran(["/bin/true"], place)
            query = ran([cauce, "query", "-c", "SELECT 1"], place)
            seat, prompt = seated(cauce, place)
            left(seat)
            # The first round fills the file cache.
            if turn > 0:
                taken.setdefault(f"query SELECT 1, {models} models", []).append(query - empty)
                taken.setdefault(f"shell to its prompt, {models} models", []).append(prompt - empty)
    for name, times in taken.items():
        print(f"{name:<40} {statistics.median(times):8.0f} ms over an empty process ({min(times):.0f} to {max(times):.0f})")


def ten_million(cauce: str, folder: Path, rounds: int) -> None:
    """Prints what it takes to look at 10 million rows, and to write them."""
    place = project(folder / "rows", 0)
    (place / "catalog.yaml").write_text(CATALOG.format(ending="parquet"))
    with pq.ParquetWriter(place / "data" / "ventas.parquet", pa.schema(
        [("id", pa.int64()), ("canal", pa.string()), ("monto", pa.float64()), ("nota", pa.string())]
    )) as writer:
        for part in range(10):
            ids = range(part * 1_000_000, (part + 1) * 1_000_000)
            writer.write_table(pa.table({
                "id": pa.array(ids, pa.int64()),
                "canal": pa.array([CHANNELS[n % 6] for n in ids]),
                "monto": pa.array([n % 1000 / 10 for n in ids]),
                "nota": pa.array([f"nota {n % 5000} de la venta" for n in ids]),
            }))
    (place / "sql" / "processed" / "ventas.sql").write_text("SELECT * FROM raw.ventas\n")
    subprocess.run([cauce, "run", "--quiet"], cwd=place, check=True)
    for table in ("ventas", "raw.ventas"):
        firsts, memory = [], 0.0
        for _ in range(rounds):
            seat, _ = seated(cauce, place)
            for command in ("\\pset pager off\r", "\\maxrows 35\r"):
                seat.type(command)
                seat.calm_down()
            start = len(seat.written)
            begun = time.perf_counter()
            seat.type(f"SELECT * FROM {table};\r")
            awaited(seat, r"│ +34 │|╰", start)
            firsts.append((time.perf_counter() - begun) * 1000)
            awaited(seat, r"35 of 10,000,000 rows shown", start)
            memory = max(memory, peak(seat.pid))
            left(seat)
        print(f"first screen of 10 million rows of {table:<11} {statistics.median(firsts):5.0f} ms; all counted in {memory:.0f} MiB")
    for form in ("csv", "parquet"):
        elapsed, memory = most_memory([cauce, "query", "--format", form, "-o", f"all.{form}", "SELECT * FROM ventas"], place)
        print(f"10 million rows as {form:<8} {elapsed:20.1f} s {memory:8.0f} MiB")


def stopping(cauce: str, folder: Path, rounds: int) -> None:
    """Prints how long Ctrl-C takes while an operator computes."""
    operators = {
        "a scan": "SELECT count(*) FROM generate_series(1, 100000000000) a WHERE a.value % 7 = 8",
        "a cross join": "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b WHERE a.value * b.value % 7 = 3",
        "a hash join": "SELECT count(*) FROM generate_series(1, 20000000) a JOIN generate_series(1, 20000000) b ON a.value % 1000 = b.value % 1000",
        "a sort": "SELECT value FROM generate_series(1, 50000000) ORDER BY value % 1000003, value DESC",
        "an aggregate": "SELECT value % 5000000, count(*), avg(value) FROM generate_series(1, 100000000) GROUP BY 1",
        "a window": "SELECT sum(value) OVER (PARTITION BY value % 3 ORDER BY value) FROM generate_series(1, 50000000)",
    }
    seat, _ = seated(cauce, project(folder / "stopping", 0))
    for name, sql in operators.items():
        taken = []
        for _ in range(rounds):
            seat.type(f"{sql};\r")
            begun = time.perf_counter()
            while time.perf_counter() - begun < 0.7:
                seat.read(0.05)
            start, begun = len(seat.written), time.perf_counter()
            seat.type("\x03")
            awaited(seat, "stopped", start)
            taken.append((time.perf_counter() - begun) * 1000)
            awaited(seat, "banco> ", start)
            seat.calm_down()
        print(f"Ctrl-C during {name:<25} {statistics.median(taken):8.0f} ms ({min(taken):.0f} to {max(taken):.0f})")
    left(seat)


def completion(cauce: str, folder: Path, rounds: int) -> None:
    """Prints how long Tab takes where there are 10,000 columns."""
    place = project(folder / "columns", 0)
    lines = ["version: 1", "project: banco", "lake: data/lake", "datasets:"]
    for table in range(10):
        names = [f"columna_{table}_{number}_de_muchas" for number in range(1_000)]
        (place / "data" / f"ancha_{table}.csv").write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
        lines += [f"  ancha_{table}:", f"    path: data/ancha_{table}.csv", "    columns:"]
        lines += [f"      - {{ name: {name}, type: int }}" for name in names]
    (place / "catalog.yaml").write_text("\n".join(lines) + "\n")
    (place / "sql" / "processed" / "uno.sql").write_text("SELECT 1 AS uno\n")
    subprocess.run([cauce, "run", "--quiet"], cwd=place, check=True)
    seat, _ = seated(cauce, place)
    # The names are read in the background.
    time.sleep(5)
    cases = {"one column found": ("SELECT columna_7_77", "1_de_mu"), "letters in order": ("SELECT cl777_muc", "de_muchas")}
    for name, (typed, shown) in cases.items():
        taken = []
        for number in range(rounds * 3):
            seat.type(typed + (f"{number % 10}_" if shown != "de_muchas" else ""))
            seat.calm_down()
            start, begun = len(seat.written), time.perf_counter()
            seat.type("\t")
            while not seat.read(1.0):
                if len(seat.written) > start or time.perf_counter() - begun > 5:
                    break
            taken.append((time.perf_counter() - begun) * 1000)
            seat.type("\x15\x03")
            seat.calm_down()
        print(f"Tab among 10,000 columns, {name:<18} {statistics.median(taken):5.1f} ms ({min(taken):.1f} to {max(taken):.1f})")
    left(seat)


def main() -> None:
    """Measures one thing after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cauce", type=Path, required=True, help="the release binary")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", choices=["start", "rows", "stop", "columns"])
    parser.add_argument("--folder", help="where projects are made [default: as TMPDIR says]")
    options = parser.parse_args()
    cauce = str(options.cauce.resolve())
    measures = {"start": start_up, "rows": ten_million, "stop": stopping, "columns": completion}
    for name, measure in measures.items():
        if options.only in (None, name):
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                measure(cauce, Path(folder), options.rounds)


if __name__ == "__main__":
    main()
