"""A checkpoint in memory: the pristine parameters, the tokenizer, the special tokens and the verbalizer (3.2).

No code and no pickle from a checkpoint is ever run: the model class is transformers' own, the weights are safetensors.
Importing transformers takes longer than loading a checkpoint, so the model is built only when `Backbone.model` is
read; training and serving compute on the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from torch import Tensor

from ltp.backbone.answer_tokens import SPECIAL, answer_tokens
from ltp.backbone.architecture import (
    DECODER,
    DECODER_BIAS,
    LM_BIAS,
    WORD_EMBEDDINGS,
    Architecture,
    Shapes,
    name_in_file,
)
from ltp.backbone.fingerprint import TOKENIZER, WEIGHTS
from ltp.backbone.manifest import BackboneInfo, read_manifest, remember_checked
from ltp.config import VERBALIZER, Label
from ltp.errors import BackboneIncomplete, BackboneNotFinite

if TYPE_CHECKING:
    from transformers import XLMRobertaForMaskedLM


@dataclass(frozen=True)
class SpecialTokens:
    """Token ids of `<s> </s> <pad> <unk> <mask>`."""

    bos: int
    eos: int
    pad: int
    unk: int
    mask: int

    def ids(self) -> tuple[int, ...]:
        """All five."""
        return (self.bos, self.eos, self.pad, self.unk, self.mask)


@dataclass(frozen=True)
class Backbone:
    """The pretrained model theta, shared by every adapter and never modified.

    `parameters` holds every canonical parameter in fp32, sorted by code point. `verbalizer` (3,) holds token ids in the
    order of `LABELS`.
    """

    info: BackboneInfo
    architecture: Architecture
    tokenizer: Tokenizer
    parameters: dict[str, Tensor]
    special: SpecialTokens
    verbalizer: Tensor

    @property
    def shapes(self) -> Shapes:
        """Shape of every canonical parameter, sorted by code point."""
        return self.info.shapes

    @property
    def decoder(self) -> Tensor:
        """Output embeddings (V, H): the word embeddings, unless the checkpoint has its own."""
        return self.parameters.get(DECODER, self.parameters[WORD_EMBEDDINGS])

    @cached_property
    def model(self) -> XLMRobertaForMaskedLM:
        """transformers' model on the storage of `parameters`, in evaluation mode, without gradients.

        Its output bias is `lm_head.decoder.bias`; `lm_head.bias` is a copy, which nothing computes with. Both are saved
        by `save_pretrained`, also after the model is given output embeddings of its own, so that versions 4 and 5 of
        transformers read the same model.
        """
        return _build_model(self.info, self.parameters)

    def tokens_of(self, words: Mapping[Label, str]) -> Tensor:
        """Token ids of a label space's words, (K,) in their order, where the verbalizer's are.

        Raises:
            VerbalizerNotSingleToken: see `answer_tokens`.
        """
        return torch.tensor(answer_tokens(self.tokenizer, words), device=self.verbalizer.device)

    def on(self, device: str) -> Backbone:
        """The same on another device; itself if it is there already."""
        wanted, here = torch.device(device), self.decoder.device
        if wanted.type == here.type and wanted.index in (None, here.index):
            return self
        parameters = {name: tensor.to(device) for name, tensor in self.parameters.items()}
        return replace(self, parameters=parameters, verbalizer=self.verbalizer.to(device))


def load_backbone(checkpoint: Path | BackboneInfo, *, device: str = "cpu") -> Backbone:
    """Load and check a checkpoint, given by its folder or by its description, which is then not read again.

    What needs a look at all of it is checked once for the same files.

    Raises:
        BackboneNotFound, BackboneIncomplete: see `read_manifest`.
        BackboneNotFinite: naming the tensor with a NaN or an infinity.
        VerbalizerNotSingleToken: naming the word the vocabulary splits.
    """
    info = read_manifest(checkpoint) if isinstance(checkpoint, Path) else checkpoint
    architecture = info.architecture
    parameters = _read_parameters(info, device)
    tokenizer, special = _read_tokenizer(info, architecture)
    verbalizer = torch.tensor(answer_tokens(tokenizer, VERBALIZER), device=device)
    if not info.checked:
        _check_whole(info, parameters, tokenizer)
        remember_checked(info)
    return Backbone(
        info=info,
        architecture=architecture,
        tokenizer=tokenizer,
        parameters=parameters,
        special=special,
        verbalizer=verbalizer,
    )


def _check_whole(info: BackboneInfo, parameters: dict[str, Tensor], tokenizer: Tokenizer) -> None:
    """Look at every value and every piece: a third of the time that loading `mini` takes."""
    for name, tensor in parameters.items():
        low, high = tensor.aminmax()  # NaN and infinities reach both ends, with no mask in memory
        if not (low.isfinite() and high.isfinite()):
            raise BackboneNotFinite(f"{name} of {info.directory} has a NaN or an infinity")
    if max(tokenizer.get_vocab().values()) >= info.vocabulary:
        raise BackboneIncomplete(_too_many_pieces(info))


def _read_parameters(info: BackboneInfo, device: str) -> dict[str, Tensor]:
    parameters = {}
    with safe_open(info.directory / WEIGHTS, "pt", device=device) as file:
        stored = set(file.keys())
        for name in info.shapes:
            parameters[name] = file.get_tensor(name_in_file(name, stored)).to(torch.float32)
    return parameters


def _build_model(info: BackboneInfo, parameters: dict[str, Tensor]) -> XLMRobertaForMaskedLM:
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

    device = parameters[WORD_EMBEDDINGS].device
    config = XLMRobertaConfig.from_json_file(info.directory / "config.json")
    config.tie_word_embeddings = DECODER not in parameters
    config._attn_implementation = "sdpa"  # noqa: SLF001  the constructor's only way to choose it
    with torch.device("meta"):
        model = XLMRobertaForMaskedLM(config)
    missing, _ = model.load_state_dict(parameters, strict=False, assign=True)
    # Two biases that agree: where they are one, an untied model loses the one it computes with when it is saved.
    biases = {DECODER_BIAS: parameters[LM_BIAS], LM_BIAS: parameters[LM_BIAS].clone()}
    model.load_state_dict(biases, strict=False, assign=True)
    if DECODER not in parameters:
        model.lm_head.decoder.weight = model.roberta.embeddings.word_embeddings.weight
    positions = torch.arange(config.max_position_embeddings, device=device).expand((1, -1))
    model.roberta.embeddings.register_buffer("position_ids", positions, persistent=False)
    model.roberta.embeddings.register_buffer("token_type_ids", torch.zeros_like(positions), persistent=False)
    if not {*missing} <= {DECODER, DECODER_BIAS} or any(p.is_meta for p in model.parameters()):
        raise BackboneIncomplete(f"{info.directory} leaves parameters of the model without a value: {missing}")
    model.requires_grad_(requires_grad=False)
    model.train(mode=False)
    return model


def _read_tokenizer(info: BackboneInfo, architecture: Architecture) -> tuple[Tokenizer, SpecialTokens]:
    path = info.directory / TOKENIZER
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for every fault of the file
        raise BackboneIncomplete(f"{path} cannot be read: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    ids = {piece: tokenizer.token_to_id(piece) for piece in SPECIAL}
    if absent := [piece for piece, number in ids.items() if number is None]:
        raise BackboneIncomplete(f"{path} has no {', '.join(absent)}")
    if tokenizer.get_vocab_size() > info.vocabulary:
        raise BackboneIncomplete(_too_many_pieces(info))
    if ids["<pad>"] != architecture.pad:
        raise BackboneIncomplete(f"{path} numbers <pad> {ids['<pad>']}; config.json says otherwise")
    return tokenizer, SpecialTokens(*(int(number) for number in ids.values() if number is not None))


def _too_many_pieces(info: BackboneInfo) -> str:
    return f"{info.directory / TOKENIZER} has more pieces than the model's {info.vocabulary} embedding rows"
