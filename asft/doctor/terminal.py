"""An examination on a terminal: words say what colours say, for those who see none."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from asft.doctor.rows import Examination, Row
from asft.doctor.tokens import Part, ShownPair, Token, visible

STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}
WORDS = {"ok": "ok", "note": "note", "problem": "PROBLEM"}
PARTS = {"prompt": "cyan", "chosen": "green", "rejected": "magenta"}
SPECIAL = "bold reverse"
FIRST, LAST = 160, 40  # tokens of a part that are shown


def print_examination(found: Examination, console: Console | None = None) -> None:
    """Print all rows, then the tokens of each pair that is shown."""
    console = console or Console(highlight=False)
    for title, rows in found.sections:
        console.print(Text(f"\n{_printable(title)}", style="bold"))
        console.print(_table(rows))
    for pair in found.pairs:
        _print_pair(pair, console)
    style = STYLES["problem" if found.count("problem") else "ok"]
    console.print(Text(f"\n{found.summary}", style=style))


def _table(rows: list[Row]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=28)
    table.add_column(overflow="fold")
    for row in rows:
        text = Text(_printable(row.found))
        if row.advice:
            text.append(f"\n→ {_printable(row.advice)}", style="italic")
        table.add_row(Text(WORDS[row.state], style=STYLES[row.state]), _printable(row.check), text)
    return table


def _print_pair(pair: ShownPair, console: Console) -> None:
    console.print(Text(f"\nTokens of {pair.dataset}, pair {pair.id}", style="bold"))
    console.print(Text("│ between tokens, ⟨special token⟩, · space, ↵ line break", style="dim"))
    for part in pair.parts:
        head = f"{part.name}: {len(part.tokens)} tokens, {part.target}"
        console.print(Text(head, style=f"bold {PARTS[part.name]}"))
        console.print(_tokens(part))


def _tokens(part: Part) -> Text:
    text, style = Text(overflow="fold"), PARTS[part.name]
    hidden = len(part.tokens) - FIRST - LAST
    for place, token in enumerate(part.tokens):
        if hidden > 0 and FIRST <= place < FIRST + hidden:
            if place == FIRST:
                text.append(f" … {hidden:,} tokens more … ", style="dim")
            continue
        text.append("" if place == 0 else "│", style="dim")
        text.append(_word(token), style=f"{style} {SPECIAL}" if token.special else style)
        if "\n" in token.text:
            text.append("\n")
    return text


def _word(token: Token) -> str:
    shown = visible(token.text)
    return f"⟨{shown}⟩" if token.special else shown


def _printable(text: str) -> str:
    """A text whose control characters, which steer terminals, are blanks."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
