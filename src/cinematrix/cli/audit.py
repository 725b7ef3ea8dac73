"""`cinematrix audit`."""

from typing import Annotated

import typer

from cinematrix.cli.options import DatabaseUrl, Json
from cinematrix.cli.stores import open_store, parse_time, show_time
from cinematrix.store.settings import DEFAULT_DATABASE

Time = "a date, such as 2026-11-30, or how long ago, such as 7d."


def audit(
    user: Annotated[
        str | None, typer.Option("--user", help="Lines about this user or by them, deleted ones included.")
    ] = None,
    who: Annotated[str | None, typer.Option("--who", help="Lines of who did it, such as 'key shop'.")] = None,
    since: Annotated[str | None, typer.Option("--since", help=f"Lines from this time on: {Time}")] = None,
    until: Annotated[str | None, typer.Option("--until", help=f"Lines before this time: {Time}")] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="Maximum lines, the newest.")] = 100,
    db: DatabaseUrl = DEFAULT_DATABASE,
    json: Json = False,
) -> None:
    """Show the audit log: who did what and when, the newest first. Deleted users have pseudonyms."""
    from cinematrix.cli.output import make_console, make_table, print_json
    from cinematrix.data.ids import canonical_id

    times = (None if text is None else parse_time(text) for text in (since, until))
    with open_store(db, existing=True) as store:
        from cinematrix.store.audit import AuditFilter, list_audit

        wanted = AuditFilter(None if user is None else canonical_id(user), who, *times)
        lines = list_audit(store, wanted, n)
    if json:
        return print_json([line._asdict() for line in lines])
    rows = [(show_time(line.at), line.who, line.what, line.user or "") for line in lines]
    return make_console().print(make_table(("time", "who", "what", "user"), rows) if rows else "no such lines")
