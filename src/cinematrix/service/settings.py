"""Settings of the service."""

from dataclasses import dataclass, field
from pathlib import Path

from cinematrix.store.engine import MIN_FREE_BYTES

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
"""Host names of this machine, which no other machine can reach."""


@dataclass(frozen=True)
class PosterSettings:
    """Settings of the poster cache.

    Attributes:
        key: the operator's TMDB API key. It appears in no response and no log line.
        folder: folder of the cached posters.
        most_bytes: maximum bytes of the cached posters.
        api, images: addresses of TMDB's two hosts.
        seconds: timeout of a request to TMDB, in seconds.
    """

    key: str = field(repr=False)
    folder: Path
    most_bytes: int = 500_000_000
    api: str = "https://api.themoviedb.org"
    images: str = "https://image.tmdb.org"
    seconds: float = 4.0


@dataclass(frozen=True)
class ServiceSettings:
    """Settings of `create_app`.

    Attributes:
        model: folder of the model.
        db: URL of the store.
        hosts: host names that requests may use for this server.
        new_users: number of users in the store from which writes for new users are refused; 0: no new users.
        public: visitors without a key have the permission `page`.
        reads, writes: maximum requests a minute by one key, or by one address while there are no keys.
        visits: maximum requests a minute by one visitor's address or one user with a token.
        max_body: maximum bytes of a request's body.
        max_catalog: maximum bytes of the movies that an admin adds.
        max_upload: maximum bytes of an imported file.
        in_flight: maximum concurrent requests, without those whose body is being received. Further ones get a 503.
        body_memory: maximum memory, in bytes, of the bodies in memory. One address has half of it.
        uploads, address_uploads: maximum files received or imported at a time, of all addresses and of one.
        body_rate: minimum bytes a second of a body, after `read_seconds`.
        watch_seconds: interval, in seconds, at which `model` is checked for another model.
        read_seconds: seconds for which a body may be slower than `body_rate`.
        free_bytes: free disk space, in bytes, that a SQLite store needs for the server to be ready.
        refit_every: seconds between scheduled retrainings; 0: none.
        workers: number of processes that answer requests.
        posters: settings of the poster cache; None: no posters except those drawn by the page.
    """

    model: Path
    db: str
    hosts: tuple[str, ...] = LOOPBACK_HOSTS
    new_users: int = 0
    public: bool = False
    reads: int = 30_000
    writes: int = 6_000
    visits: int = 1_200
    max_body: int = 500_000
    max_catalog: int = 1_000_000
    max_upload: int = 20_000_000
    in_flight: int = 64
    body_memory: int = 128_000_000
    uploads: int = 8
    address_uploads: int = 5
    body_rate: int = 50_000
    watch_seconds: float = 2.0
    read_seconds: float = 5.0
    free_bytes: int = MIN_FREE_BYTES
    refit_every: float = 0.0
    workers: int = 1
    posters: PosterSettings | None = None

    def most_bytes(self, path: str) -> int:
        """Return the maximum bytes of a request body sent to this path."""
        if path == "/v1/movies":
            return self.max_catalog
        return self.max_upload if self.is_upload(path) else self.max_body

    def is_upload(self, path: str) -> bool:
        """Return whether the body of a request to this path is a file, which isn't held in memory."""
        return path.endswith("/imports")
