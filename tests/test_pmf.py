"""The model `pmf`."""

from cinematrix.models.pmf import PMF
from contract import Contract


class TestPMF(Contract):
    """Bayesian matrix factorization keeps the contract."""

    kind = PMF
    settings = {"factors": 3, "chains": 2, "samples": 8, "thinning": 2}  # noqa: RUF012
