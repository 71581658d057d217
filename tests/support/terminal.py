"""Sits at a terminal in front of a program: types, waits for what should appear, and prints the whole screen.

    terminal.py PROGRAM [ARGUMENT …]

Ends with the program's exit code, or with 99 and a word on stderr where something awaited did not appear.
"""

import os
import pty
import re
import select
import sys
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
    ("\\q\r", None),
]
PATIENCE = 30


def main() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
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
        if not read(awaited, PATIENCE if awaited else 0.7):
            sys.stdout.write(screen)
            sys.stderr.write(f"{awaited!r} did not appear after {typed!r}\n")
            os.kill(pid, 9)
            sys.exit(99)
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
