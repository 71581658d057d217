#!/usr/bin/env python3
"""Runs the project's models in DuckDB: the yardstick that a `cauce run` is measured against.

Reads the same `catalog.yaml`, the same CSV files and the same `sql/` as cauce, builds every model in dependency order
(tables as tables, views as views), evaluates the checks of the headers and says how long each part took. The SELECTs are
unchanged; `accept:` and `deduplicate:` of a header become a view of the rows that they let pass. What it prints is the same set of KPIs that `cauce query "SELECT * FROM kpi_resumen"` prints.

    python -m venv .venv && .venv/bin/pip install duckdb pyyaml
    .venv/bin/python benches/duckdb/run.py --data tests/data/predecessor --checks
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

# How a type of catalog.yaml is read from CSV, and what turns the text read into the type declared.
# A nullable integer may be written `12.0` and a list as Python writes it; DuckDB reads neither by itself.
READ_AS = {
    ("string", True): ("VARCHAR", "{c}"),
    ("string", False): ("VARCHAR", "{c}"),
    ("int", True): ("BIGINT", "{c}"),
    ("int", False): ("DOUBLE", "CAST({c} AS BIGINT)"),
    ("float", True): ("DOUBLE", "{c}"),
    ("float", False): ("DOUBLE", "{c}"),
    ("bool", True): ("BOOLEAN", "{c}"),
    ("bool", False): ("BOOLEAN", "{c}"),
    ("date", True): ("DATE", "{c}"),
    ("date", False): ("DATE", "{c}"),
    ("timestamp", True): ("TIMESTAMP", "{c}"),
    ("timestamp", False): ("TIMESTAMP", "{c}"),
    ("list<string>", True): ("VARCHAR", "regexp_extract_all({c}, '''([^'']*)''', 1)"),
    ("list<string>", False): ("VARCHAR", "regexp_extract_all({c}, '''([^'']*)''', 1)"),
}

REFERENCE = re.compile(r"\b(raw|processed|curated)\.(\w+)")


@dataclass
class Model:
    """One file of `sql/`: its name, its text, its header and the tables it reads."""

    name: str
    text: str
    header: dict
    inputs: list[str]


def read_models(folder: Path) -> list[Model]:
    """All models, inputs before those that read them; equal rank by name."""
    models: dict[str, Model] = {}
    for file in sorted(folder.glob("*/*.sql")):
        text = file.read_text(encoding="utf-8")
        header = re.match(r"\s*/\*---(.*?)---\*/", text, re.DOTALL)
        body = re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
        name = f"{file.parent.name}.{file.stem}"
        inputs = sorted({".".join(found) for found in REFERENCE.findall(body)})
        models[name] = Model(name, text, yaml.safe_load(header.group(1)) if header else {}, inputs)

    ordered: list[Model] = []
    placed: set[str] = set()
    while len(ordered) < len(models):
        ready = [
            model
            for name, model in sorted(models.items())
            if name not in placed and all(i in placed or i not in models for i in model.inputs)
        ]
        if not ready:
            sys.exit(f"cyclic models: {', '.join(sorted(models.keys() - placed))}")
        ordered.extend(ready)
        placed.update(model.name for model in ready)
    return ordered


def load_dataset(connection: duckdb.DuckDBPyConnection, name: str, dataset: dict, file: Path) -> None:
    """Makes the table `raw.<name>` from a CSV file with the declared types."""
    columns = dataset["columns"]
    how = {c["name"]: READ_AS[(c["type"], c.get("required", False))] for c in columns}
    types = ", ".join(f"'{n}': '{read}'" for n, (read, _) in how.items())
    select = ", ".join(f'{convert.format(c=quoted(n))} AS {quoted(n)}' for n, (_, convert) in how.items())
    connection.execute(
        f"CREATE TABLE raw.{name} AS SELECT {select} FROM read_csv('{file}', header = true, auto_detect = false, "
        f"delim = ',', quote = '\"', escape = '\"', nullstr = '', columns = {{{types}}})"
    )


def quoted(name: str) -> str:
    """The name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def accepting(model: Model, connection: duckdb.DuckDBPyConnection) -> str:
    """The text of a model in which the table it accepts rows from is a view of the accepted rows.

    A row is accepted unless a rule is false; of rows with equal keys the first by `keep` stays, then the first in the
    file. Keys are rarely repeated, so only rows with a repeated key are sorted: the fastest form for DuckDB too.
    """
    accept = model.header.get("accept")
    if not accept:
        return model.text
    source = accept["from"]
    view = f"{source}_accepted_by_{model.name.replace('.', '_')}"
    rules = [f"({rule}) IS DISTINCT FROM false" for rule in accept.get("rules", {}).values()]
    valid = f"SELECT *, rowid AS file_order FROM {source} WHERE {' AND '.join(rules) or 'true'}"
    rows = f"SELECT * EXCLUDE (file_order) FROM ({valid})"
    if deduplicate := accept.get("deduplicate"):
        keys = ", ".join(map(quoted, deduplicate["key"]))
        order = ", ".join([*filter(None, [deduplicate.get("keep")]), "file_order"])
        rows = (
            f"WITH valid AS ({valid}), repeated AS (SELECT {keys} FROM valid GROUP BY {keys} HAVING count(*) > 1) "
            f"SELECT valid.* EXCLUDE (file_order) FROM valid ANTI JOIN repeated USING ({keys}) UNION ALL "
            f"SELECT valid.* EXCLUDE (file_order) FROM valid SEMI JOIN repeated USING ({keys}) "
            f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order}) = 1"
        )
    connection.execute(f"CREATE VIEW {view} AS {rows}")
    header = re.match(r"\s*/\*---.*?---\*/", model.text, re.DOTALL)
    return re.sub(rf"\b{re.escape(source)}\b", view, model.text[header.end() :])


