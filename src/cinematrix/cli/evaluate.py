"""`cinematrix evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from cinematrix.cli.options import Columns, Force, Json, ModelFolder, OrderBy, ScaleText, parse_columns, parse_scale


def evaluate(
    model: ModelFolder,
    test: Annotated[Path, typer.Argument(help="Ratings that the model hasn't seen.")],
    given: Annotated[
        Path | None, typer.Option("--given", help="The users' histories, if they aren't the model's own.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the lists.")] = 10,
    by: OrderBy = "ranking",
    relevant_from: Annotated[
        float | None, typer.Option("--relevant-from", help="Relevant from this rating up; default: every rating.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap.")] = 0,
    reliability: Annotated[
        Path | None, typer.Option("--reliability", help="Save a picture of what intervals and chances are worth.")
    ] = None,
    force: Force = False,
    columns: Columns = None,
    scale: ScaleText = None,
    json: Json = False,
) -> None:
    """How good a model is on ratings it hasn't seen, with intervals and the protocol.

    Of models that say how sure they are: within80 is the share of ratings within their 80 % intervals, width80 these
    intervals' mean width in stars, and log_loss the mean of −ln of the chance that the rating was given.
    """
    from cinematrix.cli.output import ProgressBar, make_console, print_json
    from cinematrix.common.atomic_files import check_writable
    from cinematrix.data.readers import read
    from cinematrix.evaluation.evaluate import evaluate
    from cinematrix.evaluation.plots import plot_reliability
    from cinematrix.evaluation.reliability import check_uncertainty
    from cinematrix.evaluation.reliability import measure_reliability as measured
    from cinematrix.models.artifact import load
    from cinematrix.recommendation.lists import check_order

    if reliability is not None:
        check_writable(reliability, force=force)
    recommender = load(model).model
    check_order(recommender, by)
    if reliability is not None:
        check_uncertainty(recommender)
    stars = parse_scale(scale) or recommender.data.scale
    tested = read(test, columns=parse_columns(columns), scale=stars, progress=ProgressBar()).ratings
    histories = None if given is None else read(given, scale=stars, progress=ProgressBar()).ratings
    found = evaluate(
        recommender, tested, given=histories, k=k, by=by, relevant_from=relevant_from, seed=seed,  # type: ignore[arg-type]
        split=f"as handed over in {test.name}", progress=ProgressBar(),
    )  # fmt: skip
    if reliability is not None:
        plot_reliability(
            measured(recommender, tested, given=histories, progress=ProgressBar()), reliability, force=force
        )
    if json:
        print_json(found.as_dict())
        return
    make_console().print(str(found), markup=False, soft_wrap=True)
    if reliability is not None:
        make_console().print(f"\nreliability drawn in {reliability}", markup=False, soft_wrap=True)
