"""Figures of a model card, as Markdown: of an evaluation, of validation inside training, and of a refit's gate."""

from collections.abc import Mapping
from typing import Any

from cinematrix.common.markdown import as_code, as_table

NOT_MEASURED = """Not measured. Measure it on ratings that it wasn't trained on:

```console
cinematrix evaluate MODEL TEST.csv --card
```"""

Figures = Mapping[str, Any]
"""An evaluation as a JSON document: `measures` by name, `protocol`, and `segments` if they were measured."""


def render_figures(figures: Figures | None) -> str:
    """Return the figures of an evaluation as Markdown, by segment too if these were measured."""
    if not figures:
        return NOT_MEASURED
    rows = [[as_code(name), *_format_measure(name, measure)] for name, measure in figures["measures"].items()]
    parts = [
        _describe_protocol(figures["protocol"]),
        as_table(["measure", "value", "95 % interval", "users"], rows),
    ]
    if segments := figures.get("segments"):
        names = list(dict.fromkeys(name for each in segments for name in each["measures"]))
        table = [
            [each["segment"], f"{each['users']:,}", *(_format_value(each["measures"].get(name)) for name in names)]
            for each in segments
        ]
        parts += [
            "By the ratings in the user's history, and by the movies' share of the training ratings (head: the first "
            "half, torso: the next 40 %, tail: the rest):",
            as_table(["segment", "users", *map(as_code, names)], table),
        ]
    return "\n\n".join(parts)


def render_training(about: Mapping[str, Any]) -> list[str]:
    """Return what validation inside training and the gate of a refit measured."""
    parts = []
    logs = {head: log for head, log in (about.get("training") or {}).items() if log["errors"]}
    if logs:
        kinds = {"stars": "RMSE, in stars", "ranking": "loss"}
        rows = [
            [head, kinds.get(head, ""), f"{log['errors'][log['best_epoch']]:.4f}", str(log["best_epoch"])]
            for head, log in logs.items()
        ]
        parts += [
            "### Validation inside training",
            "On training ratings that were held out to choose the number of epochs; the best epoch is shown, so the "
            "values are a little too good. They are of a smaller model where the final one was then trained on all "
            "ratings.",
            as_table(["head", "measure", "validation", "epoch"], rows),
        ]
    if refit := about.get("refit"):
        parts += ["### Comparison at the refit", *_describe_refit(refit)]
    return parts


def _describe_refit(refit: Mapping[str, Any]) -> list[str]:
    """Return the gate's comparison with the version before."""
    counts = f"{refit.get('ratings', 0):,} held-out ratings of the last days by {refit.get('users', 0):,} users"
    rows = [
        [as_code(name), _format_number(each["old"]), _format_number(each["new"])]
        for name, each in refit.get("measures", {}).items()
    ]
    state = f"{str(refit.get('state', '')).capitalize()}: {refit.get('why', '')}."
    compared = "A model trained without them was compared with the version before"
    compared += "; this one was then trained on all." * (refit.get("state") == "promoted") or "."
    return [
        f"{state} On {counts}. {compared}" if rows else state,
        *[as_table(["measure", "before", "new"], rows)] * bool(rows),
    ]


def _describe_protocol(protocol: Mapping[str, Any]) -> str:
    relevant = protocol.get("relevant_from")
    what = "every tested movie" if relevant is None else f"a rating of {relevant:g} or more"
    split, users, k, by = " ".join(protocol["split"].split()), protocol["users"], protocol["k"], protocol["by"]
    return (
        f"Split: {split}. {protocol['ratings']:,} ratings by {users:,} users tested. Lists: the best {k} by {by} of "
        f"{protocol['movies']:,} movies; relevant is {what}."
    )


def _format_measure(name: str, measure: Mapping[str, Any]) -> list[str]:
    low, high = measure.get("low"), measure.get("high")
    interval = "" if low is None or high is None else f"{low:.4f}–{high:.4f}"
    value = f"{measure['value']:,.0f}" if name.startswith("movies_shown") else _format_value(measure)
    return [value, interval, f"{measure['n_users']:,}"]


def _format_value(measure: Mapping[str, Any] | None) -> str:
    return _format_number(None if measure is None else measure["value"])


def _format_number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
