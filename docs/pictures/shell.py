#!/usr/bin/env python3
"""Draws docs/pictures/shell.svg: a session of the shell over the project of `cauce demo`, as a terminal showed it.

Somebody types at a pseudo-terminal; what the screen then shows, character for character and in its colours, becomes the text
of the picture. Run it again when the shell looks different:

    tests/.venv/bin/python docs/pictures/shell.py --cauce target/release/cauce
"""

from __future__ import annotations

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from screen import PLAIN, Style  # noqa: E402
from terminal import Seat  # noqa: E402

ROWS, COLUMNS = 52, 104
# What is typed, and what must stand there before the next is typed.
SESSION = [
    ("", r"satisfaccion_cliente:1"),
    ("SELECT canal, tickets, nps, satisfaccion\rFROM kpi_canal\rWHERE canal <> 'email' ORDER BY tickets DESC;\r", r"5 rows"),
    ("\\plot bar canal tickets\r", r"whatsapp.*\n.*> "),
    ("SELECT estado, count(*) FROM tickts GROUP BY estado;\r", r"did you mean"),
    ("\\lineage kpi_canal.nps --up\r", r"raw\.encuestas_post_atencion\.nps"),
    ("SELECT t.canal, c.segmento FROM tickets t JOIN clientes c ON \t\t", None),
]
INK = {
    None: "#d8dee9", "black": "#4c566a", "red": "#e06c75", "green": "#98c379", "yellow": "#e5c07b",
    "blue": "#61afef", "magenta": "#c678dd", "cyan": "#56b6c2", "white": "#ffffff",
}
PAPER, DIM = "#1f2430", "#7f8899"
# The cell of a character and the margin, in pixels.
WIDE, HIGH, MARGIN = 8.4, 18, 14


def seen(cauce: str, bank: Path | None) -> list[list[tuple[str, Style]]]:
    """The lines that the session leaves on the screen and above it."""
    with tempfile.TemporaryDirectory() as home:
        if bank is None:
            bank = Path(home, "banco")
            subprocess.run([cauce, "demo", "--dir", str(bank)], check=True, capture_output=True)
        environment = {"PATH": "/usr/bin:/bin", "HOME": home, "TERM": "xterm-256color", "PAGER": ""}
        seat = Seat([cauce, "shell"], environment, str(bank), ROWS, COLUMNS)
        for keys, awaited in SESSION:
            start = len(seat.written)
            seat.type(keys)
            if awaited and not seat.wait_for(awaited, start):
                sys.exit(f"{awaited!r} did not appear:\n{seat.written[start:]}")
            seat.calm_down()
        screen = seat.screen
        seat.type("\x03\\q\r")
        lines = screen.above + [list(line) for line in screen.cells]
        seat.leave()
    while all(cell == (" ", PLAIN) for cell in lines[-1]):
        lines.pop()
    return lines


def drawn(lines: list[list[tuple[str, Style]]]) -> str:
    """The lines as a picture."""
    high, wide = len(lines) * HIGH + 2 * MARGIN, COLUMNS * WIDE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high}" width="{wide:.0f}" height="{high}" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">',
        "<title>A session of cauce shell</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
    ]
    for row, line in enumerate(lines):
        column = 0
        for style, cells in itertools.groupby(line, key=lambda cell: cell[1]):
            run = [char for char, _ in cells]
            text = "".join(run)
            # Blanks at both ends are room, not text; a long gap is cut out, so that letters stay in their columns.
            for piece in re.finditer(r"\S+(?: \S+)*", text):
                parts.append(piece_of(piece, row, column, style))
            column += len(run)
    return "\n".join([*parts, "</svg>"]) + "\n"


def piece_of(piece: re.Match[str], row: int, column: int, style: Style) -> str:
    x, y = MARGIN + (column + piece.start()) * WIDE, MARGIN + row * HIGH + 13
    ink = DIM if style.dim else INK[style.colour]
    bold = ' font-weight="bold"' if style.bold else ""
    length = len(piece.group()) * WIDE
    return (
        f'<text x="{x:.1f}" y="{y}" fill="{ink}"{bold} textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(piece.group())}</text>"
    )


def main() -> None:
    """Writes the picture beside this script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cauce", type=Path, required=True)
    parser.add_argument("--project", type=Path, help="what `cauce demo` has made, to save the time")
    options = parser.parse_args()
    picture = drawn(seen(str(options.cauce.resolve()), options.project))
    Path(__file__).with_suffix(".svg").write_text(picture)


if __name__ == "__main__":
    main()
