"""The model `deep-mf-classic`."""

from cinematrix.models.deep_mf_classic.model import DeepMFClassic
from contract import Contract


class TestDeepMFClassic(Contract):
    """Contract tests of the textbook net."""

    kind = DeepMFClassic
    settings = {"factors": 8, "batch": 32, "learning_rate": 0.01, "epochs": 20}  # noqa: RUF012
    settles = False  # its output starts at 0 and needs hundreds of steps to reach the mean
