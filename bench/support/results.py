"""What was measured: rows with their bars, and the forms in which they are shown and kept."""

import dataclasses
import html
import json
import math
import os
import pathlib
import platform
import statistics

from tools import RUNNERS

NAMES = {"native": "native", "node": "V8", "interpreted": "Tenon, interpreted", "compiled": "Tenon, compiled"}
COLOURS = {"native": "#8a8f98", "node": "#4c9f70", "interpreted": "#c2572b", "compiled": "#3b6ea8"}
RATIOS = [("node", "native"), ("interpreted", "native"), ("compiled", "native"), ("compiled", "node")]
LINEAR_UP_TO = 6  # times native, in a chart; beyond it the scale is logarithmic


@dataclasses.dataclass
class Bar:
    """What `runner` is held to: `measured`, if it was, is at most `limit`, both being what `meaning` says."""

    runner: str
    measured: float | None
    limit: float
    meaning: str

    def is_met(self):
        return self.measured is not None and self.measured <= self.limit

    def __str__(self):
        verdict = "not measured" if self.measured is None else "met" if self.is_met() else "MISSED"
        return f"{self.runner}: {number(self.measured)} of ≤ {self.limit:g} {self.meaning}: {verdict}"


@dataclasses.dataclass
class Row:
    """One line of the table: samples by runner, and its bars."""

    name: str
    unit: str
    samples: dict[str, list[float]]
    bars: list[Bar] = dataclasses.field(default_factory=list)
    also: dict[str, float] = dataclasses.field(default_factory=dict)  # other ratios, by what they mean
    notes: list[str] = dataclasses.field(default_factory=list)  # printed below the table

    def median(self, runner):
        samples = self.samples.get(runner)
        return statistics.median(samples) if samples else None

    def ratio(self, runner, to="native"):
        value, base = self.median(runner), self.median(to)
        return value / base if value is not None and base else None

    def over(self, other, runner="interpreted"):
        """The ratio to another row, compared within each run: both share what the machine did at that moment."""
        pairs = zip(self.samples.get(runner, []), other.samples.get(runner, []))
        ratios = [here / there for here, there in pairs if there]
        return statistics.median(ratios) if ratios else None

    def hold(self, runner, limit, meaning="× native", measured=None):
        """Adds a bar for a runner, whose measure may follow from the row."""
        if meaning == "× native":
            measured = self.ratio(runner)
        elif meaning == "× V8":
            measured = self.ratio(runner, "node")
        self.bars.append(Bar(runner, measured, limit, meaning))


def geometric_mean(numbers):
    return math.exp(statistics.fmean(math.log(one) for one in numbers)) if numbers else None


def number(value, suffix=""):
    """Three significant digits, without an exponent."""
    if value is None:
        return "-"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{min(digits, 3)}f}{suffix}"


# ---- Tables ---------------------------------------------------------------------------------------------------------


def table(rows):
    """Lines of cells, the first being the heads; columns in which there is nothing are left out."""
    lines = [["", "unit", *RUNNERS, *(f"{one}/{to}" for one, to in RATIOS), "bars", "also"]]
    for row in rows:
        cells = [row.name, row.unit, *(number(row.median(runner)) for runner in RUNNERS)]
        cells += [number(row.ratio(one, to)) for one, to in RATIOS]
        cells.append("; ".join(str(bar) for bar in row.bars))
        lines.append([*cells, "; ".join(number(ratio, f" {meaning}") for meaning, ratio in row.also.items())])
    kept = [i for i in range(len(lines[0])) if any(line[i] not in ("", "-") for line in lines[1:])]
    return [[line[i] for i in kept] for line in lines]


