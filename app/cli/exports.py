"""`ltp adapter export` and `push`: an adapter as a file for another LTP, or whole, as a model that runs without one."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from app.cli.command import Json, Key, Url, service_session
from app.cli.failure import Failure
from app.cli.output import size
from app.cli.target import Force, check_target

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

    from app.cli.client import Client

Reference = Annotated[
    str, typer.Argument(metavar="ADAPTER", help="sw, sw@3, sw@production, or an id.", show_default=False)
]
Int8 = Annotated[bool, typer.Option("--int8", help="With onnx: quantised; the card says what that changes.")]
ONE_FILE: Final = "ltp"
"""The format that is for another LTP."""
WAIT_S = 1800.0
"""Until the first byte of an export: that of the largest model takes some minutes."""
NO_PEFT = (
    "PEFT cannot hold an adapter of LTP: its sparse adapters (SHiRA) are values of linear weights alone, where this has"
    " values of biases and embeddings too, and its soft prompts come before the text, where this one stands before the"
    " mask; take --format hf, which is the whole model"
)
OF_FORMATS = {"config.json", "model.onnx", "model.onnx.data", "model.safetensors", "tokenizer_config.json"}
"""Files that one format has, and another has not."""
LOG_IN = "No token for the hub was found. Set HF_TOKEN to one that may write, or log in with `hf auth login`."


def export_adapter(
    *,
    adapter: Reference,
    to: Annotated[
        Path | None, typer.Option("--output", "-o", help="File, or for hf and onnx folder; default: LANG-VERSION....")
    ] = None,
    form: Annotated[
        Literal["ltp", "hf", "onnx", "peft"],
        typer.Option("--format", help="ltp: for another LTP; hf: for transformers; onnx: for onnxruntime, OpenVINO."),
    ] = ONE_FILE,
    int8: Int8 = False,
    force: Force = False,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Download an adapter: as one safetensors file with the mask it needs, or whole, as a folder that needs no LTP."""
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_adapter

        if form == "peft":
            raise Failure("not_exportable", NO_PEFT)
        adapter_data = find_adapter(session.client, adapter)
        named = f"{adapter_data['lang']}-{adapter_data['version']}"
        if form == ONE_FILE:
            if int8:
                raise typer.BadParameter("--int8 goes with --format onnx")
            target = to or Path(f"{named}.safetensors")
            check_target(target, force=force)
            written = session.client.save(f"/adapters/{adapter_data['id']}/export", target)
            told: dict[str, Any] = {"adapter": adapter_data["id"], "file": str(target), "bytes": written}
        else:
            target = to or Path(f"{named}-{form}{'-int8' if int8 else ''}")
            _check_empty(target)
            told = _unpacked(session.client, adapter_data, target, form=form, int8=int8)
        session.output.show(told, lambda console: console.print(_said(told)))


def push_adapter(
    *,
    adapter: Reference,
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="On the hub; made if it is not there.")],
    private: Annotated[bool, typer.Option("--private", help="Make it a private one.")] = False,
    form: Annotated[Literal["hf", "onnx"], typer.Option("--format", help="What to push.")] = "hf",
    int8: Int8 = False,
    as_json: Json = False,
    url: Url = None,
    api_key: Key = None,
) -> None:
    """Put an adapter, whole, into a repository of the Hugging Face hub, or of the one that HF_ENDPOINT names.

    The model card says under which terms; read it before you publish.
    """
    with service_session(as_json, url, api_key) as session:
        from app.cli.references import find_adapter

        adapter_data = find_adapter(session.client, adapter)
        _check_pushable(repository, private=private)
        with tempfile.TemporaryDirectory(prefix="ltp-push-") as folder:
            told = _unpacked(session.client, adapter_data, Path(folder) / "model", form=form, int8=int8)
            message = f"{adapter_data['lang']}@{adapter_data['version']}, exported from LTP"
            address = _push(Path(folder) / "model", repository, private=private, message=message)
        told |= {"repository": repository, "url": address}
        del told["folder"]
        session.output.show(told, lambda console: console.print(f"Pushed to {address} ({size(told['bytes'])})"))


