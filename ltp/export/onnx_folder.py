"""An adapter as a graph of ONNX: ids and attention mask in, the labels' probabilities out, for any batch and length.

Beside it are the tokenizer, `nli.json` and an example. With int8 the embeddings and the products of the layers are
quantised; how far its answers are from fp32's is measured on pairs, where some are given.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from ltp.adapter.agreement import Agreement, compared
from ltp.adapter.artefact import Adapter
from ltp.adapter.materialise import materialise
from ltp.backbone.architecture import WORD_EMBEDDINGS
from ltp.backbone.fingerprint import TOKENIZER
from ltp.backbone.load import Backbone
from ltp.errors import NotExportable
from ltp.export import asking, card
from ltp.export.hf import BESIDE, Asked, prepared, write_json
from ltp.export.onnx_graph import ProbabilityGraph
from ltp.export.whole_model import WholeModel
from ltp.ticket.mask import Ticket

MODEL, INPUTS, OUTPUT = "model.onnx", ("input_ids", "attention_mask"), "probabilities"
OPSET = 18
"""What the exporter writes by itself; onnxruntime knows it from 1.14 on."""
LARGEST = 1_800_000_000
"""Bytes of tensors in one file; protobuf ends at two gibibytes."""
Pairs = Sequence[tuple[str, str]]


def check_installed(*, int8: bool) -> None:
    """Raise NotExportable unless what this needs is installed."""
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401

        if int8:
            import onnxruntime  # noqa: F401
    except ImportError as error:
        cure = "install it with pip install 'ltp-nli[export]' where the export is made"
        raise NotExportable(f"ONNX needs a library that is not installed ({error.name}); {cure}") from error


def write_folder(
    folder: Path,
    backbone: Backbone,
    adapter: Adapter,
    ticket: Ticket | None,
    about: Mapping[str, Any],
    *,
    int8: bool = False,
    pairs: Pairs = (),
    largest: int = LARGEST,
) -> Agreement | None:
    """Fill an empty folder; `about` as for `ltp.export.hf`. `pairs` are what int8 is compared with fp32 on.

    Tensors of more than `largest` bytes lie in a file beside the graph.

    Raises:
        NotExportable: a library is not installed, or the backbone's tokenizer cannot be given the template as one text.
        DeltaDoesNotFitTicket: this is not the adapter's ticket, or its delta is not this backbone's.
    """
    check_installed(int8=int8)
    asked = prepared(backbone, adapter)
    words = WholeModel(backbone, adapter, ticket, first=asked.first).whole(WORD_EMBEDDINGS)
    weights = materialise(backbone, adapter, ticket)
    graph = ProbabilityGraph(backbone, adapter, weights, words, int8=False).eval()
    agreement = None
    if int8:
        with TemporaryDirectory(dir=folder) as aside:  # a large one is two files
            plain = Path(aside) / MODEL
            _export(ProbabilityGraph(backbone, adapter, weights, words, int8=True).eval(), plain, largest=largest)
            _quantise(plain, folder / MODEL)
        agreement = _agreement(graph, folder / MODEL, asked, pairs) if pairs else None
    else:
        _export(graph, folder / MODEL, largest=largest)
    measured = {} if agreement is None else {"int8": asdict(agreement)}
    asked.tokenizer.save(str(folder / TOKENIZER), pretty=False)
    write_json(folder / "nli.json", asking.facts(adapter, backbone, asked.question) | measured)
    told = card.of_onnx(adapter, backbone.info, about, int8=int8, agreement=measured.get("int8"))
    (folder / "README.md").write_text(told, encoding="utf-8")
    copyfile(BESIDE / "answer_onnx.py", folder / "answer.py")
    return agreement


def _export(graph: ProbabilityGraph, path: Path, *, largest: int) -> None:
    """Have torch write the graph. What its exporter prints and warns of on the way is no business of the caller's."""
    ids = torch.full((2, 9), graph.example_id)
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    with warnings.catch_warnings(), redirect_stdout(StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            graph,
            (ids, torch.ones_like(ids)),
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise NotExportable("torch's exporter gave no graph")
    _forget_origins(program.model)
    program.save(path, external_data=graph.nbytes > largest)  # then `model.onnx.data` lies beside it


def _forget_origins(model: Any) -> None:
    """Drop what the exporter notes of each operation: the lines of code, and folders, that it is from."""
    for node in model.graph:
        for noted in (node, *node.outputs):
            noted.metadata_props.clear()
    for noted in (model, model.graph):
        noted.metadata_props.clear()


def _quantise(plain: Path, path: Path) -> None:
    """Quantise the layers' products: weights to int8 a column, what they are multiplied with to int8 as it comes.

    In seven bits: processors without VNNI add two products of eight bits in sixteen, which overflows without a word.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises there to prepare the model, which the exporter has done
    try:
        quantize_dynamic(
            plain,
            path,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
    finally:
        root.setLevel(level)


def _agreement(graph: ProbabilityGraph, path: Path, asked: Asked, pairs: Pairs) -> Agreement:
    """Answer the pairs one by one, as `answer.py` does, by both."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    exact, quantised = [], []
    with torch.inference_mode():
        for pair in pairs:
            ids = torch.tensor([asked.question.ids(asked.tokenizer, *pair)])
            mask = torch.ones_like(ids)
            exact.append(graph(ids, mask)[0].double().numpy())
            quantised.append(session.run([OUTPUT], {INPUTS[0]: ids.numpy(), INPUTS[1]: mask.numpy()})[0][0])
    return compared(np.stack(exact), np.stack(quantised).astype(np.float64))
