"""The models, their contract (`base`), what they share (`components`, `training`), and their artefacts."""

from cinematrix.models.registry import MODELS, model_class

__all__ = ["MODELS", "model_class"]