def _check_empty(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Failure("not_empty", f"{target} is there already; name a new folder, or an empty one, with -o")


def _unpacked(client: Client, adapter: dict[str, Any], target: Path, *, form: str, int8: bool) -> dict[str, Any]:
    """Have the folder made, and put it where it is wanted, whole or not at all."""
    from ltp import atomic_file

    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file.new_folder(target.absolute()) as new:
        archive = new.with_name("export.zip")
        client.save(f"/adapters/{adapter['id']}/export", archive, wait_s=WAIT_S, format=form, int8=int8 or None)
        _unpack(archive, new)
        archive.unlink()
        told = {"adapter": adapter["id"], "folder": str(target), "format": form, "int8": int8}
        measured = json.loads((new / "nli.json").read_text(encoding="utf-8")).get("int8")
        return told | {
            "files": sorted(path.name for path in new.iterdir()),
            "bytes": sum(path.stat().st_size for path in new.iterdir()),
            "agreement": measured,
        }


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                entry.filename = Path(entry.filename).name  # out of the folder that the archive names
                packed.extract(entry, folder)
    except zipfile.BadZipFile as error:
        told = f"what the service sent is no whole archive ({error}); is it of an earlier release, without this format?"
        raise Failure("not_an_archive", told) from error


def _said(told: dict[str, Any]) -> str:
    lines = [f"Wrote {told.get('file') or told['folder']} ({size(told['bytes'])})"]
    if (agreement := told.get("agreement")) is not None:
        lines.append(
            f"int8 changes {agreement['labels_changed']} labels of {agreement['pairs']} development pairs;"
            f" probabilities differ by {agreement['mean_difference']:.4f} on average"
        )
    if "folder" in told:
        lines.append("README.md there is the model card, and answer.py asks the model without LTP")
    return "\n".join(lines)


def _check_pushable(repository: str, *, private: bool) -> None:
    """Refuse before anything is made what the hub would refuse after it, as far as it can be told."""
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # it is in `__all__`

    try:
        validate_repo_id(repository)
        if "/" not in repository:
            raise HFValidationError("it names no owner")
    except HFValidationError as error:
        raise Failure("invalid_repository", f"{repository!r} is no OWNER/NAME of a hub: {error}") from error
    if get_token() is None:
        raise Failure("no_hub_token", LOG_IN)
    with _hub(repository), suppress(RepositoryNotFoundError):
        _check_private(HfApi().model_info(repository), private=private)


def _check_private(repository: ModelInfo, *, private: bool) -> None:
    if private and not repository.private:
        told = f"{repository.id} is there already, and public; make it private on the hub, or name another"
        raise Failure("repository_is_public", told)


@contextmanager
def _hub(repository: str) -> Iterator[None]:
    try:
        yield
    except Failure:
        raise
    except Exception as error:  # the hub's library lets errors of its HTTP library through, which releases change
        raise Failure("hub_refused", f"the hub did not take {repository}: {error!s:.500}") from error


def _push(folder: Path, repository: str, *, private: bool, message: str) -> str:
    """Make the repository if need be, and commit the folder, whole or not at all; return where it can be seen.

    One commit: `upload_folder` makes several of what takes long. It takes the place of what was pushed before, so files
    of another format go.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    new = {path.name: path for path in folder.iterdir()}
    with _hub(repository):
        hub = HfApi()
        address = hub.create_repo(repository, private=private or None, exist_ok=True)
        found = hub.model_info(repository)
        _check_private(found, private=private)
        there = {file.rfilename for file in found.siblings or ()}
        old = (OF_FORMATS & there) - new.keys() if "nli.json" in there else set()
        gone = [CommitOperationDelete(name) for name in sorted(old)]
        added = [CommitOperationAdd(name, path) for name, path in sorted(new.items())]
        hub.create_commit(repository, [*gone, *added], commit_message=message)
    return str(address)
