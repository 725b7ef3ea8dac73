"""The model `svd`."""

from cinematrix.models.svd import SVD, SVDSettings
from contract import Contract
from worlds import check_planted_factors


class TestSVD(Contract):
    """Contract tests of `svd`."""

    kind = SVD


def test_planted_factors_are_recovered() -> None:
    """Unseen ratings are predicted to less than their noise, and the movies' vectors are the planted ones."""
    check_planted_factors(SVD(SVDSettings(shrinkage=1.0, regularization=0.01)))