def print_table(rows):
    lines = table(rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [
            cell.ljust(width) if head in ("", "unit", "bars", "also") else cell.rjust(width)
            for head, cell, width in zip(lines[0], line, widths)
        ]
        print("  ".join(cells).rstrip())
    for row in rows:
        if row.notes:
            print("", f"{row.name}:", *(f"  {note}" for note in row.notes), sep="\n")


def write_markdown(file, rows):
    lines = table(rows)
    lines.insert(1, ["---"] * len(lines[0]))
    pathlib.Path(file).write_text("".join(f"| {' | '.join(line)} |\n" for line in lines))


def write_json(file, rows, runs):
    document = {
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
        "runs": runs,
        "rows": [
            {**dataclasses.asdict(row), "medians": {runner: row.median(runner) for runner in row.samples}}
            for row in rows
        ],
    }
    pathlib.Path(file).write_text(json.dumps(document, indent=2) + "\n")


# ---- Charts ---------------------------------------------------------------------------------------------------------


def ticks(low, high, is_linear):
    if is_linear:
        step = 0.5 if high <= 3 else 1
        return [i * step for i in range(int(high / step) + 1)]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for power in powers for step in (1, 2, 5) if low <= (tick := step * 10.0**power) <= high]


def write_svg(file, rows):
    """Bars for each time that has a native one to be compared with: multiples of native."""
    rows = [row for row in rows if row.median("native") and row.unit != "KiB"]
    runners = [runner for runner in RUNNERS if any(row.median(runner) for row in rows)]
    left, right, top, bar_height, gap = max([170, *(24 + 6.5 * len(row.name) for row in rows)]), 760, 64, 12, 14
    group = bar_height * len(runners) + gap
    height = top + group * len(rows) + 40
    ratios = [row.ratio(runner) for row in rows for runner in runners if row.ratio(runner)]
    marks = {
        (index, bar.runner): bar.limit
        for index, row in enumerate(rows)
        for bar in row.bars
        if bar.meaning == "× native" and bar.runner in runners
    }
    highest = max([*ratios, *marks.values()])
    is_linear = highest <= LINEAR_UP_TO
    low, high = min([0.8, *(0.8 * ratio for ratio in ratios)]), max(2, highest) * 1.15

    def x(ratio):
        share = ratio / high if is_linear else math.log(ratio / low) / math.log(high / low)
        return left + (right - left) * share

    def text(x_position, y_position, content, **attributes):
        extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
        return f'<text x="{x_position:.1f}" y="{y_position:.1f}"{extra}>{html.escape(content)}</text>'

    scale = "less is better" if is_linear else "logarithmic; less is better"
    drawing = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="860" height="{height}" fill="#ffffff"/>',
        text(left, 22, f"Time as a multiple of native ({scale})", font_size=15),
    ]
    legend = left
    for runner in runners:
        drawing.append(f'<rect x="{legend}" y="34" width="12" height="12" fill="{COLOURS[runner]}"/>')
        drawing.append(text(legend + 18, 44, NAMES[runner]))
        legend += 36 + 6.5 * len(NAMES[runner])
    if marks:
        drawing.append(f'<line x1="{legend + 6}" x2="{legend + 6}" y1="33" y2="47" stroke="#222" stroke-width="2"/>')
        drawing.append(text(legend + 14, 44, "at most"))
    bottom = top + group * len(rows)
    for tick in ticks(low, high, is_linear):
        drawing.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top}" y2="{bottom}" stroke="#dddddd"/>')
        drawing.append(text(x(tick), bottom + 18, f"{tick:g}×", text_anchor="middle", fill="#666"))
    for index, row in enumerate(rows):
        y = top + group * index + gap / 2
        drawing.append(text(left - 10, y + group / 2 - 2, row.name, text_anchor="end"))
        for position, runner in enumerate(runners):
            ratio = row.ratio(runner)
            if ratio is None:
                continue
            y_bar = y + position * bar_height
            drawing.append(
                f'<rect x="{left}" y="{y_bar:.1f}" width="{max(x(ratio) - left, 1):.1f}" height="{bar_height - 2}"'
                f' fill="{COLOURS[runner]}"/>'
            )
            mark = marks.get((index, runner))
            label = number(ratio, "×") + (f"  ({number(row.median(runner))} {row.unit})" if row.unit[0] != "×" else "")
            drawing.append(text(x(max(ratio, mark or 0)) + 6, y_bar + 9, label, font_size=10, fill="#333"))
            if mark:
                drawing.append(
                    f'<line x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="{y_bar - 2:.1f}"'
                    f' y2="{y_bar + bar_height:.1f}" stroke="#222" stroke-width="2"/>'
                )
    drawing.append("</svg>")
    pathlib.Path(file).write_text("\n".join(drawing) + "\n")
