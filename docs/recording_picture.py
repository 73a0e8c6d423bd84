"""The picture of a recording: all lines in one column, which moves up behind a window in steps."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from rich.ansi import AnsiDecoder
from rich.color import Color, ColorType
from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 124, 36  # the table as far as ROUGE-1; all of its lines
SECONDS = 90.0
STEP = 1 / 12  # seconds of the picture; what is printed closer together appears together
CHARACTER, LINE, SIZE, BAR, EDGE = 8.45, 18, 14, 34, 12  # pixels
PAPER, INK, FAINT = "#0d1117", "#c9d1d9", "#8b949e"
COLOURS = ["#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4"]


class Event(NamedTuple):
    """What was printed, whole lines, and the seconds from the start."""

    at: float
    text: str


class Frame(NamedTuple):
    """A moment of the picture: when it is shown, when it was, and the lines that are there."""

    shown: float
    at: float
    lines: int


def draw(header: dict[str, Any], events: list[Event]) -> str:
    """Return a recording as an SVG that moves by CSS alone and needs nothing from elsewhere."""
    lines, frames = _frames(header, events)
    width, height = COLUMNS * CHARACTER + 2 * EDGE, ROWS * LINE
    up = [-LINE * max(0, frame.lines - ROWS) for frame in frames]
    hidden = [LINE * min(frame.lines, ROWS) for frame in frames]
    clock = [-BAR * place for place in range(len(frames))]
    moves = {"up": up, "hide": hidden, "clock": clock}
    rules = (_keyframes(name, frames, moved) for name, moved in moves.items())
    said = f"{header['command']} · {header['title']}"
    times = (
        f'<text class="f" x="{width - EDGE:.0f}" y="{BAR * place + 22}" text-anchor="end">'
        f"{int(frame.at // 60)}:{int(frame.at % 60):02}</text>"
        for place, frame in enumerate(frames)
    )
    column = (_row(line, LINE * place + SIZE) for place, line in enumerate(lines))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} '
            f'{height + BAR + EDGE}" width="{width:.0f}" role="img" font-size="{SIZE}" '
            'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'
            "'DejaVu Sans Mono','Liberation Mono',monospace\" xml:space=\"preserve\">",
            f"<title>{escape(said)}</title>",
            f"<style>text{{white-space:pre;fill:{INK}}}.f{{fill:{FAINT}}}",
            *rules,
            "@media (prefers-reduced-motion:reduce){*{animation:none!important}}</style>",
            f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
            f'<text class="f" x="{EDGE}" y="22">{escape(said)}</text>',
            f'<svg width="{width:.0f}" height="{BAR}"><g class="clock">',
            *times,
            f'</g></svg>\n<svg x="{EDGE}" y="{BAR}" width="{width - 2 * EDGE:.0f}" '
            f'height="{height}"><g class="up">',
            *column,
            f'</g><rect class="hide" width="100%" height="100%" fill="{PAPER}"/></svg>\n</svg>\n',
        ]
    )


def _frames(header: dict[str, Any], events: list[Event]) -> tuple[list[Text], list[Frame]]:
    """All lines that there ever are, and the moments at which there are more."""
    decoder, shown, before = AnsiDecoder(), 1.0, 0.0
    lines = list(_fitted(Text(f"$ {header['command']}", "bold")))
    frames = [Frame(0.0, 0.0, len(lines))]
    for event in events:
        shown += min(event.at - before, header["idle_time_limit"])
        before = event.at
        for line in event.text.removesuffix("\n").split("\n"):
            lines += _fitted(decoder.decode_line(line.rstrip("\r")))
        if shown - frames[-1].shown < STEP:
            frames[-1] = frames[-1]._replace(lines=len(lines))
        else:
            frames.append(Frame(shown, event.at, len(lines)))
    return lines, frames


def _fitted(line: Text) -> Iterable[Text]:
    """A line as rows of the window: prose is wrapped, details and tables are cut."""
    if line.plain.startswith((" ", "|")):
        line.truncate(COLUMNS, overflow="ellipsis")
        return [line]
    return line.wrap(Console(), COLUMNS) or [line]


def _keyframes(name: str, frames: list[Frame], moved: list[float]) -> str:
    """What moves a group up or down at each frame; where nothing is animated, its last place."""
    steps, last = [], None
    for frame, to in zip(frames, moved, strict=True):
        if to != last:
            steps.append(f"{100 * frame.shown / SECONDS:.3f}%{{transform:translateY({to:g}px)}}")
        last = to
    still = f"transform:translateY({last:g}px)"
    return (
        f".{name}{{{still};animation:{name} {SECONDS:g}s step-end infinite}}"
        f"@keyframes {name}{{{''.join(steps)}100%{{{still}}}}}"
    )


def _row(line: Text, y: float) -> str:
    """A row as text, each colour a part of it."""
    parts = []
    for part in line.split("\n")[0].divide(sorted({e for s in line.spans for e in s[:2]})):
        style = part.get_style_at_offset(Console(), 0) if part.plain else None
        look = _look(style.color, bool(style.bold)) if style else ""
        text = escape(part.plain)
        parts.append(f"<tspan{look}>{text}</tspan>" if look else text)
    text = "".join(parts).rstrip()
    return f'<text y="{y:g}">{text}</text>' if text else ""


def _look(colour: Color | None, bold: bool) -> str:
    look = ' font-weight="bold"' if bold else ""
    if colour is None or colour.type is ColorType.DEFAULT:
        return look
    number = colour.number if colour.type is ColorType.STANDARD else None
    shade = COLOURS[number % 8] if number is not None else colour.get_truecolor().hex
    return f'{look} fill="{shade}"'
