"""Adapters: train one on labelled pairs, find, compare, export, import and delete them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ltp_client.models import Adapter, Alias, Answer, Comparison, Estimate, Suggestions
from ltp_client.pairs import Labelled, examples_of
from ltp_client.record import read
from ltp_client.requests import AdapterRequest, EstimateRequest, SuggestionRequest, Term
from ltp_client.sync.connection import Connection
from ltp_client.sync.references import find_adapter, is_id
from ltp_client.sync.running import Running
from ltp_client.uploads import Source, upload

if TYPE_CHECKING:
    from typing_extensions import Unpack

PRODUCTION = "production"
WHOLE_MODEL_S = 1800.0
"""Until the first byte of a whole model: the largest takes some minutes to make."""


class Adapters:
    """`client.adapters`. An adapter is named by its id, `sw` (production, else the newest), `sw@3` or `sw@alias`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def train(
        self,
        examples: Labelled | None = None,
        *,
        lang: str,
        dev_examples: Labelled | None = None,
        test_examples: Labelled | None = None,
        sources: Mapping[str, Source | tuple[Source, float]] | None = None,
        key: str | None = None,
        **options: Unpack[AdapterRequest],
    ) -> Running[Adapter]:
        """Train an adapter on labelled pairs: a file, a table, or a list of (premise, hypothesis, label).

        `sources` are files of other languages that are trained on together, by language, with a weight if need be.
        `options` are the request's other fields, `alias`, `start`, `seeds`, `training`, ... (`AdapterRequest`). What
        was sent before with the same idempotency `key` is not begun again.
        """
        given = {"examples": examples, "dev_examples": dev_examples, "test_examples": test_examples}
        body, files = examples_of(given)
        told = []
        for number, (language, source) in enumerate((sources or {}).items(), start=1):
            file, weight = source if isinstance(source, tuple) else (source, 1.0)
            files[f"source{number}"] = upload(file, name=language)
            told.append({"part": f"source{number}", "lang": language, "weight": weight})
        body |= {"lang": lang, **options, **({"sources": told} if told else {})}
        accepted = self._connection.post("/adapters", body, files=files or None, key=key)
        return Running(self._connection, accepted, Adapter, "/adapters")

    def estimate(self, pairs: int, **options: Unpack[EstimateRequest]) -> Estimate:
        """About how long a training on so many pairs takes; `options` are those of `train` (`EstimateRequest`)."""
        return read(Estimate, self._connection.post("/adapters/estimate", {"pairs": pairs, **options}))

    def get(self, adapter: str) -> Adapter:
        """Look at one, with its scores and what it was trained on."""
        return read(Adapter, self._connection.get(self._path(adapter)))

    def delete(self, adapter: str) -> None:
        """Delete one, and the texts that were uploaded for it."""
        self._connection.delete(self._path(adapter))

    def promote(self, adapter: str, *, alias: str = PRODUCTION) -> Alias:
        """Point an alias at one; a bare language means its `production` alias."""
        found = find_adapter(self._connection, adapter)
        path = f"/languages/{found['lang']}/aliases/{alias}"
        return read(Alias, self._connection.put(path, {"version": found["version"]}))

    def answers(
        self,
        adapter: str,
        *,
        wrong: bool | None = None,
        label: str | None = None,
        predicted: str | None = None,
        sort: Literal["file", "certainty", "uncertainty"] | None = None,
        limit: int | None = None,
    ) -> Iterator[Answer]:
        """What one answered to the pairs that it is scored on: where it errs, and how sure it was."""
        path = self._path(adapter) + "/answers"
        chosen = {"wrong": wrong, "label": label, "predicted": predicted, "sort": sort}
        for item in self._connection.pages(path, limit=limit, **chosen):
            yield read(Answer, item)

    def compare(self, adapter: str, other: str) -> Comparison:
        """Which of two is better, if either is: a paired test on the pairs that both are scored on."""
        path = self._path(other)
        path = f"/comparison/{path.rpartition('/')[2]}"
        return read(Comparison, self._connection.get(self._path(adapter) + path))

    def save_examples(
        self, adapter: str, target: str | os.PathLike[str], *, part: Literal["train", "dev", "test"] = "train"
    ) -> int:
        """Write the pairs that one was trained on, as JSON lines if that is how `target` ends, else as CSV."""
        path = self._path(adapter) + "/examples"
        kind = "jsonl" if os.fspath(target).endswith(".jsonl") else "csv"
        return self._connection.save(path, target, part=part, format=kind)

    def suggest(self, adapter: str, pairs: Source, **options: Unpack[SuggestionRequest]) -> Suggestions:
        """Of unlabelled pairs, those to label next; `options` are `n`, `strategy`, ... (`SuggestionRequest`)."""
        path = self._path(adapter) + "/suggestions"
        return read(Suggestions, self._connection.post(path, options, files={"file": upload(pairs)}))

    def compose(
        self, terms: Sequence[Term], *, lang: str, name: str | None = None, alias: str | None = None
    ) -> Adapter:
        """A weighted sum of adapters and language deltas on one ticket, as an adapter of its own."""
        told = {"name": name, "alias": alias}
        body = {"lang": lang, "terms": list(terms), **{field: said for field, said in told.items() if said is not None}}
        return read(Adapter, self._connection.post("/adapters/compose", body, repeatable=False))

    def export(
        self,
        adapter: str,
        target: str | os.PathLike[str],
        *,
        format: Literal["ltp", "hf", "onnx"] = "ltp",  # noqa: A002  the API's word
        int8: bool = False,
    ) -> int:
        """Write one as a file; returns its size in bytes.

        `ltp` is a safetensors file that another service imports. `hf` and `onnx` are zip archives of a whole model that
        runs without LTP, with transformers or onnxruntime; the service takes up to minutes to make one. `int8` is of
        `onnx` alone: quantised, with a figure of what that changes.
        """
        path = self._path(adapter) + "/export"
        asked, read_s = (None, None) if format == "ltp" else (format, WHOLE_MODEL_S)
        return self._connection.save(path, target, read_s=read_s, format=asked, int8=int8 or None)

    def import_file(self, file: Source, *, lang: str | None = None, alias: str | None = None) -> Adapter:
        """Register what `export` wrote."""
        told: dict[str, Any] = {"lang": lang, "alias": alias}
        body = {field: said for field, said in told.items() if said is not None}
        files = {"file": upload(file, name="adapter.safetensors")}
        return read(Adapter, self._connection.post("/adapters/import", body, files=files, repeatable=False))

    def list(self, *, lang: str | None = None, alias: str | None = None, limit: int | None = None) -> Iterator[Adapter]:
        """Adapters, newest first, without their details."""
        for item in self._connection.pages("/adapters", lang=lang, alias=alias, limit=limit):
            yield read(Adapter, item)

    def _path(self, adapter: str) -> str:
        found = {"id": adapter} if is_id(adapter) else find_adapter(self._connection, adapter)
        return f"/adapters/{found['id']}"
