"""The parameters of XLM-R's masked language model: names, shapes and layers, from its configuration. Imports no torch.

Names are those of transformers' `XLMRobertaForMaskedLM`. Each parameter counts once, under one name: the output bias is
`lm_head.bias`, the decoder's weight is the word embeddings unless a checkpoint stores one that differs. Files have them
under other names as well: `name_in_file`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ltp.errors import BackboneIncomplete, BackboneNotFound

Shapes = dict[str, tuple[int, ...]]

WORD_EMBEDDINGS = "roberta.embeddings.word_embeddings.weight"
POSITION_EMBEDDINGS = "roberta.embeddings.position_embeddings.weight"
TYPE_EMBEDDINGS = "roberta.embeddings.token_type_embeddings.weight"
EMBEDDING_MATRICES = (WORD_EMBEDDINGS, POSITION_EMBEDDINGS, TYPE_EMBEDDINGS)
DECODER = "lm_head.decoder.weight"
LM_BIAS = "lm_head.bias"
DECODER_BIAS = "lm_head.decoder.bias"
BY_ROWS = (*EMBEDDING_MATRICES, DECODER, LM_BIAS)
"""What has a row for each token, position or type, few of which a training on few examples reaches."""

ACTIVATIONS = ("gelu", "relu", "silu")

_LAYER = re.compile(r"^roberta\.encoder\.layer\.(\d+)\.")
_UNUSED = re.compile(r"^roberta\.pooler\.|(^|\.)(position_ids|token_type_ids)$")
_NUMBERS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)


@dataclass(frozen=True)
class Architecture:
    """The numbers of a `config.json` that decide names and shapes."""

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    intermediate: int
    positions: int
    types: int
    pad: int
    norm_epsilon: float
    activation: str
    dropout: float
    attention_dropout: float

    @property
    def max_positions(self) -> int:
        """Tokens in the longest input: positions are counted from pad + 1."""
        return self.positions - self.pad - 1


def read_architecture(directory: Path) -> Architecture:
    """Read and check `config.json`.

    Raises:
        BackboneNotFound: there is no such folder or no configuration in it.
        BackboneIncomplete: it does not describe an XLM-R encoder.
    """
    path = directory / "config.json"
    if not path.is_file():
        raise BackboneNotFound(f"{directory} holds no config.json; name a folder with an XLM-R checkpoint")
    try:
        config = json.loads(path.read_bytes())
        kind = config.get("model_type")
        numbers = [config[key] for key in _NUMBERS]
        pad = config.get("pad_token_id", 1)
        epsilon = config.get("layer_norm_eps", 1e-12)
        activation = config.get("hidden_act", "gelu")
        rates = [config.get(key, 0.1) for key in ("hidden_dropout_prob", "attention_probs_dropout_prob")]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BackboneIncomplete(f"config.json of {directory} cannot be used: {error!r}") from error
    _check(directory, config, kind, [*numbers, pad])
    _check_arithmetic(directory, activation, epsilon, rates)
    vocabulary, hidden, layers, heads, intermediate, positions, types = numbers
    return Architecture(
        vocabulary, hidden, layers, heads, intermediate, positions, types, pad, float(epsilon), activation, *rates
    )


def _check(directory: Path, config: dict[str, Any], kind: object, numbers: list[Any]) -> None:
    if kind != "xlm-roberta":
        raise BackboneIncomplete(f"{directory} holds a model of type {kind!r}; an 'xlm-roberta' one is needed")
    if config.get("is_decoder") or config.get("add_cross_attention"):
        raise BackboneIncomplete(f"{directory} holds a decoder; a masked language model is needed")
    if any(type(number) is not int or not 0 < number < 2**31 for number in numbers):
        raise BackboneIncomplete(f"config.json of {directory} has sizes that are not positive whole numbers: {numbers}")
    if numbers[1] % numbers[3] or numbers[5] <= numbers[7] + 1:
        raise BackboneIncomplete(f"config.json of {directory} has sizes that do not fit together: {numbers}")


def _check_arithmetic(directory: Path, activation: object, epsilon: object, rates: list[Any]) -> None:
    if activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise BackboneIncomplete(f"config.json of {directory} has hidden_act {activation!r}; known are {known}")
    if type(epsilon) not in (int, float) or not 0 < epsilon < 1:  # type: ignore[operator]
        raise BackboneIncomplete(f"config.json of {directory} has layer_norm_eps {epsilon!r}; it lies between 0 and 1")
    if any(type(rate) not in (int, float) or not 0 <= rate < 1 for rate in rates):
        raise BackboneIncomplete(f"config.json of {directory} has dropout rates {rates}; they lie in [0, 1)")


def expected_shapes(arch: Architecture) -> Shapes:
    """Name every parameter of the tied model with its shape, sorted by code point."""
    h, i = arch.hidden, arch.intermediate
    shapes: Shapes = {
        WORD_EMBEDDINGS: (arch.vocabulary, h),
        POSITION_EMBEDDINGS: (arch.positions, h),
        TYPE_EMBEDDINGS: (arch.types, h),
        LM_BIAS: (arch.vocabulary,),
    }
    shapes |= _linear("lm_head.dense", h, h)
    shapes |= _norm("lm_head.layer_norm", h) | _norm("roberta.embeddings.LayerNorm", h)
    for layer in range(arch.layers):
        block = f"roberta.encoder.layer.{layer}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _linear(f"{block}.attention.{part}", h, h)
        shapes |= _linear(f"{block}.intermediate.dense", i, h) | _linear(f"{block}.output.dense", h, i)
        shapes |= _norm(f"{block}.attention.output.LayerNorm", h) | _norm(f"{block}.output.LayerNorm", h)
    return dict(sorted(shapes.items()))


def name_in_file(name: str, stored: Container[str]) -> str:
    """Say under which name a file that holds the names `stored` has a parameter's values.

    The decoder's bias is what the model computes with: transformers 5 trains and saves it beside an `lm_head.bias` that
    nothing reads when the embeddings are not tied. Of two names for one tensor a file may hold either.
    """
    if name == LM_BIAS and DECODER_BIAS in stored:
        return DECODER_BIAS
    if name == WORD_EMBEDDINGS and name not in stored and DECODER in stored:
        return DECODER
    return name


def _linear(name: str, rows: int, columns: int) -> Shapes:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def _norm(name: str, size: int) -> Shapes:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def is_unused(name: str) -> bool:
    """Tell whether a checkpoint may carry `name` although the masked language model has no such parameter."""
    return _UNUSED.search(name) is not None


def is_layer_norm(name: str) -> bool:
    """Tell whether `name` belongs to one of the LayerNorms."""
    return ".LayerNorm." in name or ".layer_norm." in name


def layer_of(name: str) -> int | None:
    """Give the layer a parameter belongs to: 0 for the embeddings, 1..L for the layers, None for the LM head."""
    if match := _LAYER.match(name):
        return int(match.group(1)) + 1
    return 0 if name.startswith("roberta.embeddings.") else None
