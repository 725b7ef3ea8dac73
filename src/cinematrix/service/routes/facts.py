"""Routes of what is known of movies, by which lists can be filtered, and of people's movies."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from cinematrix.data.people import Person
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.routes.expected_stars import MovieWithStars, predict
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])

JUSTWATCH = "Where to watch: data by JustWatch"
"""Attribution of streaming services, which TMDB has from JustWatch."""

MAX_SERVICES = 100
"""Maximum services of a country in a response, those of most movies first."""


class KnownLanguage(BaseModel):
    """A language by its code of ISO 639-1, and the number of movies in it."""

    language: str
    movies: int


class KnownService(BaseModel):
    """A streaming service and the number of movies that it has."""

    service: str
    movies: int


class KnownFacts(BaseModel):
    """Facts that are known of the movies.

    Attributes:
        movies: movies of the catalog.
        runtime, language, directors, cast, services: movies whose fact is known, which the filters choose from.
        certification: movies for whose certification an age is known.
        languages: most movies first.
        countries: codes of the countries with streaming services.
        streaming: services of the country that was asked for, most movies first.
        attribution: source of the services; null without them.
    """

    movies: int
    runtime: int
    language: int
    directors: int
    cast: int
    certification: int
    services: int
    languages: list[KnownLanguage]
    countries: list[str]
    streaming: list[KnownService]
    attribution: str | None


class MoviesOfAge(BaseModel):
    """Movies whose certification has an age, in years."""

    age: int
    movies: list[int | str]


class KnownAges(BaseModel):
    """Ages of the movies' certifications in a country, the lowest first; movies that aren't in it have none."""

    country: str
    ages: list[MoviesOfAge]


class PersonRequest(schemas.HistoryBody):
    """A person's name and a history."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    n: Annotated[int, Field(ge=1, le=200, description="Length of the list.")] = 100


class PersonMovies(BaseModel):
    """The movies of a person, with the expected stars; `directed` and `played` have their IDs. Most rated first."""

    model_version: str
    name: str
    directed: list[int | str]
    played: list[int | str]
    items: list[MovieWithStars]


@ROUTER.get("/facts")
def get_facts(
    state: State, country: Annotated[str, Query(pattern=r"^([A-Z]{2})?$", description="Code, such as `FR`.")] = ""
) -> KnownFacts:
    """Return of how many movies each fact is known, and the values to filter lists by."""
    facts = state.facts.of(state.served)
    known = facts.n_known
    return KnownFacts(
        movies=len(facts.frame), runtime=known["runtime"], language=known["languages"], directors=known["directors"],
        cast=known["cast"], certification=known["certification"], services=known["services"],
        languages=[KnownLanguage(language=name, movies=len(places)) for name, places in facts.languages.items()],
        countries=sorted({code for code, _ in facts.services}),
        streaming=[
            KnownService(service=name, movies=len(places))
            for (code, name), places in facts.services.items()
            if code == country
        ][:MAX_SERVICES],
        attribution=JUSTWATCH if known["services"] else None,
    )  # fmt: skip


@ROUTER.get("/facts/ages")
def list_ages(
    state: State, country: Annotated[str, Query(pattern=r"^([A-Z]{2})?$", description="Code, such as `FR`.")] = ""
) -> KnownAges:
    """Return the movies by the age of their certification in a country, which is that of the US where it has none."""
    ages, ids = state.facts.of(state.served).ages(country), state.served.model.data.movies.listed
    return KnownAges(
        country=country,
        ages=[
            MoviesOfAge(age=int(age), movies=[ids[number] for number in np.flatnonzero(ages == age).tolist()])
            for age in np.unique(ages[np.isfinite(ages)]).tolist()
        ],
    )


@ROUTER.post("/people/movies")
def list_movies_of_person(body: PersonRequest, state: State) -> PersonMovies:
    """Return the movies that a person directed or played in, none if none are known, with stars for the history."""
    served = state.served
    people = state.facts.of(served).people
    person = people.find(body.name) or Person(body.name, [], [])
    numbers = people.numbers(person)[: body.n]
    stars = predict(served, body, numbers)
    ids = served.model.data.movies.listed
    return PersonMovies(
        model_version=served.version, name=person.name,
        directed=[ids[number] for number in person.directed], played=[ids[number] for number in person.played],
        items=[
            MovieWithStars(**served.film(number).model_dump(), stars=each)
            for number, each in zip(numbers.tolist(), stars, strict=True)
        ],
    )  # fmt: skip