def literal(value: object) -> str:
    """The value of a header as a SQL literal."""
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def failing_rows(table: str, rule: str, body: object) -> str:
    """The query that returns the rows (or groups) for which a check does not hold."""
    if rule == "sql":
        return str(body)
    if rule == "not_null":
        return f"SELECT * FROM {table} WHERE " + " OR ".join(f"{quoted(c)} IS NULL" for c in body)
    if rule == "unique":
        keys = ", ".join(map(quoted, body))
        return f"SELECT {keys}, count(*) AS filas FROM {table} GROUP BY {keys} HAVING count(*) > 1"
    if rule == "expression":
        return f"SELECT * FROM {table} WHERE NOT ({body})"
    if rule == "row_count":
        count = f"SELECT count(*) AS filas FROM {table} HAVING "
        bounds = [f"count(*) < {body['min']}"] if "min" in body else []
        bounds += [f"count(*) > {body['max']}"] if "max" in body else []
        return count + " OR ".join(bounds)
    (column, wanted), = body.items()
    name = quoted(column)
    if rule == "accepted_values":
        return f"SELECT * FROM {table} WHERE {name} NOT IN ({', '.join(map(literal, wanted))})"
    if rule == "range":
        bounds = [f"{name} < {literal(wanted['min'])}"] if "min" in wanted else []
        bounds += [f"{name} > {literal(wanted['max'])}"] if "max" in wanted else []
        return f"SELECT * FROM {table} WHERE " + " OR ".join(bounds)
    if rule == "relationship":
        other, key = wanted.rsplit(".", 1)
        return (
            f"SELECT * FROM {table} AS hijo WHERE {name} IS NOT NULL AND NOT EXISTS "
            f"(SELECT 1 FROM {other} AS padre WHERE padre.{quoted(key)} = hijo.{name})"
        )
    if rule == "null_share":
        nulls = f"count(*) FILTER (WHERE {name} IS NULL)"
        return f"SELECT {nulls} AS nulos, count(*) AS filas FROM {table} HAVING {nulls} > {wanted} * count(*)"
    sys.exit(f"{table}: unknown rule `{rule}`")


