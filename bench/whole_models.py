"""What a careful user serves one classifier with, instead of the engine: transformers, OpenVINO, onnxruntime.

Each gives `answer(pairs)` for a backbone and a precision. Tokens are made while it answers, pairs are sorted by length
and padded to the longest of their batch, and models are set up as their documentation says for a CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from bench.material import BUILD, backbone
from ltp.config import Precision
from ltp.model.arithmetic import DTYPES

BATCH, LONGEST = 32, 256
Text = tuple[str, str, str]
Answer = Callable[[Sequence[Text]], list[list[float]]]
INPUTS = ("input_ids", "attention_mask")


def tokenizer() -> Any:
    """XLM-R's, as transformers has it."""
    from transformers import PreTrainedTokenizerFast

    names = {"bos": "<s>", "eos": "</s>", "cls": "<s>", "sep": "</s>", "unk": "<unk>", "pad": "<pad>", "mask": "<mask>"}
    special = {f"{name}_token": token for name, token in names.items()}
    return PreTrainedTokenizerFast(tokenizer_file=str(backbone("base") / "tokenizer.json"), **special)


def sorted_by_length(model: Callable[[dict[str, torch.Tensor]], torch.Tensor]) -> Answer:
    """Answer in batches of pairs of like length, the longest first; the answers are in the order of the pairs."""
    tokens = tokenizer()

    def answer(pairs: Sequence[Text]) -> list[list[float]]:
        read = tokens([p for p, _, _ in pairs], [h for _, h, _ in pairs], truncation=True, max_length=LONGEST)
        order = sorted(range(len(pairs)), key=lambda index: -len(read["input_ids"][index]))
        answers: dict[int, list[float]] = {}
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            padded = tokens.pad({name: [read[name][index] for index in batch] for name in INPUTS}, return_tensors="pt")
            answers |= zip(batch, model(padded).float().softmax(-1).tolist(), strict=True)
        return [answers[index] for index in range(len(pairs))]

    return answer


def transformers(name: str, precision: Precision) -> Answer:
    """`AutoModelForSequenceClassification` with sdpa, in the precision throughout."""
    model = _classifier(name, precision)
    return sorted_by_length(torch.inference_mode()(lambda batch: model(**batch).logits))


def openvino(name: str, precision: Precision) -> Answer:
    """The same model converted by OpenVINO, compiled for latency with as many threads as torch has."""
    import openvino as ov

    path = BUILD / f"openvino-{name}" / "model.xml"
    if not path.exists():
        example = {each: torch.ones(2, 9, dtype=torch.int64) for each in INPUTS}
        ov.save_model(ov.convert_model(_classifier(name, "fp32"), example_input=example), path, compress_to_fp16=False)
    settings = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    request = ov.Core().compile_model(path, "CPU", settings).create_infer_request()

    def model(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        found = request.infer({each: batch[each].numpy() for each in INPUTS}, share_inputs=True)
        return torch.from_numpy(found[0])

    return sorted_by_length(model)


def onnxruntime(name: str, precision: Precision, *, int8: bool = False) -> Answer:
    """The project's own export for onnxruntime, plain or with dynamic int8; it answers with probabilities."""
    import onnxruntime as ort

    assert precision == "fp32", "onnxruntime has no bf16 on a CPU"
    options = ort.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = ort.InferenceSession(_exported(name, int8=int8), options, providers=["CPUExecutionProvider"])

    def model(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        (found,) = session.run(None, {each: batch[each].numpy() for each in INPUTS})
        return torch.from_numpy(found).log()

    return sorted_by_length(model)


def _classifier(name: str, precision: Precision) -> Any:
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(
        backbone(name), num_labels=3, dtype=DTYPES[precision]
    ).eval()


def _exported(name: str, *, int8: bool) -> str:
    from bench import adapters
    from ltp.backbone.load import load_backbone
    from ltp.export.onnx_folder import MODEL, write_folder

    folder = BUILD / f"onnx-{name}{'-int8' if int8 else ''}"
    if not (folder / "nli.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        loaded = load_backbone(backbone(name))
        ticket = adapters.ticket(loaded, 0.01)
        about = {"language": "en", "name": "bench"}
        write_folder(folder, loaded, adapters.adapter(loaded, ticket, seed=0), ticket, about, int8=int8)
    return str(folder / MODEL)
