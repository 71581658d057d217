"""Writes pandas_<major version>.parquet: twelve tickets as that version of pandas writes them with its defaults.

Run with Python from the root of the repository, once with `pandas<3` and once with `pandas>=3`, and pyarrow.
"""

import ast

import pandas as pd

tickets = pd.read_csv("tests/data/predecessor/tickets_soporte.csv", nrows=12)
tickets["fecha_hora"] = pd.to_datetime(tickets["fecha_hora"])
tickets["etiquetas"] = tickets["etiquetas"].map(ast.literal_eval)
tickets["canal"] = tickets["canal"].astype("category")
# What an integer column becomes once a value has been missing.
tickets["tiempo_respuesta_min"] = tickets["tiempo_respuesta_min"].astype("float64")
tickets.loc[3, "tiempo_respuesta_min"] = None
tickets["satisfaccion_cliente"] = tickets["satisfaccion_cliente"].astype("int32")
tickets["dia"] = tickets["fecha_hora"].dt.date
tickets.to_parquet(f"tests/data/parquet/pandas_{pd.__version__.split('.')[0]}.parquet")
