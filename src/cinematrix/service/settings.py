"""How a server runs."""

from dataclasses import dataclass, field
from pathlib import Path

from cinematrix.store.engine import MIN_FREE_BYTES

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class PosterSettings:
    """Where posters come from, and where they are kept.

    Attributes:
        key: the operator's own API key at TMDB; no answer and no line of the log has it.
        folder: of the posters that are kept, and `most_bytes` of it.
        api, images: addresses of TMDB's two hosts.
        seconds: how long either may take to answer.
    """

    key: str = field(repr=False)
    folder: Path
    most_bytes: int = 500_000_000
    api: str = "https://api.themoviedb.org"
    images: str = "https://image.tmdb.org"
    seconds: float = 4.0


@dataclass(frozen=True)
class ServiceSettings:
    """What `create_app` takes.

    Attributes:
        model: folder of the model.
        db: URL of the store.
        hosts: names that requests may call this server by.
        new_users: how many users the store may hold before a write by one that neither it nor the model knows is
            refused; 0: such users aren't made.
        public: visitors without a key may do what the page needs.
        reads, writes: requests that one key (one address, where there are no keys) may send a minute.
        visits: requests that one visitor's address, or one user with a token, may send a minute.
        max_body: bytes of a request's body, and `max_upload` of a file that somebody imports.
        in_flight: requests worked on at once; those beyond are sent away to come again.
        watch_seconds: how often to look whether another model stands in `model`.
        read_seconds: how long a client may take over its body.
        free_bytes: how much room the disk of a SQLite file must have for the server to be ready.
        refit_every: seconds from one refit to the next; 0: none by itself.
        posters: where they come from; None: there are none but those that the page draws.
    """

    model: Path
    db: str
    hosts: tuple[str, ...] = LOOPBACK_HOSTS
    new_users: int = 0
    public: bool = False
    reads: int = 30_000
    writes: int = 6_000
    visits: int = 1_200
    max_body: int = 1_000_000
    max_upload: int = 20_000_000
    in_flight: int = 64
    watch_seconds: float = 2.0
    read_seconds: float = 10.0
    free_bytes: int = MIN_FREE_BYTES
    refit_every: float = 0.0
    posters: PosterSettings | None = None

    def most_bytes(self, path: str) -> int:
        """How long the body of a request to this path may be."""
        return self.max_upload if path.endswith("/imports") else self.max_body
