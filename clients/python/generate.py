"""Writes what is written by no hand: the models, from the service's OpenAPI document, and `sync`, from `aio`.

`make client` runs it in the project's root; a test fails when its result differs from what is there.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import unasync
from datamodel_code_generator import DataModelType, LiteralType, PythonVersion, generate
from datamodel_code_generator.enums import OpenAPIScope
from datamodel_code_generator.format import Formatter

PACKAGE = Path(__file__).parent / "ltp_client"
HEAD = '"""{}\n\nWritten by `make client` from the service\'s OpenAPI document.\n"""'
ANSWERS = HEAD.format(
    "What the service answers. What a later release adds to an answer is there as a further attribute."
)
REQUESTS = HEAD.format("What requests may say besides a method's own parameters, as keyword arguments.")
NOT_MODELS = re.compile(r"Page_.*|AnswersPage|Refusal|FieldFault|Health|\w+Accepted")
"""What the client's own code stands for: lists, errors, and work that was accepted."""
OWN_PARAMETERS = {
    "AdapterRequest": {"lang", "examples", "dev_examples", "test_examples", "sources"},
    "CheckRequest": {"task"},
    "CompositionRequest": {"lang", "terms"},
    "EstimateRequest": {"pairs"},
    "LanguageTextRequest": {"corpus"},
    "PredictionRequest": {"lang", "adapter", "as"},
    "PredictRequest": {"lang", "adapter", "as", "pairs"},
    "TicketRequest": {"corpus", "drift"},
}
"""Of a request, what methods take as parameters of their own."""
ELEMENTS = {"AddressedPair", "LabelledPair", "Term", "Columns"}
HYPERPARAMETERS = re.compile(r"\w+Config")
DECORATION = {
    "title",
    "examples",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
}
DECORATION |= {"pattern", "minItems", "maxItems", "maxProperties", "minProperties", "propertyNames", "uniqueItems"}
"""Of a schema, what the service checks and a type does not say."""
CONFIG = re.compile(r"    model_config = ConfigDict\(\n +use_attribute_docstrings=True,\n +\)\n")
"""What `Record` says for all of them."""
SYNC = {
    "AsyncClient": "Client",
    "AsyncConnection": "Connection",
    "AsyncRunning": "Running",
    "aclose": "close",
    "aclosing": "closing",
    "aiter_bytes": "iter_bytes",
    "aread": "read",
    "aio": "sync",
    "asyncio": "time",
}


def answers_and_requests(document: Mapping[str, Any]) -> tuple[str, str]:
    """The text of `models.py` and of `requests.py`."""
    schemas = document["components"]["schemas"]
    asked = {name for name, schema in schemas.items() if schema.get("additionalProperties") is False}
    asked |= ELEMENTS | {name for name in schemas if HYPERPARAMETERS.fullmatch(name)}
    kept = asked & _reached(schemas, set(OWN_PARAMETERS) | ELEMENTS | {"SuggestionRequest", "KeyRequest"})
    answers = {name: schema for name, schema in schemas.items() if name not in asked and not NOT_MODELS.fullmatch(name)}
    return (
        _module(
            ANSWERS,
            {_short(name): _answer(answers[name]) for name in sorted(answers)},
            DataModelType.PydanticV2BaseModel,
        ),
        _module(
            REQUESTS, {name: _request(name, schemas[name]) for name in sorted(kept)}, DataModelType.TypingTypedDict
        ),
    )


def _reached(schemas: Mapping[str, Any], names: set[str]) -> set[str]:
    """These schemas, and those that they refer to, without what methods take themselves."""
    found = set()
    left = sorted(names)
    while left:
        name = left.pop()
        found.add(name)
        left += [each for each in _references(_request(name, schemas[name])) if each not in found]
    return found


def _references(node: Any) -> Iterator[str]:
    yield from re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(node))


