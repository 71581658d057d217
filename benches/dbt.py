#!/usr/bin/env python3
"""Runs against dbt: the same models on the same files, in turn, in one session.

Makes a dbt project (dbt-core with dbt-duckdb) of `catalog.yaml` and `sql/`: each dataset a table read from its CSV file, each
model a table or view with the SELECT unchanged but for `ref()`, each check a data test. Each round then measures

- a run in which nothing changed: `cauce run` against `dbt run`, which builds everything each time;
- a full run: `cauce run --full-refresh`, which also checks and publishes, against `dbt run` and `dbt build`;
- a run after one model changed, and how many models were built.

What is compared are whole processes. Absolute times depend on the machine; quote the ratios.

    cargo build --release && python3 -m venv .venv && .venv/bin/pip install dbt-core dbt-duckdb pyyaml
    .venv/bin/python benches/dbt.py --cauce target/release/cauce
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent / "duckdb"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import run as yardstick  # noqa: E402
from main_job import ROOT, measured  # noqa: E402


class Written:
    """Stands for a database: keeps the statements that it is given."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, statement: str) -> None:
        self.statements.append(statement)


def with_refs(sql: str) -> str:
    """The SQL with `ref()` in the place of each table, and without anything that dbt takes for its templates."""
    body = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
    return re.sub(r"\b(raw|processed|curated)\.(\w+)", r"{{ ref('\1__\2') }}", body)


def write_model(folder: Path, name: str, kind: str, sql: str) -> None:
    """Writes one model of the dbt project."""
    layer, table = name.split(".")
    config = f"{{{{ config(materialized='{kind}', alias='{table}', schema='{layer}') }}}}\n"
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / f"{layer}__{table}.sql").write_text(config + sql, encoding="utf-8")


def make_dbt_project(folder: Path, project: Path) -> int:
    """Writes the dbt project; returns how many models it has."""
    folder.mkdir()
    (folder / "dbt_project.yml").write_text(
        "name: banco\nversion: '1.0'\nprofile: banco\n"
        "on-run-start: [\"CREATE OR REPLACE MACRO pseudonym(value) AS sha256('benchmark' || value)\"]\n",
        encoding="utf-8",
    )
    # The whole path: dbt takes a relative one from where it was called.
    database = folder / "banco.duckdb"
    (folder / "profiles.yml").write_text(
        f"banco:\n  target: dev\n  outputs:\n    dev: {{ type: duckdb, path: {database}, threads: 2 }}\n", encoding="utf-8"
    )
    (folder / "macros").mkdir()
    (folder / "macros" / "schema.sql").write_text(
        "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}\n", encoding="utf-8"
    )
    (folder / "tests").mkdir()
    catalog = yaml.safe_load((project / "catalog.yaml").read_text(encoding="utf-8"))
    count = 0
    for name, dataset in catalog["datasets"].items():
        written = Written()
        yardstick.load_dataset(written, name, dataset, project / dataset["path"])
        write_model(folder, f"raw.{name}", "table", written.statements[0].split(" AS ", 1)[1])
        count += 1
    for model in yardstick.read_models(project / "sql"):
        written = Written()
        text = yardstick.accepting(model, written)
        for view in written.statements:
            name, sql = re.match(r"CREATE VIEW (\S+) AS (.*)", view, re.DOTALL).groups()
            write_model(folder, name, "view", with_refs(sql))
            count += 1
        write_model(folder, model.name, model.header.get("materialized", "table"), with_refs(text))
        count += 1
        for check, severity, query in yardstick.checks_of(model):
            name = f"{model.name.replace('.', '__')}__{re.sub(r'[^A-Za-z0-9]+', '_', check)}"
            config = f"{{{{ config(severity='{severity}') }}}}\n"
            (folder / "tests" / f"{name}.sql").write_text(config + with_refs(query), encoding="utf-8")
    return count


def built(cauce: str, project: Path, key: dict[str, str]) -> int:
    """How many models the next run would build."""
    command = [cauce, "-C", str(project), "plan", "--json"]
    plan = subprocess.run(command, capture_output=True, check=True, env={**os.environ, **key})
    return sum(step["action"] == "build" for step in json.loads(plan.stdout)["steps"])


def main() -> None:
    """Prints the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cauce", type=Path, required=True, help="the release binary")
    parser.add_argument("--dbt", type=Path, default=Path(sys.executable).with_name("dbt"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", default="1", help="of the simulated data")
    options = parser.parse_args()
    cauce, dbt = str(options.cauce.resolve()), str(options.dbt)

    with tempfile.TemporaryDirectory() as folder:
        project, other = Path(folder, "banco"), Path(folder, "dbt")
        project.mkdir()
        shutil.copy(ROOT / "catalog.yaml", project)
        shutil.copytree(ROOT / "sql", project / "sql")
        measured([cauce, "-C", str(project), "simulate", "--scale", options.scale])
        models = make_dbt_project(other, project)
        key = {"CAUCE_PSEUDONYM_KEY": "bench", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        in_dbt = ["--project-dir", str(other), "--profiles-dir", str(other), "--quiet"]
        run = [cauce, "-C", str(project), "run"]
        # One model of the middle, whose rows are chosen otherwise each time.
        changed = project / "sql" / "curated" / "metricas_diarias_canal.sql"
        text = changed.read_text(encoding="utf-8")
        rows: dict[str, list[float]] = {}

        def time(name: str, command: list[str]) -> None:
            rows.setdefault(name, []).append(measured(command, key)[0])

        print(f"{models} models of dbt, {len(list((other / 'tests').iterdir()))} data tests")
        for round_ in range(options.rounds + 1):
            time("full: cauce run --full-refresh", [*run, "--full-refresh"])
            time("full: dbt build (run and test)", [dbt, "build", *in_dbt])
            time("full: dbt run", [dbt, "run", *in_dbt])
            time("nothing changed: cauce run", run)
            which = f"FROM processed.tickets WHERE ticket_id <> 'ronda {round_}' GROUP BY fecha, canal"
            text, found = re.subn(r"FROM processed\.tickets\s+(WHERE .*? )?GROUP BY fecha, canal", which, text)
            assert found == 1, "the model does not look as it did"
            changed.write_text(text, encoding="utf-8")
            builds = built(cauce, project, key)
            time("one model changed: cauce run", run)
        print(f"one model changed: {builds} models built")

    # The first round warms the file cache and is not counted.
    medians = {name: statistics.median(times[1:]) for name, times in rows.items()}
    for name, times in rows.items():
        print(f"{name:<32} median {medians[name]:7.3f} s   ({min(times[1:]):.3f} to {max(times[1:]):.3f})")
    against = medians["full: dbt run"]
    for name in ("nothing changed: cauce run", "one model changed: cauce run", "full: cauce run --full-refresh"):
        print(f"dbt run / {name}: {against / medians[name]:.1f}")
    print(f"dbt build / full: {medians['full: dbt build (run and test)'] / medians['full: cauce run --full-refresh']:.1f}")


if __name__ == "__main__":
    main()
