"""What a terminal shows: the part of xterm that line editors, pagers and progress bars use.

A `Screen` is fed with what a program writes and knows the character and style of each cell. Escape sequences that only
matter to a real terminal (titles, modes, cursor shapes) are understood and have no effect.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

CONTROL = re.compile(
    r"\x1b\[(?P<private>[?>=]?)(?P<numbers>[0-9;]*)(?P<end>[@-~])"  # CSI
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\\\)"  # titles
    r"|\x1b[()][A-Z0-9]"  # character sets
    r"|\x1b(?P<single>[78=>McDEH])"
)
UNFINISHED = re.compile(r"\x1b(?:\[[?>=]?[0-9;]*|\][^\x07\x1b]*|[()])?$")


@dataclass(frozen=True)
class Style:
    """How a cell looks."""

    colour: str | None = None
    bold: bool = False
    dim: bool = False
    reverse: bool = False


PLAIN = Style()
BLANK = (" ", PLAIN)
COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def width(char: str) -> int:
    """The cells that a character takes."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Screen:
    """A terminal of some rows and columns."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self.cells = [[BLANK] * columns for _ in range(rows)]
        # Lines that were scrolled off, oldest first.
        self.above: list[list[tuple[str, Style]]] = []
        self.row = self.column = 0
        self.style = PLAIN
        self.saved = (0, 0)
        self.rest = ""
        # What the program has asked the terminal and waits for.
        self.answer = ""

    def resize(self, rows: int, columns: int) -> None:
        """Changes the size; what does not fit is cut."""
        lost = max(0, self.row - rows + 1)
        self.above += self.cells[:lost]
        kept = [line[:columns] + [BLANK] * (columns - len(line)) for line in self.cells[lost:][:rows]]
        self.cells = kept + [[BLANK] * columns for _ in range(rows - len(kept))]
        self.rows, self.columns = rows, columns
        self.row, self.column = self.row - lost, min(self.column, columns - 1)

    def lines(self) -> list[str]:
        """The text of each row, without the blanks at its end."""
        return ["".join(char for char, _ in line).rstrip() for line in self.cells]

    def feed(self, text: str) -> None:
        """Shows what a program has written."""
        text = self.rest + text
        unfinished = UNFINISHED.search(text)
        self.rest = unfinished.group() if unfinished else ""
        text = text[: len(text) - len(self.rest)]
        at = 0
        while at < len(text):
            control = CONTROL.match(text, at)
            if control:
                self.obey(control)
                at = control.end()
            else:
                self.put(text[at])
                at += 1

    def put(self, char: str) -> None:
        match char:
            case "\r":
                self.column = 0
            case "\n":
                self.down()
            case "\b":
                self.column = max(0, self.column - 1)
            case "\t":
                self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
            case _ if ord(char) < 32 or ord(char) == 127:
                pass
            case _:
                self.write(char)

    def write(self, char: str) -> None:
        cells = width(char)
        if cells == 0:
            # It belongs to the character before it; behind a wide one stands an empty cell.
            before = self.column - 1
            while before > 0 and self.cells[self.row][before][0] == "":
                before -= 1
            if before >= 0:
                known, style = self.cells[self.row][before]
                self.cells[self.row][before] = (known + char, style)
            return
        # The cursor stays behind the last column until something is written there.
        if self.column + cells > self.columns:
            self.column = 0
            self.down()
        self.cells[self.row][self.column] = (char, self.style)
        if cells == 2:
            self.cells[self.row][self.column + 1] = ("", self.style)
        self.column += cells

    def down(self) -> None:
        if self.row < self.rows - 1:
            self.row += 1
            return
        self.above.append(self.cells.pop(0))
        self.cells.append([BLANK] * self.columns)

    def obey(self, control: re.Match[str]) -> None:
        match control["single"]:
            case "7":
                self.saved = (self.row, self.column)
            case "8":
                self.row, self.column = self.saved
            case "M":
                if self.row > 0:
                    self.row -= 1
                else:
                    self.cells.insert(0, [BLANK] * self.columns)
                    self.cells.pop()
        if control["end"] is None:
            return
        numbers = [int(number) if number else 0 for number in control["numbers"].split(";")]
        first = max(1, numbers[0])
        match control["end"]:
            case "A":
                self.row = max(0, self.row - first)
            case "B":
                self.row = min(self.rows - 1, self.row + first)
            case "C":
                self.column = min(self.columns - 1, self.column + first)
            case "D":
                self.column = max(0, self.column - first)
            case "G":
                self.column = min(self.columns, first) - 1
            case "H" | "f":
                self.row = min(self.rows, first) - 1
                self.column = min(self.columns, max(1, numbers[1] if len(numbers) > 1 else 1)) - 1
            case "J":
                self.erase(self.row * self.columns + self.column if numbers[0] == 0 else 0)
            case "K":
                start = 0 if numbers[0] in (1, 2) else self.column
                end = self.column + 1 if numbers[0] == 1 else self.columns
                self.cells[self.row][start:end] = [BLANK] * (end - start)
            case "L":
                self.cells[self.row : self.row] = [[BLANK] * self.columns for _ in range(first)]
                del self.cells[self.rows :]
            case "n" if numbers[0] == 6:
                self.answer += f"\x1b[{self.row + 1};{self.column + 1}R"
            case "m":
                self.dress(numbers)

    def erase(self, start: int) -> None:
        for cell in range(start, self.rows * self.columns):
            self.cells[cell // self.columns][cell % self.columns] = BLANK

    def dress(self, numbers: list[int]) -> None:
        numbers = list(numbers)
        while numbers:
            match numbers.pop(0):
                case 0:
                    self.style = PLAIN
                case 1:
                    self.style = replace(self.style, bold=True)
                case 2:
                    self.style = replace(self.style, dim=True)
                case 7:
                    self.style = replace(self.style, reverse=True)
                case 22:
                    self.style = replace(self.style, bold=False, dim=False)
                case 27:
                    self.style = replace(self.style, reverse=False)
                case 39:
                    self.style = replace(self.style, colour=None)
                case 38:
                    # Of 256 colours the first eight have names; the others are not used here.
                    _, colour = numbers.pop(0), numbers.pop(0)
                    self.style = replace(self.style, colour=COLOURS[colour % 8])
                case number if 30 <= number <= 37:
                    self.style = replace(self.style, colour=COLOURS[number - 30])
                case number if 90 <= number <= 97:
                    self.style = replace(self.style, colour=COLOURS[number - 90])
