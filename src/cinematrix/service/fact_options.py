"""Filters by facts of movies in requests: running time, language, streaming service, and certification."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cinematrix.data.certifications import MAX_AGE
from cinematrix.data.movie_facts import FactFilter


class FactOptions(BaseModel):
    """Filters by facts, in a query or in a body. A movie whose fact isn't known doesn't pass."""

    model_config = ConfigDict(extra="forbid")

    max_runtime: Annotated[int, Field(ge=0, lt=10_000, description="Maximum minutes; 0: any.")] = 0
    language: Annotated[str, Field(max_length=100, description="Code of a language, such as `fr`.")] = ""
    service: Annotated[str, Field(max_length=200, description="Streaming service that has the movie.")] = ""
    country: Annotated[
        str, Field(pattern=r"^([A-Za-z]{2})?$", description="Country where the service has it; empty: any.")
    ] = ""
    max_age: Annotated[
        int | None, Field(ge=0, le=MAX_AGE, description="Maximum age of the certification in years; none: any.")
    ] = None
    age_country: Annotated[
        str, Field(pattern=r"^([A-Za-z]{2})?$", description="Country whose certification counts; empty: the US first.")
    ] = ""

    @property
    def facts(self) -> FactFilter:
        """The conditions."""
        return FactFilter(self.max_runtime, self.language, self.service, self.country, self.max_age, self.age_country)
