"""The models, by their names on the command line."""

from importlib import import_module

from cinematrix.errors import SettingError
from cinematrix.models.base import Recommender

MODELS = {
    "popular": "cinematrix.models.popular:Popular",
    "bias": "cinematrix.models.bias:Bias",
    "svd": "cinematrix.models.svd:SVD",
    "svd++": "cinematrix.models.svd_plus_plus:SVDPlusPlus",
    "nmf": "cinematrix.models.nmf:NMF",
    "als": "cinematrix.models.als:ALS",
    "ials": "cinematrix.models.ials:IALS",
    "pmf": "cinematrix.models.pmf.model:PMF",
    "item-knn": "cinematrix.models.item_knn:ItemKNN",
    "user-knn": "cinematrix.models.user_knn:UserKNN",
    "ease": "cinematrix.models.ease:Ease",
    "deep-mf-classic": "cinematrix.models.deep_mf_classic.model:DeepMFClassic",
    "autorec": "cinematrix.models.autorec.model:AutoRec",
    "vae": "cinematrix.models.vae.model:VAE",
    "neumf": "cinematrix.models.neumf.model:NeuMF",
    "deep-mf": "cinematrix.models.deep_mf.model:DeepMF",
}


def model_class(name: str) -> type[Recommender]:
    """The class of the model called `name`.

    Raises:
        SettingError: no model has that name.
    """
    if name not in MODELS:
        raise SettingError(f"there is no model {name!r}; the models are {', '.join(MODELS)}")
    module, _, attribute = MODELS[name].partition(":")
    found: type[Recommender] = getattr(import_module(module), attribute)
    return found
