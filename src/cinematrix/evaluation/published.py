"""Figures that papers report, by protocol and data set, each with its source and where it was looked up.

None of them is measured here. Those that were looked up in the paper, or in a text that quotes it, are verified, and
`checked` names that text; the others are quoted from elsewhere and may be wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Figures of one model in one paper.

    Attributes:
        model, source: the model and the paper.
        values: by measure.
        checked: the text in which the figures were looked up; empty if none was at hand.
        note: what to know before comparing.
    """

    model: str
    source: str
    values: Mapping[str, float]
    checked: str = ""
    note: str = ""

    @property
    def status(self) -> str:
        """`verified` if the figures were looked up in a text at hand, else `quoted`."""
        return "verified" if self.checked else "quoted"


LIST_MEASURES = ("capped_recall@20", "capped_recall@50", "ndcg@100")
"""Measures of Liang et al. 2018, in the order of their tables."""

_VASP = "table III of Vančura & Kordík 2021"
_POSTER = "the poster of Sedhain et al. 2015"
_CODE_LIST = "Papers with Code"
_CODEX = "the codex' result files: searches/temporal/optuna/iknn-explicit.json"


def _errors(measure: str, *rows: tuple[str, str, float, str] | tuple[str, str, float, str, str]) -> tuple[Figure, ...]:
    return tuple(Figure(model, source, {measure: error}, *more) for model, source, error, *more in rows)


def _lists(rows: Mapping[str, Sequence[float]]) -> Iterator[Figure]:
    sources = {
        "VASP": "Vančura & Kordík 2021",
        "H+Vamp Gated": "Kim & Suh 2019",
        "RecVAE": "Shenbin et al. 2020",
        "Mult-VAE": "Liang et al. 2018",
        "EASE": "Steck 2019",
    }
    for model, source in sources.items():
        yield Figure(model, source, dict(zip(LIST_MEASURES, rows[model], strict=True)), _VASP)


def _autorec(item_based: float, local: float, biased: float) -> tuple[Figure, ...]:
    return _errors(
        "rmse",
        ("I-AutoRec", "Sedhain et al. 2015", item_based, _POSTER),
        ("LLORMA", "Sedhain et al. 2015", local, _POSTER),
        ("BiasedMF", "Sedhain et al. 2015", biased, _POSTER),
    )


RANDOM_90_10: dict[str, tuple[Figure, ...]] = {
    "ml-1m": (
        *_errors(
            "rmse",
            ("myFM, ordered probit", "Ohtsuki 2021", 0.8140, "myFM's notebook ml-1m-extended",
             "one fold of ten; knows the day of the tested rating"),
            ("GLocal-K", "Han et al. 2021", 0.8227, _CODE_LIST),
        ),
        *_autorec(0.831, 0.833, 0.845),
    ),
    "ml-10m": (
        *_errors(
            "rmse",
            ("Bayesian timeSVD++ flipped", "Rendle et al. 2019", 0.7485, _CODE_LIST,
             "knows the day of the tested rating"),
            ("Bayesian timeSVD++", "Rendle et al. 2019", 0.7523, _CODE_LIST, "knows the day of the tested rating"),
            ("Bayesian SVD++", "Rendle et al. 2019", 0.7563, _CODE_LIST),
            ("matrix factorization by SGD", "Rendle et al. 2019", 0.7720, _CODE_LIST),
        ),
        *_autorec(0.782, 0.782, 0.803),
    ),
    "netflix": _autorec(0.823, 0.834, 0.844),
}  # fmt: skip
"""Root-mean-square errors on a random tenth."""

STRONG_GENERALISATION: dict[str, tuple[Figure, ...]] = {
    "ml-20m": tuple(
        _lists(
            {
                "VASP": (0.414, 0.552, 0.448),
                "H+Vamp Gated": (0.413, 0.551, 0.445),
                "RecVAE": (0.414, 0.553, 0.442),
                "Mult-VAE": (0.395, 0.537, 0.426),
                "EASE": (0.391, 0.521, 0.420),
            }
        )
    ),
    "netflix": tuple(
        _lists(
            {
                "VASP": (0.372, 0.457, 0.406),
                "H+Vamp Gated": (0.376, 0.463, 0.409),
                "RecVAE": (0.361, 0.452, 0.394),
                "Mult-VAE": (0.351, 0.444, 0.386),
                "EASE": (0.362, 0.445, 0.393),
            }
        )
    ),
}
"""Figures on held-out users after Liang et al. 2018."""

FIXED_DATES: dict[str, tuple[Figure, ...]] = {
    name: _errors("user_rmse", ("item-kNN", "LensKit's codex, validation", error, _CODEX))
    for name, error in (("ml-10m", 0.7588), ("ml-20m", 0.7773), ("ml-25m", 0.7939), ("ml-32m", 0.8159))
}
"""Mean errors of users on the days of LensKit's codex."""

LEAVE_ONE_OUT: dict[str, tuple[Figure, ...]] = {
    "ml-1m": (
        Figure(
            "SASRec+ (cross-entropy)", "Klenitskiy & Vasilev 2023", {"hit_rate@10": 0.2853}, "Wizwand's list of results"
        ),
    )
}
"""Hit rates at each user's last movie, all movies ranked."""
