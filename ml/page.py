"""An evaluation as one self-contained page: the decision, its reasons, figures and plots."""

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
MAX_SEGMENTS = 25
_COLOURS = {"challenger": "#1b6ac9", "champion": "#c9781b", "neutral": "#98a2b0"}
_TITLES = {
    "challenger": "challenger",
    "champion": "champion",
    "baseline": "challenger's baseline",
    "base_rate": "base rate",
}
_FIGURES = (
    ("log_loss", "log loss, nats: lower is better"),
    ("auc", "AUC, 0.5 is chance: higher is better"),
    ("calibration_error", "calibration error: lower is better"),
    ("calibration_luck", "of it by luck alone"),
    ("brier", "Brier score: lower is better"),
    ("share", "share that came true"),
)
_THRESHOLDS = {
    "rows": ("rows that neither model has seen, at least", "{:,}"),
    "margin": ("log loss better than the champion's by", "{:.2%}"),
    "first_margin": ("better than the base rate by, where there is no champion", "{:.2%}"),
    "errors": ("and by this many standard errors, more with few segments", "{:g}"),
    "baseline": ("worse than its own baseline by no more than", "{:.2%}"),
    "calibration_error": ("calibration error beyond luck, at most", "{:g}"),
    "ranking": ("AUC below the champion's by no more than", "{:g}"),
    "difference": ("score of the graph for streams differs by no more than", "{:g}"),
    "segment_rows": ("minimum rows of a segment that counts", "{:,}"),
    "segment_worse": ("worse in such a segment by no more than", "{:.2%}"),
    "segment_luck": ("refused for a segment by luck alone, at most so often", "{:.2%}"),
}
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
body{color:#1d232a;background:#fff}
h1{font-size:1.4rem;overflow-wrap:anywhere} h2{font-size:1.1rem;margin-top:2rem}
.promote{background:#e3f4e6;border-left:6px solid #2e8540}
.refuse{background:#fbe9e7;border-left:6px solid #c0392b}
.promote,.refuse{padding:.8rem 1rem} .promote p,.refuse p{margin:.2rem 0}
.table{overflow-x:auto} table{border-collapse:collapse}
td,th{padding:.25rem .8rem;text-align:right;white-space:nowrap}
td:first-child,th:first-child{text-align:left} tr{border-bottom:1px solid #e3e6ea}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr))}
.plots{gap:1.5rem;margin:2rem 0} img{width:100%}
@media(max-width:40rem){body{margin:1rem auto} td,th{padding:.25rem .4rem;font-size:.85rem}}
@media(max-width:40rem){th,td:first-child{white-space:normal} td:first-child{min-width:8rem}}
"""


def page(report: Report) -> str:
    """The whole page of a report, as `ml.evaluate.report` makes it."""
    body = "\n".join(_body(report))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Evaluation: {escape(report['decision'])}</title><style>{_STYLE}</style></head>"
        f"<body>\n{body}\n</body></html>\n"
    )


def _body(report: Report) -> Iterator[str]:
    decision = escape(report["decision"])
    yield f"<h1>Evaluation of {escape(_version(report['challenger']))}</h1>"
    reasons = "".join(f"<p>{escape(reason)}</p>" for reason in report["reasons"])
    yield f'<div class="{decision}"><strong>{decision}</strong>{reasons}</div>'
    if report["challenger"]:
        yield f"<p>{report['rows']:,} rows, {_time(report['from'])} to {_time(report['through'])} "
        yield "(UTC), after everything that either model has learned from.</p>"
        yield from _figures(report)
        plots = (_calibration, _lift, _distribution, _segments)
        yield f'<div class="plots">{"".join(_image(plot, report) for plot in plots)}</div>'
        yield from _segment_table(report)
    yield "<h2>What a challenger has to show</h2>"
    yield _table(("", "value", "hyperparameter"), list(_thresholds(report["thresholds"])))


def _thresholds(report: Report) -> Iterator[tuple[str, str, str]]:
    for name, value in report.items():
        meaning, form = _THRESHOLDS[name]
        yield meaning, form.format(value), name.replace("_", "-")


def _time(text: str) -> str:
    """Of an instant, what people read: to the second."""
    return escape(text[:19].replace("T", " "))


def _version(model: Report | None) -> str:
    return str(model["model_version"]) if model else "a challenger"


def _figures(report: Report) -> Iterator[str]:
    names = ("challenger", "champion", "baseline", "base_rate")
    models = {_TITLES[name]: report[name] for name in names if report[name]}
    rows = [(label, *(f"{m[key]:.4f}" for m in models.values())) for key, label in _FIGURES]
    yield "<h2>Figures</h2>"
    yield _table(("", *models), rows)
    yield "<h2>Models</h2>"
    head = ("", "version", "learned from (UTC)", "through", "rows", "trees")
    yield _table(head, [(name, *_learned(model)) for name, model, _ in _models(report)])


def _learned(model: Report) -> tuple[str, ...]:
    """Of a model that was imported nobody knows the rows."""
    since, through = (_time(model[name] or "") for name in ("trained_from", "fitted_through"))
    counts = ("" if (n := model[name]) is None else f"{n:,}" for name in ("window_rows", "rounds"))
    return str(model["model_version"]), since, through, *counts


def _segment_table(report: Report) -> Iterator[str]:
    reference = "champion" if report["champion"] else "base rate"
    rows = [
        (
            s["segment"],
            f"{s['rows']:,}",
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

    lines = line(head, "th") + "".join(line(r, "td") for r in rows)
    return f'<div class="table"><table>{lines}</table></div>'


def _image(draw: Callable[[Axes, Report], None], report: Report) -> str:
    """A plot as an inline SVG; the same report gives the same bytes."""
    with mpl.rc_context({"svg.hashsalt": "sdp", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(5.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        draw(axes, report)
        axes.set_title(axes.get_title(), loc="left", fontweight="bold")
        axes.set_title("")
        axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
        axes.spines[["top", "right"]].set_visible(False)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    encoded = base64.b64encode(out.getvalue()).decode()
    title = escape(axes.get_title("left"))
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


def _lift(axes: Axes, report: Report) -> None:
    width, models = 0.4, list(_models(report))
    for position, (name, model, colour) in enumerate(models):
        lifts = [t["lift"] for t in model["tenths"]]
        at = [n + 1 + width * (position - (len(models) - 1) / 2) for n in range(len(lifts))]
        axes.bar(at, lifts, width, color=colour, label=name)
    axes.axhline(1, color=_COLOURS["neutral"], linewidth=1)
    axes.set_xticks(range(1, 11))
    axes.set(title="Lift", xlabel="tenth of the rows, by score", ylabel="times the share of all")


def _distribution(axes: Axes, report: Report) -> None:
    for name, model, colour in _models(report):
        shares = model["distribution"]
        edges = [n / len(shares) for n in range(len(shares) + 1)]
        axes.stairs(shares, edges, color=colour, label=name, linewidth=1.5)
    axes.set(title="Scores", xlabel="score", ylabel="share of the rows")


def _segments(axes: Axes, report: Report) -> None:
    shown = report["segments"][:MAX_SEGMENTS][::-1]
    positions = list(range(len(shown)))
    reference = "champion" if report["champion"] else "base rate"
    colour = _COLOURS["champion" if report["champion"] else "neutral"]
    ours, theirs = ([s[name] for s in shown] for name in ("challenger", "reference"))
    axes.hlines(positions, ours, theirs, color=_COLOURS["neutral"], linewidth=0.5, zorder=1)
    axes.plot(ours, positions, "o", color=_COLOURS["challenger"], label="challenger", markersize=4)
    axes.plot(theirs, positions, "o", color=colour, label=reference, markersize=4)
    axes.set_yticks(positions, [s["segment"] for s in shown], fontsize=6)
    axes.set(title="Log loss by segment", xlabel="nats", ylabel=report["segment"])
