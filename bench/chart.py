# SPDX-License-Identifier: MPL-2.0
"""Draws the results as an SVG: plain text, no library, light and dark."""

import math
from html import escape

from report import middle, quantity

WIDTH, LEFT, RIGHT = 860, 190, 130
BAR, GAP, TOP = 9, 3, 84

# (title, hint, rows: (label, name of the row))
PANELS = (
    ("Messages per second", "logarithmic, more is better", (
        ("inproc 1 B", "inproc 1 B split"),
        ("inproc 64 B", "inproc 64 B split"),
        ("inproc 64 B, one core", "inproc 64 B same"),
        ("tcp 16 B", "tcp 16 B split"),
        ("tcp 64 B", "tcp 64 B split"),
        ("tcp 256 B", "tcp 256 B split"),
        ("tcp 1 KiB", "tcp 1 KiB split"),
        ("tcp 8 KiB", "tcp 8 KiB split"),
        ("ipc 64 B", "ipc 64 B split"),
        ("ipc 64 KiB", "ipc 64 KiB split"))),
    ("Round trip, 64 B, median", "logarithmic, less is better", (
        ("tcp, one core", "round trip tcp same"),
        ("tcp, two cores", "round trip tcp split spin"),
        ("ipc, one core", "round trip ipc same"),
        ("ipc, two cores", "round trip ipc split spin"),
        ("inproc, two cores", "round trip inproc split spin"))),
    ("Memory per connection", "logarithmic, less is better", (
        ("idle", "memory of 10,000 idle connections, each"),
        ("after 600 messages", "memory after 600 messages each way, each"))),
)

SIDES = (("ours", "CeroMQ"), ("system", "libzmq"),
         ("raw", "the bare machine"))

STYLE = """
text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif;
       fill: #24292f; }
.title { font-size: 19px; font-weight: 650; }
.panel { font-size: 14px; font-weight: 600; }
.soft { fill: #6e7781; }
.value { font-size: 10.5px; font-variant-numeric: tabular-nums; }
.grid { stroke: #d0d7de; stroke-width: 1; opacity: .6; }
.ours { fill: #0a7f6f; } .system { fill: #b4632a; } .raw { fill: #afb8c1; }
.win { font-weight: 650; fill: #0a7f6f; font-size: 13px; }
.loss { font-weight: 650; fill: #cf222e; font-size: 13px; }
.page { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .soft { fill: #8d96a0; }
  .grid { stroke: #30363d; } .page { fill: #0d1117; }
  .ours { fill: #2fbfa8; } .system { fill: #e08a4b; } .raw { fill: #4a525b; }
  .win { fill: #2fbfa8; } .loss { fill: #ff7b72; }
}"""


def text(x, y, words, kind="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" '
            f'text-anchor="{anchor}">{escape(words)}</text>')


def scale_of(results):
    """A logarithmic scale from a decade below the smallest value."""
    values = [middle(result, side) for result in results for side, _ in SIDES]
    values = [value for value in values if value]
    low = math.floor(math.log10(min(values)) - 0.3)
    high = math.log10(max(values))
    return low, max(high, low + 1)


def gain(result):
    """How many times better than libzmq, as people say it."""
    ratio = result["ratio"]
    if not ratio:
        return ""
    is_rate = result["unit"].endswith("/s")
    times = ratio if is_rate else 1 / ratio
    return f"{times:.0f}x" if times >= 9.95 else f"{times:.1f}x"


def gain_kind(result):
    """A loss is not dressed up as a win."""
    is_rate = result["unit"].endswith("/s")
    ratio = result["ratio"] or 1
    return "win" if (ratio > 1) == is_rate else "loss"


def draw_row(label, result, y, scale):
    low, high = scale
    room = WIDTH - LEFT - RIGHT
    shown = [side for side, _ in SIDES if middle(result, side)]
    height = len(shown) * (BAR + GAP)
    parts = [text(LEFT - 12, y + height / 2 + 3, label, "", "end")]
    for i, side in enumerate(shown):
        value = middle(result, side)
        width = (math.log10(value) - low) / (high - low) * room
        top = y + i * (BAR + GAP)
        parts.append(f'<rect x="{LEFT}" y="{top:.1f}" width="{width:.1f}" '
                     f'height="{BAR}" rx="2" class="{side}"/>')
        parts.append(text(LEFT + width + 6, top + BAR - 0.5,
                          quantity(value, result["unit"]), "value soft"))
    parts.append(text(WIDTH - 24, y + height / 2 + 4, gain(result),
                      gain_kind(result), "end"))
    return parts, height + 11


def draw_grid(y, height, scale):
    low, high = scale
    room = WIDTH - LEFT - RIGHT
    for decade in range(low, math.floor(high) + 1):
        x = LEFT + (decade - low) / (high - low) * room
        yield (f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" '
               f'y2="{y + height:.1f}" class="grid"/>')


def draw_panel(panel, by_name, y):
    title, hint, wanted = panel
    rows = [(label, by_name[name]) for label, name in wanted
            if name in by_name and any(middle(by_name[name], side)
                                       for side, _ in SIDES)]
    if not rows:
        return [], 0
    scale = scale_of([result for _, result in rows])
    parts = [text(24, y + 14, title, "panel"),
             text(WIDTH - 24, y + 14, hint, "soft", "end")]
    bars, at = [], y + 30
    for label, result in rows:
        drawn, height = draw_row(label, result, at, scale)
        bars += drawn
        at += height
    grid = list(draw_grid(y + 26, at - y - 30, scale))
    return parts + grid + bars, at - y + 22


def draw_head(document):
    parts = [text(24, 34, "CeroMQ beside libzmq and the bare machine",
                  "title")]
    x = 24.0
    for side, name in SIDES:
        if side == "system":
            name = "libzmq of the system"
        parts.append(f'<rect x="{x:.0f}" y="50" width="12" height="12" '
                     f'rx="2" class="{side}"/>')
        parts.append(text(x + 18, 60.5, name))
        x += 34 + 6.6 * len(name)
    parts.append(text(WIDTH - 24, 60.5, "times better than libzmq", "win",
                      "end"))
    return parts


def draw(document):
    by_name = {result["name"]: result for result in document["results"]}
    body, y = draw_head(document), TOP
    for panel in PANELS:
        parts, height = draw_panel(panel, by_name, y)
        body += parts
        y += height
    note = (f"{document['machine']}; each side on its own core unless said "
            f"otherwise; median of {document['repeats']} runs")
    body.append(text(24, y + 4, note, "soft value"))
    y += 20
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
            f'height="{y:.0f}" viewBox="0 0 {WIDTH} {y:.0f}" role="img" '
            f'aria-label="Benchmark of CeroMQ, libzmq and the bare machine">'
            f'<style>{STYLE}</style>'
            f'<rect width="100%" height="100%" rx="8" class="page"/>'
            + "\n".join(body) + "</svg>\n")
