"""The model `svd++`."""

from cinematrix.models.svd_plus_plus import SVDPlusPlus, SVDPlusPlusSettings
from contract import Contract
from worlds import check_planted_factors


class TestSVDPlusPlus(Contract):
    """Contract tests of `svd++`."""

    kind = SVDPlusPlus


def test_planted_factors_are_recovered() -> None:
    """Unseen ratings are predicted to less than their noise, and the movies' vectors are the planted ones."""
    check_planted_factors(SVDPlusPlus(SVDPlusPlusSettings(shrinkage=1.0, regularization=0.01)))
