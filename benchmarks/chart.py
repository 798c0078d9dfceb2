"""The chart of a run: each figure beside its aim."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figure


def draw(figures: Sequence[Figure], path: Path) -> None:
    """Draw how far each figure is from its aim, as an SVG file; those without one are left out."""
    # Here: only those who draw need it.
    from matplotlib.figure import Figure as Drawing

    shown = [one for one in figures if one.met is not None and one.value > 0]
    if not shown:
        return
    drawing = Drawing(figsize=(9, 1 + 0.32 * len(shown)), layout="constrained")
    axes = drawing.add_subplot()
    for place, one in enumerate(reversed(shown)):
        colour = "#2a7d4f" if one.met else "#b3423a"
        lead = _lead(one)
        axes.barh(place, lead, left=1, height=0.6, color=colour)
        beside = (1 + max(lead, 0), place)
        axes.annotate(f" {one.value:.3g} {one.unit}", beside, va="center", fontsize=7)
    axes.set_yticks(range(len(shown)), [f"{one.name}\n{one.aim}" for one in reversed(shown)])
    axes.tick_params(labelsize=7)
    axes.set_xscale("log")
    for written in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        written("{x:g}")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("times as good as the aim (log scale)", fontsize=8)
    drawing.savefig(path, format="svg")


def _lead(figure: Figure) -> float:
    """Return how many times better than its aim a figure is, less the one that stands for it."""
    if figure.at_least is not None:
        return figure.value / figure.at_least - 1
    return (figure.at_most or 0.0) / figure.value - 1
