"""Settings of the service: the one table of the options of `cinematrix serve`.

A new option is a field here. Its flag, environment variable, line of the configuration file and of docs/settings.md are
made from it.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cinematrix.common.durations import parse_duration
from cinematrix.common.options import Setting, check_options, list_settings, option
from cinematrix.common.text import parse_network
from cinematrix.store.settings import DEFAULT_DATABASE, MIN_FREE_BYTES, StoreSettings

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
"""Host names of this machine, which no other machine can reach."""

LOG_LEVELS = ("debug", "info", "warning", "error")
"""Levels of log lines. Requests are logged at `info`."""

LOG_FORMS = ("auto", "json", "text")
"""Forms of log lines."""

server = partial(option, group="Server")
access = partial(option, group="Access")
rates = partial(option, group="Rate limits", unit="requests a minute", low=1)
requests = partial(option, group="Requests", low=0)
work = partial(option, group="Work", low=0)
sharing = partial(option, group="Shared lists")
health = partial(option, group="Health and log")
pictures = partial(option, group="Posters")


@dataclass(frozen=True)
class PosterSettings:
    """Settings of the caches of posters and details. The key is in no response and no log line.

    Attributes:
        api, images: addresses of TMDB's two hosts.
    """

    key: str = pictures(
        "Your TMDB API key, to show posters and details of films.", name="tmdb-key", secret=True, missing="none of them"
    )
    folder: Path = pictures("Folder of the cached posters and details.", name="posters", missing="in your cache folder")
    most_bytes: int = pictures(
        "Maximum size of the posters, and of the details.", 500_000_000, name="posters-bytes", unit="bytes", low=0
    )
    seconds: float = pictures("Timeout of a request to TMDB.", 4.0, name="poster-seconds", unit="seconds", low=0.1)
    days: float = pictures(
        "Time for which a poster is kept; TMDB allows six months.", 150.0, name="poster-days", unit="days", low=0,
        high=183,
    )  # fmt: skip
    details_days: float = pictures(
        "Time for which details are kept; where a film can be watched changes often.", 7.0, name="details-days",
        unit="days", low=0, high=183,
    )  # fmt: skip
    fetches: int = pictures("Posters fetched at a time.", 4, name="poster-fetches", low=1)
    waiting: int = pictures(
        "Posters being fetched or waiting for it; further ones aren't shown this time.",
        16,
        name="poster-waiting",
        low=1,
    )
    pause_seconds: float = pictures(
        "Time without requests to TMDB after a failure.", 30.0, name="poster-pause-seconds", unit="seconds", low=0
    )
    facts_rate: int = pictures(
        "Movies whose facts are fetched from TMDB in the background, so that films can be filtered and people found; 0:"
        " none.", 240, name="tmdb-rate", unit="movies a minute", low=0, high=2_400,
    )  # fmt: skip
    api: str = "https://api.themoviedb.org"
    images: str = "https://image.tmdb.org"

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class ServiceSettings:
    """Settings of `create_app` and `serve`. They are described by their options.

    Attributes:
        store: settings of the store.
        posters: settings of the caches of posters and details; None: posters drawn by the page, and no details.
    """

    model: Path = server("Folder of the model.", argument=True)
    db: str = server("URL of the store: sqlite:///FILE or postgresql://HOST/NAME.", DEFAULT_DATABASE, secret=True)
    hosts: tuple[str, ...] = access(
        "Host name that requests may use for this server, besides those of loopback.", LOOPBACK_HOSTS, name="host-name",
        parse=str.lower, form="host names",
    )  # fmt: skip
    new_users: int = access(
        "Number of users in the store from which on writes create no new ones; 0: none at all.", 0, unit="users", low=0
    )
    public: bool = access("Allow routes that store nothing about users without a key; all others require one.", False)
    proxies: tuple[str, ...] = access(
        "Address or network of a proxy whose X-Forwarded-For, X-Forwarded-Proto or Forwarded names the client.", (),
        name="proxy", parse=parse_network, form="IP addresses or networks, such as 10.0.0.0/8",
        missing="none",
    )  # fmt: skip
    key_seconds: float = access(
        "Time after which a new or revoked key is noticed at the latest.", 1.0, unit="seconds", low=0.01, high=60
    )
    session_days: float = access(
        "Time without use after which a user who has signed in must sign in again.", 30.0, unit="days", low=0.01,
        high=3_650,
    )  # fmt: skip
    use_seconds: float = access(
        "Interval at which the last uses of keys and sessions are stored.", 60.0, unit="seconds", low=0.01
    )

    reads: int = rates("Reads by one key, or by one address while there are no keys.", 30_000)
    writes: int = rates("Writes by one key, or by one address while there are no keys.", 6_000)
    visits: int = rates("Requests by one visitor's address, or by one user with a token.", 1_200)
    sign_ins: int = rates("Sign-ins tried by one address, and for one name.", 10)
    callers: int = rates("Callers whose rate is known; further ones replace the most silent.", 50_000, unit="callers")
    ipv6_prefix: int = rates("Length of the IPv6 prefix that counts as one address.", 64, unit="bits", low=16, high=128)

    max_body: int = requests("Maximum body of a request.", 500_000, unit="bytes")
    max_catalog: int = requests("Maximum size of the movies that an admin adds.", 1_000_000, unit="bytes")
    max_upload: int = requests("Maximum size of an imported file.", 20_000_000, unit="bytes")
    max_query: int = requests("Maximum size of the parameters in an address.", 16_000, unit="bytes")
    max_parameters: int = requests("Maximum parameters in an address.", 100)
    group_members: int = requests("Maximum members of a group.", 8, low=2, high=50)
    in_flight: int = requests(
        "Requests at a time of each kind (lists, others, and four times as many writes for users), without those whose"
        " body is being received; others get a 503.", 64,
    )  # fmt: skip
    body_memory: int = requests(
        "Memory of all bodies; one address has half of it.", 128_000_000, unit="bytes", low=1_000_000
    )
    uploads: int = requests("Files received or imported at a time.", 8)
    address_uploads: int = requests("Files received or imported at a time from one address.", 5)
    body_rate: int = requests("Minimum pace of a body, after `read-seconds`.", 50_000, unit="bytes a second", low=1)
    read_seconds: float = requests("Time for which a body may be slower.", 5.0, unit="seconds")
    connections: int = requests("Open connections; further ones wait.", 4_000, low=1, high=1_000_000)
    header_seconds: float = requests(
        "Time for a request's headers, and of silence between two requests.", 10.0, unit="seconds", low=0.1
    )
    header_bytes: int = requests("Maximum size of a request's address and headers.", 24_576, unit="bytes", low=8_192)

    request_threads: int = work("Threads for requests; 0: two, or four with PostgreSQL.", 0, high=256)
    writer_threads: int = work("Threads for writes with PostgreSQL; SQLite has one.", 4, low=1, high=256)
    write_seconds: float = work(
        "Time after which a write that still waits for others is refused.", 2.8, unit="seconds", low=0.1
    )
    list_threads: int = work(
        "Threads that compute lists; more workers make better use of more cores.", 1, low=1, high=256
    )
    list_batch: int = work("Lists computed together at most.", 8, low=1, high=1_000)
    lists_waiting: int = work("Lists being computed or waiting for it; others are refused or stale.", 48, low=1)
    list_seconds: float = work("Expected wait from which on a list is refused or stale.", 1.0, unit="seconds", low=0.01)
    list_cache: int = work("Maximum size of the cache of lists.", 32_000_000, unit="bytes")
    prefetched: int = work("Users who wait for a list to be made ahead; 0: none is.", 100, unit="users")
    import_here: int = work("Size of an imported file from which a process of its own reads it.", 200_000, unit="bytes")
    niceness: int = work("Niceness of processes that read imports or retrain.", 10, high=19)
    refit_every: float = work(
        "Interval of automatic refits, such as 24h or 7d (s, m, h, d); 0: none.", 0.0, parse=parse_duration,
        form="a number with s, m, h or d, such as 24h, or 0",
    )  # fmt: skip
    impressions: int = work(
        "Users' lists that wait until their movies are stored as shown; further ones aren't counted; 0: none are.",
        20_000, unit="lists",
    )  # fmt: skip
    impression_seconds: float = work(
        "Interval at which these movies are stored, and what users did about them is counted.", 60.0, unit="seconds",
        low=0.01,
    )  # fmt: skip
    watch_seconds: float = work(
        "Interval at which another model, or movies of another server, are noticed.", 2.0, unit="seconds", low=0.001
    )

    shares: int = sharing(
        "Shared lists in the store; further ones are refused. 0: none can be shared.", 10_000, unit="lists", low=0
    )
    user_shares: int = sharing("Shared lists of one user.", 100, unit="lists", low=0)
    share_films: int = sharing("Films of a shared list.", 100, low=1, high=500)
    share_days: int = sharing("Time after which a shared list expires.", 30, unit="days", low=1, high=3_650)
    share_rate: int = sharing("Lists shared by one visitor's address, user or key.", 10, unit="lists a minute", low=1)

    free_bytes: int = health(
        "Free disk space that a SQLite store needs to be ready.", MIN_FREE_BYTES, unit="bytes", low=0
    )
    task_failures: int = health("Failures in a row after which a background task counts as failing.", 3, low=1)
    task_seconds: float = health("Time after which a background task counts as hanging.", 300.0, unit="seconds", low=1)
    shutdown_seconds: float = health("Time for requests in flight after a stop signal.", 10.0, unit="seconds", low=0)
    overview_days: int = health("Days in the operator's overview.", 30, unit="days", low=1, high=366)
    log_level: str = health("Least level of log lines; requests are logged at info.", "info", choices=LOG_LEVELS)
    log_form: str = health("Form of log lines; auto: text on a terminal, else JSON.", "auto", choices=LOG_FORMS)
    log_lines: int = health("Log lines that wait to be written; further ones are dropped.", 10_000, unit="lines", low=1)

    otel_endpoint: str = health(
        "Address of an OpenTelemetry collector to send traces to, such as http://127.0.0.1:4318/v1/traces; needs the"
        " extra `otel`.", "", missing="no traces",
    )  # fmt: skip
    otel_share: float = health("Share of the requests that are traced, 0 to 1.", 1.0, low=0, high=1)

    workers: int = server("Processes that answer requests; about one a core.", 1, low=1, high=64)
    address: str = server("Address to listen on; any but loopback requires a key.", "127.0.0.1")
    port: int = server("Port to listen on.", 8000, low=1, high=65_535)
    candidate: Path | None = server(
        "Folder of a model to compare: it makes the lists of a share of the users.", None, missing="none"
    )
    candidate_share: float = server("Share of the users who get the candidate's lists.", 0.1, low=0, high=1)
    store: StoreSettings = field(default_factory=StoreSettings)
    posters: PosterSettings | None = None

    def __post_init__(self) -> None:
        check_options(self)

    def most_bytes(self, path: str) -> int:
        """Return the maximum bytes of a request body sent to this path."""
        if path == "/v1/movies":
            return self.max_catalog
        return self.max_upload if self.is_upload(path) else self.max_body

    def is_upload(self, path: str) -> bool:
        """Return whether the body of a request to this path is a file, which isn't held in memory."""
        return path.endswith("/imports")


def list_service_settings() -> tuple[Setting, ...]:
    """Return all options of `cinematrix serve`, by group."""
    found = list_settings(ServiceSettings, StoreSettings, PosterSettings)
    groups = list(dict.fromkeys(each.about.group for each in found))
    return tuple(sorted(found, key=lambda each: groups.index(each.about.group)))
