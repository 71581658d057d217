"""Sits at a terminal in front of a program: types, waits for what should appear, and prints the whole screen.

    terminal.py PROGRAM [ARGUMENT …]

Ends with the program's exit code, or with 99 and a word on stderr where something awaited did not appear.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

# What is typed, and what must appear after it before the next is typed.
SCRIPT = [
    (None, r"tienda:1"),
    ("SELECT total\r", None),
    ("FROM total;\r", r"17\.5"),
    # Enough pairs to keep a machine busy for hours.
    (
        "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b WHERE a.value * b.value % 7 = 3;\r",
        None,
    ),
    ("\x03", r"stopped"),
    ("SELECT 'si' || 'gue' AS uno;\r", r"sigue"),
    # Tab completes a column of the table that stands behind it, and a table.
    ("SELECT max(mon\t) AS m FROM vent\t;\r", r"│\s+10\.5 │"),
    # A paste of several statements is several statements.
    ("\x1b[200~SELECT 'pri' || 'mera' AS a;\nSELECT 'segu' || 'nda' AS b;\x1b[201~\r", r"primera[^ñ]*segunda"),
    # More rows than lines: the pager, which q leaves; then the whole result without asking again.
    ("SELECT 'f' || value AS f FROM generate_series(1, 3000);\r", r"f1 "),
    ("q", r"1,000 of 3,000 rows shown · .last shows all"),
    ("\\pset pager off\r", r"pager: off"),
    ("\\last csv\r", r"f3000"),
    ("SELECT '日本' AS \"señal 😀\", 2 AS n \\gx\r", r"señal 😀 │ 日本"),
    ("\\history gx\r", r"señal"),
]
# Operators that keep a machine busy: each must give the prompt back.
BUSY = {
    "scan": "SELECT count(*) FROM generate_series(1, 100000000000) a WHERE a.value % 7 = 8",
    "hash join": "SELECT count(*) FROM generate_series(1, 20000000) a JOIN generate_series(1, 20000000) b "
    "ON a.value % 1000 = b.value % 1000",
    "sort": "SELECT value FROM generate_series(1, 50000000) ORDER BY value % 1000003, value DESC",
    "aggregate": "SELECT value % 5000000, count(*), avg(value) FROM generate_series(1, 100000000) GROUP BY 1",
    "window": "SELECT sum(value) OVER (PARTITION BY value % 3 ORDER BY value) FROM generate_series(1, 50000000)",
}
for operator, sql in BUSY.items():
    SCRIPT += [(f"{sql};\r", None), ("\x03", f"stopped {operator}"), ("SELECT 'li' || 'bre' AS a;\r", r"libre")]
SCRIPT.append(("\\q\r", None))
PATIENCE = 30


def main() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.environ["LESS"] = ""
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        os.execv(sys.argv[1], sys.argv[1:])
    screen = ""

    def read(until: str | None, seconds: float) -> bool:
        nonlocal screen
        begun, start = time.monotonic(), len(screen)
        while time.monotonic() - begun < seconds:
            if until is not None and re.search(until, screen[start:]):
                return True
            ready, _, _ = select.select([terminal], [], [], 0.1)
            if ready:
                try:
                    data = os.read(terminal, 65536)
                except OSError:  # the program is gone
                    return until is None
                screen += data.decode(errors="replace")
        return until is None

    for typed, awaited in SCRIPT:
        if typed is not None:
            os.write(terminal, typed.encode())
        _, _, operator = (awaited or "").partition("stopped ")
        awaited = "stopped" if operator else awaited
        begun = time.monotonic()
        if not read(awaited, PATIENCE if awaited else 0.7):
            sys.stdout.write(screen)
            sys.stderr.write(f"{awaited!r} did not appear after {typed!r}\n")
            os.kill(pid, 9)
            sys.exit(99)
        if operator:
            screen += f"\n[{operator} stopped after {(time.monotonic() - begun) * 1000:.0f} milliseconds]\n"
    sys.stdout.write(screen)
    sys.stdout.flush()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            sys.exit(os.waitstatus_to_exitcode(status))
        time.sleep(0.05)
    os.kill(pid, 9)
    sys.exit(99)


if __name__ == "__main__":
    main()
