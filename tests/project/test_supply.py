"""The packages installed are those tested, and changed ones are refused."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from packaging.utils import canonicalize_name
from safetensors.numpy import load as parse
from safetensors.numpy import save as pack

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import ArtifactError
from cinematrix.models import artifact
from cinematrix.models.bias import Bias
from places import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import licences

LOCK = {
    canonicalize_name(name): (version, re.findall(r"--hash=sha256:([0-9a-f]{64})", hashes))
    for name, version, hashes in re.findall(
        r"^([\w.-]+)==([\w.]+)([^\n]*(?:\n    --hash[^\n]+)*)", (ROOT / "serve.lock").read_text("utf-8"), re.MULTILINE
    )
}


@pytest.mark.fault(49)
def test_what_the_service_installs_is_locked() -> None:
    """By SHA-256, in the versions that are tested: `make lock` was run when what is needed, or a pin, was changed."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    tested = {canonicalize_name(name): version for name, version in pins.items()}
    assert licences.walk("") | licences.walk("serve") <= set(LOCK), "run: make lock"
    assert {name: pin[0] for name, pin in LOCK.items() if tested.get(name, pin[0]) != pin[0]} == {}, "run: make lock"
    assert [name for name, (_, hashes) in LOCK.items() if not hashes] == []


@pytest.mark.fault(49)
def test_a_dependency_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    """A wheel of the right name and version, with other content than the locked one's."""
    version, hashes = LOCK["annotated-doc"]
    named = f"annotated_doc-{version}"
    with zipfile.ZipFile(tmp_path / f"{named}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("annotated_doc/__init__.py", "evil = True\n")
        wheel.writestr(
            f"{named}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: annotated-doc\nVersion: {version}\n"
        )
        wheel.writestr(f"{named}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{named}.dist-info/RECORD", "")
    locked = " ".join([f"annotated-doc=={version}", *(f"--hash=sha256:{each}" for each in hashes)])
    (tmp_path / "lock").write_text(locked, "utf-8")
    pip = [sys.executable, "-m", "pip", "--isolated", "install", "--no-index", f"--find-links={tmp_path}", "--no-deps"]
    into = [f"--target={tmp_path}/into", "--requirement", str(tmp_path / "lock")]
    done = subprocess.run([*pip, "--require-hashes", *into], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "into").exists()


@pytest.mark.fault(49)
def test_a_model_that_was_tampered_with_is_refused_or_has_another_name(
    tmp_path: Path, world: tuple[Ratings, Catalog]
) -> None:
    """One number of one array: refused. With the checksums made anew, its own isn't the one that was noted."""
    path = tmp_path / "model"
    artifact.save(Bias().fit(*world), path)
    noted = json.loads((path / artifact.MANIFEST).read_text("utf-8"))["sha256"][artifact.MANIFEST]
    arrays = parse((path / artifact.ARRAYS).read_bytes())
    name = next(name for name in arrays if name.startswith("model.") and arrays[name].dtype.kind == "f")
    changed = arrays[name].copy()
    changed.flat[0] += np.float32(0.5)
    (path / artifact.ARRAYS).write_bytes(pack(arrays | {name: changed}))
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact.load(path)
    artifact.load(forged(path))
    assert artifact.read_manifest(path)["sha256"][artifact.MANIFEST] != noted


def forged(path: Path) -> Path:
    """A model whose checksums are made to fit what is there."""
    manifest = json.loads((path / artifact.MANIFEST).read_text("utf-8"))
    manifest["sha256"][artifact.ARRAYS] = hashlib.sha256((path / artifact.ARRAYS).read_bytes()).hexdigest()
    manifest["sha256"][artifact.MANIFEST] = artifact._checksum(manifest)
    (path / artifact.MANIFEST).write_text(json.dumps(manifest), "utf-8")
    return path


def test_the_image_is_installed_by_the_lock() -> None:
    """And CI looks for vulnerabilities of what is in it."""
    docker = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert "--require-hashes --requirement serve.lock" in docker
    assert "make audit" in (ROOT / ".ci" / "run").read_text("utf-8")
