"""An evaluation as one page that needs nothing else: the decision, why, figures and plots."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Report = Mapping[str, Any]
MOST_SEGMENTS = 25
_COLOURS = {"challenger": "#1b6ac9", "champion": "#c9781b", "neutral": "#98a2b0"}
_FIGURES = (
    ("log_loss", "log loss, nats"),
    ("auc", "AUC"),
    ("calibration_error", "calibration error"),
    ("calibration_luck", "calibration error by luck alone"),
    ("brier", "Brier score"),
    ("share", "share that came true"),
)
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
body{color:#1d232a}
h1{font-size:1.4rem} h2{font-size:1.1rem;margin-top:2rem}
.promote{background:#e3f4e6;border-left:6px solid #2e8540}
.refuse{background:#fbe9e7;border-left:6px solid #c0392b}
.promote,.refuse{padding:.8rem 1rem} .promote p,.refuse p{margin:.2rem 0}
table{border-collapse:collapse} td,th{padding:.25rem .8rem;text-align:right}
td:first-child,th:first-child{text-align:left} tr{border-bottom:1px solid #e3e6ea}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1rem}
img{width:100%}
"""


def page(report: Report) -> str:
    """The whole page of a report, as `ml.evaluate.report` makes it."""
    body = "\n".join(_body(report))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Evaluation: {escape(report['decision'])}</title><style>{_STYLE}</style></head>"
        f"<body>\n{body}\n</body></html>\n"
    )


def _body(report: Report) -> Iterator[str]:
    decision = escape(report["decision"])
    yield f"<h1>Evaluation of {escape(_version(report['challenger']))}</h1>"
    reasons = "".join(f"<p>{escape(reason)}</p>" for reason in report["reasons"])
    yield f'<div class="{decision}"><strong>{decision}</strong>{reasons}</div>'
    if report["challenger"]:
        yield f"<p>{report['rows']} rows, {report['from']} to {report['through']}, after "
        yield "everything that either model has learned from.</p>"
        yield from _figures(report)
        plots = (_calibration, _lift, _distribution, _segments)
        yield f'<div class="plots">{"".join(_image(plot, report) for plot in plots)}</div>'
        yield from _segment_table(report)
    yield "<h2>Thresholds</h2>"
    yield _table(("threshold", "value"), [(n, f"{v:g}") for n, v in report["thresholds"].items()])


def _version(model: Report | None) -> str:
    return str(model["model_version"]) if model else "a challenger"


def _figures(report: Report) -> Iterator[str]:
    shown = {"challenger": report["challenger"], "champion": report["champion"]}
    shown |= {"its baseline": report["baseline"], "base rate": report["base_rate"]}
    models = {name: found for name, found in shown.items() if found}
    rows = [(label, *(f"{m[key]:.4f}" for m in models.values())) for key, label in _FIGURES]
    details = (("model_version", "version"), ("trained_from", "learned from"))
    for key, label in (*details, ("fitted_through", "learned through"), ("rounds", "trees")):
        rows.append((label, *(str(m.get(key, "")) for m in models.values())))
    yield "<h2>Figures</h2>"
    yield _table(("", *models), rows)


def _segment_table(report: Report) -> Iterator[str]:
    reference = "champion" if report["champion"] else "base rate"
    rows = [
        (
            s["segment"],
            str(s["rows"]),
            f"{s['challenger']:.4f}",
            f"{s['reference']:.4f}",
            f"{s['gain'] / s['reference']:+.2%}" if s["reference"] else "",
        )
        for s in report["segments"]
    ]
    yield f"<h2>By {escape(report['segment'])}: log loss</h2>"
    yield _table(("segment", "rows", "challenger", reference, "better by"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    def line(cells: tuple[str, ...], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(c)}</{tag}>' for c in cells)}</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(r, 'td') for r in rows)}</table>"


def _image(draw: Callable[[Axes, Report], None], report: Report) -> str:
    """A plot as an inline SVG; the same report gives the same bytes."""
    with mpl.rc_context({"svg.hashsalt": "sdp", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(5.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        draw(axes, report)
        axes.spines[["top", "right"]].set_visible(False)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    encoded = base64.b64encode(out.getvalue()).decode()
    title = escape(axes.get_title())
    return f'<img alt="{title}" src="data:image/svg+xml;base64,{encoded}">'


def _models(report: Report) -> Iterator[tuple[str, Report, str]]:
    for name in ("challenger", "champion"):
        if report[name]:
            yield name, report[name], _COLOURS[name]


def _calibration(axes: Axes, report: Report) -> None:
    axes.plot([0, 1], [0, 1], color=_COLOURS["neutral"], linewidth=1)
    for name, model, colour in _models(report):
        scores, shares = ([t[k] for t in model["tenths"]] for k in ("score", "share"))
        axes.plot(scores, shares, "o-", color=colour, label=name, markersize=4)
    axes.set(title="Calibration", xlabel="mean score", ylabel="share that came true")
    axes.legend(frameon=False)


def _lift(axes: Axes, report: Report) -> None:
    width = 0.4
    for place, (name, model, colour) in enumerate(_models(report)):
        lifts = [t["lift"] for t in model["tenths"]]
        at = [n + 1 + width * (place - 0.5) for n in range(len(lifts))]
        axes.bar(at, lifts, width, color=colour, label=name)
    axes.axhline(1, color=_COLOURS["neutral"], linewidth=1)
    axes.set(title="Lift", xlabel="tenth of the rows, by score", ylabel="share beside that of all")
    axes.legend(frameon=False)


def _distribution(axes: Axes, report: Report) -> None:
    for name, model, colour in _models(report):
        shares = model["distribution"]
        edges = [n / len(shares) for n in range(len(shares) + 1)]
        axes.stairs(shares, edges, color=colour, label=name, linewidth=1.5)
    axes.set(title="Scores", xlabel="score", ylabel="share of the rows")
    axes.legend(frameon=False)


def _segments(axes: Axes, report: Report) -> None:
    shown = report["segments"][:MOST_SEGMENTS][::-1]
    places = list(range(len(shown)))
    reference = "champion" if report["champion"] else "base rate"
    colour = _COLOURS["champion" if report["champion"] else "neutral"]
    axes.plot([s["reference"] for s in shown], places, "o", color=colour, label=reference)
    ours = [s["challenger"] for s in shown]
    axes.plot(ours, places, "o", color=_COLOURS["challenger"], label="challenger", markersize=4)
    axes.set_yticks(places, [s["segment"] for s in shown], fontsize=6)
    axes.set(title="Log loss by segment", xlabel="nats")
    axes.legend(frameon=False)
