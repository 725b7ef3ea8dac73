"""Model card of a saved model: a page for people, after Mitchell et al. 2019, "Model Cards for Model Reporting".

It is made of what the model and its `model.json` hold, so the same model has the same card. It has no figure that
wasn't measured, and nothing about a single user. Loading doesn't need it, and it has no checksum, so that its owner may
edit it.
"""

import dataclasses
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from cinematrix.common.atomic_files import check_writable, write_atomically
from cinematrix.common.markdown import as_code, as_list, as_table
from cinematrix.data.provenance import describe_licence
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import InputError
from cinematrix.metrics.segments import MOVIE_SEGMENTS, USER_SEGMENTS, assign_movie_segments, select_users
from cinematrix.models.base import Recommender
from cinematrix.models.card_figures import Figures, render_figures, render_training

CARD = "README.md"
"""File name of the card, which file browsers and code hosts show."""

START, END = "<!-- figures: replaced by cinematrix evaluate --card -->", "<!-- end of figures -->"
"""Lines around the figures."""

FEW_RATINGS = 5
"""Ratings below which a movie counts as rarely rated."""


def render_card(model: Recommender, about: Mapping[str, Any]) -> str:
    """Return the card of a model.

    Args:
        about: the content of its `model.json`, with the checksums.
    """
    data = about.get("data") or {}
    sections = [
        ("", f"# Model card: {model.name}", _describe_model(model, about)),
        ("Intended use", _describe_use(model)),
        ("Data", _describe_data(model.data, data)),
        ("Figures", START, render_figures(about.get("metrics")), END, *render_training(about)),
        ("Limits", _describe_limits(model)),
        ("Privacy", _describe_privacy(model.data)),
        ("Licence", _describe_licence(data)),
        ("How to reproduce it", *_describe_reproduction(model, about)),
    ]
    parts = [part for title, *texts in sections for part in ([f"## {title}"] if title else []) + texts]
    return "\n\n".join(parts) + "\n"


def read_around(folder: Path, model: Recommender, about: Mapping[str, Any]) -> tuple[str, str]:
    """Return the text before and after the figures in the card of a saved model; of a new card if it has none.

    Raises:
        InputError: the card lacks the lines `START` and `END`, or can't be written.
    """
    card = folder / CARD
    check_writable(card, force=True)
    text = card.read_text(encoding="utf-8") if card.is_file() else render_card(model, about)
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise InputError(
            f"{card} lacks the lines {START} and {END}; put them back, or remove the file to have a new one"
        )
    return before, after


def write_figures(folder: Path, around: tuple[str, str], figures: Figures) -> None:
    """Write figures into the card of a saved model, atomically, between what `read_around` returned."""
    before, after = around
    with write_atomically(folder / CARD, force=True) as file:
        file.write_text(f"{before}{START}\n\n{render_figures(figures)}\n\n{END}{after}", encoding="utf-8")


def _describe_model(model: Recommender, about: Mapping[str, Any]) -> str:
    """Return a table of the model, its version and its settings."""
    versions = about.get("versions", {})
    settings = {field.name: getattr(model.settings, field.name) for field in dataclasses.fields(model.settings)}
    changed = ", ".join(f"{name}={value}" for name, value in _changed_settings(model.settings))
    rows = [
        ["Model", f"{as_code(model.name)}, of Cinematrix {versions.get('cinematrix', '')}"],
        ["Version", as_code(about["sha256"]["model.json"][:12])],
        ["Trained", about.get("trained", "at an unknown time")],
        ["Settings", as_code(", ".join(f"{name}={value}" for name, value in settings.items()) or "none")],
        ["Settings that aren't the default", as_code(changed or "none")],
        ["Libraries", ", ".join(f"{name} {number}" for name, number in versions.items())],
    ]
    return as_table(["", ""], rows)


def _describe_use(model: Recommender) -> str:
    can = [
        "lists of movies for a user, known or new, from the user's ratings; new users need no training",
        *["expected ratings, on the scale of the data"] * (model.data.scale is not None and model.abilities.stars),
        *["the probability that a user watches a movie"] * (model.data.scale is None),
        *["intervals and probabilities of ratings"] * model.has_intervals,
        *["movies similar to a movie"] * model.abilities.compares,
        *["explanations of a score by the user's ratings"] * model.abilities.explains,
    ]
    return (
        f"It is made to help people find movies. It gives:\n\n{as_list(can)}\n\nIt isn't made for conclusions about "
        "persons from their ratings, for prices, access or advertising by these, or for judging the worth of a movie."
    )