def _answer(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An answer's schema: what may be null may be missing, as in answers of an older service."""
    plain = _plain(schema, open_ended=True)
    for told in plain["properties"].values():
        if {"type": "null"} in told.get("anyOf", ()):
            told["default"] = None
        if isinstance(told.get("default"), dict) and "$ref" in told:
            del told["default"]
    plain["required"] = [name for name in plain.get("required", ()) if "default" not in plain["properties"][name]]
    return plain


def _request(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A request's schema, without what methods take themselves; every field may be left out."""
    plain = _plain(schema, open_ended=False)
    own = OWN_PARAMETERS.get(name, set())
    kept = {field: told for field, told in plain["properties"].items() if field not in own}
    for told in kept.values():
        told.pop("default", None)
    return {"type": "object", "properties": kept, "description": plain.get("description", "")}


def _plain(node: Any, *, open_ended: bool) -> Any:
    """A schema without what a type does not say; `open_ended`: a later release may have further values."""
    if isinstance(node, list):
        return [_plain(each, open_ended=open_ended) for each in node]
    if not isinstance(node, Mapping):
        return node
    if "properties" in node:
        fields = {name: _plain(told, open_ended=open_ended) for name, told in node["properties"].items()}
        rest = {key: node[key] for key in ("description", "required") if key in node}
        return {"type": "object", "properties": fields, **rest}
    plain = {key: _plain(value, open_ended=open_ended) for key, value in node.items() if key not in DECORATION}
    if "$ref" in plain:
        plain["$ref"] = f"#/components/schemas/{_short(plain['$ref'].rpartition('/')[2])}"
    if open_ended and ("enum" in plain or "const" in plain):
        rest = {key: plain.pop(key) for key in ("description", "default") if key in plain}
        return {"anyOf": [plain, {"type": plain["type"]}], **rest}
    return plain


def _short(name: str) -> str:
    return name.removesuffix("Public")


def _module(head: str, schemas: Mapping[str, Any], kind: DataModelType) -> str:
    document = {"openapi": "3.1.0", "info": {"title": "LTP", "version": "1"}, "paths": {}}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "models.py"
        generate(
            json.dumps(document | {"components": {"schemas": schemas}}),
            input_file_type="openapi",
            output=out,
            output_model_type=kind,
            target_python_version=PythonVersion.PY_310,
            openapi_scopes=[OpenAPIScope.Schemas],
            base_class="ltp_client.record.Record" if kind == DataModelType.PydanticV2BaseModel else "",
            custom_file_header=head,
            enum_field_as_literal=LiteralType.All,
            use_annotated=True,
            use_attribute_docstrings=True,
            use_field_description=True,
            use_inline_field_description=True,
            use_schema_description=True,
            use_union_operator=True,
            use_standard_collections=True,
            use_double_quotes=True,
            use_single_line_docstring=True,
            use_total_false_for_typed_dict=True,
            strict_nullable=True,
            keep_model_order=True,
            aliases={"as": "answered_as"},
            formatters=[Formatter.BUILTIN],
        )
        return CONFIG.sub("", out.read_text("utf-8")).replace(
            "typing_extensions import TypedDict", "typing import TypedDict"
        )


def synchronous(aio: Path, folder: Path) -> Iterator[Path]:
    """Write `sync` from `aio` below `folder`, and name the files."""
    rule = unasync.Rule(f"{aio}/", f"{folder}/", additional_replacements=SYNC)
    for path in sorted(aio.glob("*.py")):
        unasync.unasync_files([str(path)], [rule])
        yield folder / path.name


def write(document: Mapping[str, Any], package: Path) -> list[Path]:
    """Write everything into a copy of the package; returns the files, formatted."""
    models, requests = package / "models.py", package / "requests.py"
    for path, text in zip((models, requests), answers_and_requests(document), strict=True):
        path.write_text(text, encoding="utf-8")
    written = [models, requests, *synchronous(PACKAGE / "aio", package / "sync")]
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--config", str(PACKAGE.parent / "pyproject.toml")]
    tidied = [*ruff, "check", "--quiet", "--fix", "--exit-zero", "--select", "I,F401,UP", "--ignore", "UP028"]
    subprocess.run([*tidied, *settings, *written], check=True)
    subprocess.run([*ruff, "format", "--quiet", *settings, *written], check=True)
    return written


def main() -> None:
    """Write the package's files from the OpenAPI document of this tree."""
    from app.main import create_app
    from app.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        document = create_app(Settings(_env_file=None, data_dir=Path(folder), auth="off")).openapi()
    for path in write(document, PACKAGE):
        sys.stdout.write(f"{path.relative_to(PACKAGE.parent)}\n")


if __name__ == "__main__":
    main()