def checks_of(model: Model) -> list[tuple[str, str, str]]:
    """The checks of a model as (name, severity, query of failing rows); the grain first."""
    checks = []
    if grain := model.header.get("grain"):
        checks.append(("grain_unique", "error", failing_rows(model.name, "unique", grain)))
        checks.append(("grain_not_null", "error", failing_rows(model.name, "not_null", grain)))
    for check in model.header.get("checks", []):
        (rule, body), = ((k, v) for k, v in check.items() if k not in ("name", "severity"))
        columns = "_".join(body) if isinstance(body, (dict, list)) else rule
        name = check.get("name", f"{rule}_{columns}")
        checks.append((name, check.get("severity", "error"), failing_rows(model.name, rule, body)))
    return checks


def main() -> int:
    """Runs everything and prints it; 1 when a check of severity error fails."""
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--project", type=Path, default=root, help="folder of catalog.yaml and sql/")
    parser.add_argument("--data", type=Path, help="folder of the CSV files (default: the paths of catalog.yaml)")
    parser.add_argument("--out", type=Path, help="keep the database in this file (default: in memory)")
    parser.add_argument("--parquet", type=Path, help="also write every table as zstd Parquet into this folder")
    parser.add_argument("--checks", action="store_true", help="evaluate the checks of the headers")
    parser.add_argument("--threads", type=int, help="threads DuckDB may use (default: all)")
    parser.add_argument("--quiet", action="store_true", help="print the timing only")
    options = parser.parse_args()

    start = time.perf_counter()
    catalog = yaml.safe_load((options.project / "catalog.yaml").read_text(encoding="utf-8"))
    models = read_models(options.project / "sql")
    if options.out:
        options.out.unlink(missing_ok=True)
    connection = duckdb.connect(str(options.out) if options.out else ":memory:")
    if options.threads:
        connection.execute(f"SET threads = {options.threads}")
    for schema in ("raw", "processed", "curated"):
        connection.execute(f"CREATE SCHEMA {schema}")
    # cauce keys an HMAC; a salted hash costs DuckDB about the same and keeps equal values equal.
    connection.execute("CREATE MACRO pseudonym(value) AS sha256('benchmark' || value)")
    timing = {"start": time.perf_counter() - start}

    begin = time.perf_counter()
    for name, dataset in catalog["datasets"].items():
        path = options.project / dataset["path"]
        load_dataset(connection, name, dataset, options.data / path.name if options.data else path)
    timing["load"] = time.perf_counter() - begin

    begin = time.perf_counter()
    per_model = {}
    for model in models:
        kind = "VIEW" if model.header.get("materialized", "table") == "view" else "TABLE"
        since = time.perf_counter()
        connection.execute(f"CREATE {kind} {model.name} AS {accepting(model, connection)}")
        per_model[model.name] = time.perf_counter() - since
    timing["models"] = time.perf_counter() - begin

    failures = 0
    if options.checks:
        begin = time.perf_counter()
        count = 0
        for model in models:
            for name, severity, query in checks_of(model):
                count += 1
                wrong = connection.execute(f"SELECT count(*) FROM ({query}) AS filas").fetchall()[0][0]
                if wrong:
                    failures += severity == "error"
                    print(f"{severity}: {model.name}: {name}: {wrong} rows", file=sys.stderr)
        timing["checks"] = time.perf_counter() - begin
        print(f"{count} checks, {failures} failed", file=sys.stderr)

    if options.parquet:
        begin = time.perf_counter()
        for model in models:
            if model.header.get("materialized", "table") == "view":
                continue
            layer, name = model.name.split(".")
            folder = options.parquet / layer
            folder.mkdir(parents=True, exist_ok=True)
            connection.execute(f"COPY {model.name} TO '{folder / name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
        timing["parquet"] = time.perf_counter() - begin
    timing["total"] = time.perf_counter() - start

    if not options.quiet:
        for name, seconds in per_model.items():
            rows = connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            print(f"{name:40} {rows:>8} rows {seconds * 1000:9.1f} ms")
        if "curated.kpi_resumen" in per_model:
            query = "SELECT kpi, valor, unidad, objetivo, estado FROM curated.kpi_resumen"
            for kpi, value, unit, target, state in connection.execute(query).fetchall():
                print(f"{kpi:28} {value:>14} {unit:20} {'' if target is None else target:>6} {state}")
    print("  ".join(f"{part} {seconds:.3f} s" for part, seconds in timing.items()))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