def _describe_data(data: TrainingData, about: Mapping[str, Any]) -> str:
    """Return a table of the training data, computed from what the model holds."""
    per_user, per_movie = data.history.counts, data.raters
    users, movies = int(np.count_nonzero(per_user)), int(np.count_nonzero(per_movie))
    n = len(data.history.items)
    segments = assign_movie_segments(per_movie)
    mean = "" if data.scale is None or data.history.values is None else f"{data.history.values.mean(dtype=float):.2f}"
    by_user = [f"{select_users(name, per_user.astype(float))[per_user > 0].sum():,} {name}" for name in USER_SEGMENTS]
    by_movie = [
        f"{np.count_nonzero((segments == place) & (per_movie > 0)):,} {name}"
        for place, name in enumerate(MOVIE_SEGMENTS)
    ]
    unrated = len(data.movies) - movies
    rows = [
        ["Source", _describe_source(about)],
        ["Counts", f"{n:,} ratings by {users:,} users of {movies:,} movies; {unrated:,} more movies without any"],
        ["Sparsity", f"{1 - n / max(users * movies, 1):.2%} of the pairs have no rating"],
        ["Scale", f"{data.scale}, mean {mean}" if data.scale else "plain interactions, without stars"],
        ["Dates", _describe_dates(data)],
        ["Users", ", ".join(by_user)],
        ["Movies", f"{', '.join(by_movie)}; {np.count_nonzero((per_movie > 0) & (per_movie < FEW_RATINGS)):,} with "
                   f"fewer than {FEW_RATINGS} ratings"],
        ["Fingerprint", as_code(about["sha256"]) if "sha256" in about else "not recorded"],
    ]  # fmt: skip
    return as_table(["", ""], rows)


def _describe_source(about: Mapping[str, Any]) -> str:
    known = f"{about['dataset']}, by its numbers of users and ratings" if "dataset" in about else ""
    named = as_code(about["source"]) if "source" in about else ""
    form = f"format {about['format']}" if "format" in about else ""
    return "; ".join(filter(None, [known, named, form])) or "not recorded"


def _describe_dates(data: TrainingData) -> str:
    if data.times is None or not len(data.times):
        return "the ratings have no times"
    first, last = (datetime.fromtimestamp(int(time), UTC) for time in (data.times.min(), data.times.max()))
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"


def _describe_limits(model: Recommender) -> str:
    data = model.data
    head = np.sort(data.raters)[::-1]
    top = int(np.ceil(0.1 * np.count_nonzero(head)))
    share = head[:top].sum() / max(head.sum(), 1)
    return as_list([
        f"Popularity: the most rated tenth of the movies has {share:.0%} of the ratings. Movies with few ratings are "
        "predicted less well and listed less often.",
        "Users with few ratings get lists near what most people like.",
        "It learned from people who chose what to watch and to rate; others may have other tastes. Where these people "
        "come from isn't recorded.",
        "What a service shows is what is rated next. Lists that are made from such ratings can narrow.",
        "Tastes and catalogs change. It knows nothing after the last date above, until it is trained again.",
    ])  # fmt: skip


def _describe_privacy(data: TrainingData) -> str:
    return (
        f"The file arrays.safetensors holds the IDs and the {'ratings' if data.scale else 'interactions'} of "
        f"{np.count_nonzero(data.history.counts):,} users. Protect and share this folder as you would the ratings "
        "themselves. This card names no user."
    )


def _describe_licence(about: Mapping[str, Any]) -> str:
    terms = describe_licence(about.get("format", ""), about.get("dataset", ""))
    return f"Of the data: {terms}\n\nOf Cinematrix: MIT. The licence of this model is its owner's choice within these."


def _describe_reproduction(model: Recommender, about: Mapping[str, Any]) -> list[str]:
    """Return the commands that train the same model, or why there are none."""
    if "refit" in about:
        return [
            "It was trained by a refit, on the data of the version before and the ratings of the service's store. The "
            "next one is trained by `cinematrix refit`."
        ]
    version, words = (
        about.get("versions", {}).get("cinematrix", ""),
        ["cinematrix", "train", "RATINGS", "--out", "MODEL"],
    )
    words += ["--model", model.name, *_settings_words(model.settings)]
    date = (
        f"SOURCE_DATE_EPOCH={int(datetime.fromisoformat(about['trained']).timestamp())} " if "trained" in about else ""
    )
    return [
        f"```console\npip install 'cinematrix[train]=={version}'\n{date}{shlex.join(words)}\n```",
        "The same data (see its fingerprint), versions of libraries and number of threads give the same files, byte for"
        " byte.",
    ]


def _changed_settings(settings: Any) -> Iterator[tuple[str, Any]]:
    """Yield the settings whose values aren't the defaults, and these values."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value != field.default:
            yield field.name, value


def _settings_words(settings: Any) -> Iterator[str]:
    """Yield the options of `train` that give these settings."""
    for name, value in _changed_settings(settings):
        text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        text = text.lower() if isinstance(value, bool) else text
        yield from ("--seed", text) if name == "seed" else ("--set", f"{name}={text}")
