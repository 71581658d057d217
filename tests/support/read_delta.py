"""Reads a Delta table the way a stranger does and prints what it finds as JSON.

    read_delta.py TABLE [STATEMENT]

The `deltalake` package reads the log and the rows; DuckDB answers the statement, in which the table is called `t`.
"""

import json
import sys

import duckdb
from deltalake import DeltaTable


def main() -> None:
    path = sys.argv[1]
    statement = sys.argv[2] if len(sys.argv) > 2 else "SELECT count(*) FROM t"
    delta = DeltaTable(path)
    rows = delta.to_pyarrow_table()
    connection = duckdb.connect()
    connection.register("t", rows)
    found = {
        "version": delta.version(),
        "rows": rows.num_rows,
        "columns": [[field.name, str(field.type)] for field in rows.schema],
        "partitioned_by": delta.metadata().partition_columns,
        "answer": connection.execute(statement).fetchall(),
    }
    json.dump(found, sys.stdout, ensure_ascii=False, default=str)


if __name__ == "__main__":
    main()
