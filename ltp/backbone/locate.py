"""From a backbone's name to its folder: `mini`, a directory, or a pinned hub revision. Imports no torch.

A hub name must carry a full commit hash: branches and tags move, and with them every artefact's fingerprint would.
"""

from __future__ import annotations

import re
from pathlib import Path

from filelock import FileLock

from ltp.backbone.manifest import BackboneInfo, pin, read_manifest, write_note
from ltp.errors import BackboneNotFound
from ltp.progress import ProgressCallback

LEARNING_RATE = 2e-5
"""Recommended for a checkpoint from the hub: XLM-R base's (4.2)."""
FILES = ("config.json", "model.safetensors", "tokenizer.json")
_HUB_NAME = re.compile(r"^(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>.*))?$")
_COMMIT = re.compile(r"^[0-9a-f]{40}$")


def resolve(spec: str, *, cache_dir: Path, progress: ProgressCallback | None = None) -> BackboneInfo:
    """Describe the checkpoint that `spec` names, preparing or downloading it under `cache_dir` if need be.

    `spec` is `mini`, a directory, or `owner/name@revision` with a 40-digit commit hash. The folder is the description's
    `directory`; `load_backbone` takes the description as it is.

    Raises:
        BackboneNotFound: there is nothing of that name, or it is not here and the hub cannot be reached.
        BackboneIncomplete: what is there is damaged; the message names the file or tensor.
    """
    if spec == "mini":
        from ltp.backbone.mini.prepare import prepare_mini

        return prepare_mini(cache_dir, progress=progress)
    if spec.strip() and Path(spec).expanduser().is_dir():
        return read_manifest(Path(spec).expanduser())
    if match := _HUB_NAME.match(spec):
        return read_manifest(_from_hub(match["repo"], match["revision"] or "", cache_dir))
    raise BackboneNotFound(f"{spec!r} is no directory here; give 'mini', a directory, or owner/name@revision")


def prepared_directory(spec: str, *, cache_dir: Path) -> Path:
    """Say where the checkpoint that `spec` names lies on this machine; nothing is made, fetched or read.

    Raises:
        BackboneNotFound: it is not here.
    """
    if spec == "mini":
        directory = cache_dir / "mini"
    elif Path(spec).expanduser().is_dir():
        directory = Path(spec).expanduser()
    elif (match := _HUB_NAME.match(spec)) and _COMMIT.match(match["revision"] or ""):
        from huggingface_hub.file_download import repo_folder_name

        folder = repo_folder_name(repo_id=match["repo"], repo_type="model")
        directory = cache_dir / "hub" / folder / "snapshots" / str(match["revision"])
    else:
        raise BackboneNotFound(f"{spec!r} is no directory here; give 'mini', a directory, or owner/name@revision")
    if not directory.is_dir():
        raise BackboneNotFound(f"{spec} is not on this machine yet; run `ltp backbone prepare {spec}`")
    return directory


def _from_hub(repo: str, revision: str, cache_dir: Path) -> Path:
    if not _COMMIT.match(revision):
        raise BackboneNotFound(
            f"{repo}@{revision} is not pinned: a hub name needs the 40-digit hash of a commit, {repo}@<commit>"
            if revision
            else f"{repo} is no directory here, and a hub name needs a pinned revision: {repo}@<commit>"
        )
    cache_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(cache_dir / ".hub.lock"):
        directory = _snapshot(repo, revision, cache_dir / "hub")
        if not (directory / "ltp.json").exists():
            write_note(directory, name=f"{repo}@{revision}", learning_rate=LEARNING_RATE)
            pin(directory)
    return directory


def _snapshot(repo: str, revision: str, cache_dir: Path) -> Path:
    """Look on this machine first: a commit never changes, so a copy that is whole needs no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    failure: Exception | None = None
    for local in (True, False):
        try:
            folder = Path(
                snapshot_download(
                    repo, revision=revision, cache_dir=cache_dir, allow_patterns=list(FILES), local_files_only=local
                )
            )
        except HFValidationError as error:
            raise BackboneNotFound(f"{repo} is not a name the hub knows: {error}") from error
        except Exception as error:  # noqa: BLE001  the hub's client lets its HTTP library's errors through
            failure = error
            continue
        if all((folder / file).is_file() for file in FILES) or not local:
            return folder
    raise BackboneNotFound(
        f"{repo}@{revision} is not on this machine and could not be fetched from the hub: {failure}"
    ) from failure
