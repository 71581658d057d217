"""Sits at a terminal in front of a program: types, waits for what should appear, and tells what the screen shows.

The script comes as JSON on stdin:

    {"command": ["cauce", "shell"], "environment": {…}, "folder": "…", "rows": 40, "columns": 100, "steps": [
        {"type": "SELECT 1;\\r"}, {"await": "1 row"}, {"show": "one"}, {"resize": [24, 80]}, {"press": "\\u0003"}, {"pause": 0.5},
        {"try": "\\t", "until": "ventas"}]}

`type` waits until the program reads keys one by one, as a line editor and a pager do; `press` does not; `try` presses again and
again until its pattern appears, for what is made ready in the background. `await` is a regular expression looked for in what was written since the last of them. `show` waits until nothing moves and
keeps the screen under a name. The answer is JSON on stdout: the exit code of the program, the screens, everything that was
written, and what was awaited in vain, if something was.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from screen import Screen  # noqa: E402

# The longest that something is awaited, and the calm after which a screen is taken, in seconds.
PATIENCE, CALM = 30.0, 0.25


class Seat:
    """A program at a terminal of its own."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: str, rows: int, columns: int) -> None:
        self.screen = Screen(rows, columns)
        self.written = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            # The size must be there before the program asks for it.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(folder)
            os.execve(command[0], command, environment)
        self.resize(rows, columns)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def read(self, seconds: float) -> bool:
        """Takes what the program writes within some time; whether there was something."""
        ready, _, _ = select.select([self.terminal], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # the program is gone
            return False
        text = data.decode(errors="replace")
        self.written += text
        self.screen.feed(text)
        if self.screen.answer:
            self.type(self.screen.answer)
            self.screen.answer = ""
        return bool(data)

    def wait_for_keys(self) -> None:
        """Waits until the program reads keys one by one."""
        deadline = time.monotonic() + PATIENCE
        while termios.tcgetattr(self.terminal)[3] & termios.ICANON and time.monotonic() < deadline:
            self.read(0.02)

    def wait_for(self, pattern: str, start: int) -> bool:
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.written[start:]):
            if time.monotonic() > deadline:
                return False
            self.read(0.1)
        return True

    def calm_down(self) -> None:
        while self.read(CALM):
            pass

    def leave(self) -> int | None:
        """The exit code of the program, once it has ended by itself."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            self.read(0.05)
        os.kill(self.pid, 9)
        return None


def main() -> None:
    script = json.load(sys.stdin)
    steps = script.pop("steps")
    seat = Seat(**script)
    screens: dict[str, str] = {}
    failed = None
    start = 0
    for step in steps:
        if "type" in step or "press" in step:
            if "type" in step:
                seat.wait_for_keys()
            start = len(seat.written)
            seat.type(step.get("type") or step["press"])
        elif "try" in step:
            start, deadline = len(seat.written), time.monotonic() + PATIENCE
            while not re.search(step["until"], seat.written[start:]):
                if time.monotonic() > deadline:
                    failed = f"{step['until']!r} did not appear"
                    break
                seat.type(step["try"])
                seat.read(0.5)
                seat.calm_down()
            if failed:
                os.kill(seat.pid, 9)
                break
        elif "await" in step:
            if not seat.wait_for(step["await"], start):
                failed = f"{step['await']!r} did not appear"
                os.kill(seat.pid, 9)
                break
        elif "show" in step:
            seat.calm_down()
            screens[step["show"]] = "\n".join(seat.screen.lines()).rstrip() + "\n"
        elif "resize" in step:
            seat.resize(*step["resize"])
        elif "pause" in step:
            deadline = time.monotonic() + step["pause"]
            while time.monotonic() < deadline:
                seat.read(0.05)
    code = seat.leave()
    json.dump({"code": code, "screens": screens, "written": seat.written, "failed": failed}, sys.stdout)


if __name__ == "__main__":
    main()
