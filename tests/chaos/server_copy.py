"""A copy of what a PostgreSQL server has, as SQLite files of the shape that stores on one machine have: for
the checker, which reads those."""

import json
import pathlib
import sqlite3
from collections.abc import Callable

# Types of columns that are there, and what SQLite's files have in their place.
_TYPES = {"bigint": "INTEGER", "integer": "INTEGER", "double precision": "REAL", "text": "TEXT",
          "bytea": "BLOB"}
# Schemas whose files have another name.
_FILES = {"troupe_journal": "journal"}


def copy_to_files(psql: Callable[[str], list[str]], folder: pathlib.Path) -> list[str]:
    """Copies every schema, all as they are at one moment. @param psql what a script answers, in lines.
    Returns the files' names."""
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for line in psql(
            "SELECT row_to_json(each) FROM (SELECT table_schema, table_name, column_name, data_type"
            " FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog',"
            " 'information_schema') ORDER BY 1, 2, ordinal_position) AS each;"):
        row = json.loads(line)
        columns.setdefault((row["table_schema"], row["table_name"]), []).append(
            (row["column_name"], row["data_type"]))
    script = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"]
    for (schema, table), has in columns.items():
        values = ", ".join(f"""encode("{name}", 'hex')""" if kind == "bytea" else f'"{name}"'
                           for name, kind in has)
        script.append(f"""SELECT json_build_array('{schema}', '{table}', {values})"""
                      f""" FROM "{schema}"."{table}";""")
    rows: dict[tuple[str, str], list[list]] = {}
    for line in psql("\n".join([*script, "COMMIT;"])):
        schema, table, *values = json.loads(line)
        rows.setdefault((schema, table), []).append(
            [bytes.fromhex(value) if kind == "bytea" and value is not None else value
             for value, (_, kind) in zip(values, columns[schema, table])])
    files = []
    for schema in sorted({schema for schema, _ in columns}):
        files.append(_FILES.get(schema, schema))
        file = sqlite3.connect(folder / f"{files[-1]}.db")
        file.execute("PRAGMA synchronous = OFF")
        for (owner, table), has in columns.items():
            if owner == schema:
                kinds = ", ".join(f'"{name}" {_TYPES[kind]}' for name, kind in has)
                file.execute(f'CREATE TABLE "{table}" ({kinds})')
                marks = ", ".join("?" * len(has))
                file.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows.get((schema, table), []))
        file.commit()
        file.close()
    return files
