"""Coverage-guided fuzzing of the importers: `make fuzz`, for SECONDS (60).

It starts from a file of each source and from the cases of `tests/importers/cases`. The first byte of an input selects
the use of the rest: a file itself, or a member of an archive, so that no checksum has to match. Inputs that fail are
saved as `crash-…` and can be given as argument.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cinematrix.importers"]):
    from export_files import SEEDS, zip_files
    from fuzz_check import check_upload

MAX_SEED_BYTES = 4_000
CASES = Path(__file__).parent.parent / "importers" / "cases"
MEMBERS = (
    *("ratings.csv", "watched.csv", "diary.csv", "likes/films.csv", "ratings-movies.json", "watched-history-1.json"),
    *("lists-watchlist.json", "export.csv", "export.xml"),
)


def fuzz_one(data: bytes) -> None:
    """Check one input. Any exception but a refusal ends the fuzzing."""
    choice, content = data[:1], data[1:]
    if not choice or choice[0] >= len(MEMBERS):
        check_upload(content, "")
    else:
        name = MEMBERS[choice[0]]
        check_upload(zip_files({name: content}), "export.zip")
        check_upload(content, name)


def main() -> None:
    """Fuzz from the seeds. Arguments are libFuzzer's."""
    with tempfile.TemporaryDirectory() as corpus:
        for at, (name, content) in enumerate(SEEDS.items()):
            choice = MEMBERS.index(name) if name in MEMBERS else 255
            Path(corpus, f"{at}").write_bytes(bytes([choice]) + content)
        for path in CASES.iterdir():
            if path.stat().st_size <= MAX_SEED_BYTES:
                Path(corpus, path.name).write_bytes(b"\xff" + path.read_bytes())
        given = [word for word in sys.argv[1:] if not word.startswith("-")]
        atheris.Setup([*sys.argv, *([] if given else [corpus])], fuzz_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
