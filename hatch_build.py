"""Description of the package on an index: the README, whose links lead nowhere from there unless they are absolute.

Hatchling runs this when it builds an archive or installs the source.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

CODE_OR_LINK = re.compile(r"```.*?```|`[^`\n]*`|(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)", re.DOTALL)
ABSOLUTE = re.compile(r"[a-z]+:|#")
IN_THE_SOURCE = "\nThe pages and files that this text names are in the source archive.\n"


class Description(MetadataHookInterface):
    """Description in the metadata. Its links lead to the address named Source in `[project.urls]`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Put the description into the metadata."""
        readme = Path(self.root, "README.md").read_text("utf-8")
        source = metadata.get("urls", {}).get("Source", "")
        text = describe(readme, source, f"v{metadata['version']}")
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def describe(readme: str, source: str, tag: str) -> str:
    """Make links and pictures of a README absolute, as the repository at `source` has them under `tag`.

    Without an address a link becomes its text, and a picture is left out.
    """

    def replace(found: re.Match[str]) -> str:
        if found["target"] is None or ABSOLUTE.match(found["target"]):
            return found[0]
        image, text, target = found["image"], found["text"], found["target"]
        if source:
            return f"{image}[{text}]({source.rstrip('/')}/{'raw' if image else 'blob'}/{tag}/{target})"
        return "" if image else text

    return CODE_OR_LINK.sub(replace, readme) + ("" if source else IN_THE_SOURCE)
