"""An adapter as a folder of transformers: the delta merged, the soft prompt as added tokens, a card, an example.

`XLMRobertaForMaskedLM` for methods that predict a word, of which `pipeline("fill-mask", targets=...)` gives the scores;
`XLMRobertaForSequenceClassification` for a classification head. transformers is not imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from typing import Any

from tokenizers import Tokenizer

from ltp.adapter.artefact import Adapter
from ltp.backbone.fingerprint import TOKENIZER, WEIGHTS
from ltp.backbone.load import Backbone
from ltp.errors import NotExportable
from ltp.export import asking, card, checkpoint
from ltp.export.tokenizer import exported_tokenizer, prompt_tokens
from ltp.export.whole_model import WholeModel
from ltp.ticket.mask import Ticket

BESIDE = Path(__file__).parent / "beside"
LEFT_OUT = ("_name_or_path", "torch_dtype", "transformers_version", "auto_map", "quantization_config")
"""Of the backbone's configuration: what is not so of the export."""


def write_folder(
    folder: Path, backbone: Backbone, adapter: Adapter, ticket: Ticket | None, about: Mapping[str, Any]
) -> None:
    """Fill an empty folder. `about` is what is known of the adapter, as the API shows it: `lang`, `metrics`, ...

    Raises:
        NotExportable: the backbone's tokenizer cannot be given the template as one text.
        DeltaDoesNotFitTicket: this is not the adapter's ticket, or its delta is not this backbone's.
    """
    asked = prepared(backbone, adapter)
    model = WholeModel(backbone, adapter, ticket, first=asked.first)
    checkpoint.write(folder / WEIGHTS, model.tensors(), {"format": "pt"})
    asked.tokenizer.save(str(folder / TOKENIZER), pretty=False)
    facts = asking.facts(adapter, backbone, asked.question)
    write_json(folder / "config.json", _configuration(backbone, adapter, model))
    write_json(folder / "tokenizer_config.json", tokenizer_configuration(backbone, adapter))
    write_json(folder / "nli.json", facts)
    (folder / "README.md").write_text(card.written(adapter, backbone.info, about, facts), encoding="utf-8")
    example = "answer_classifier.py" if model.classifies else "answer_masked.py"
    copyfile(BESIDE / example, folder / "answer.py")


class Asked:
    """An adapter's tokenizer, its first soft token's id, and how it is asked."""

    def __init__(self, tokenizer: Tokenizer, question: asking.Question, *, first: int) -> None:
        self.tokenizer, self.question, self.first = tokenizer, question, first


def prepared(backbone: Backbone, adapter: Adapter) -> Asked:
    """Make the tokenizer, and make sure that it gives the engine's ids. Raises NotExportable."""
    length = len(adapter.prompt)
    tokenizer = exported_tokenizer(backbone.info, prompt_length=length, text_form=adapter.text_form)
    first = tokenizer.get_vocab_size() - length
    asked = Asked(tokenizer, asking.question_of(adapter, backbone, first=first), first=first)
    if [tokenizer.token_to_id(token) for token in prompt_tokens(length)] != [*range(first, first + length)]:
        raise NotExportable(f"the tokenizer of backbone {backbone.info.name} numbers or names tokens so that none fit")
    asking.check_ids(adapter, backbone, asked.question, tokenizer)
    return asked


def _configuration(backbone: Backbone, adapter: Adapter, model: WholeModel) -> dict[str, Any]:
    stored = json.loads((backbone.info.directory / "config.json").read_bytes())
    kept = {name: value for name, value in stored.items() if name not in LEFT_OUT}
    made = {"vocab_size": model.vocabulary, "tie_word_embeddings": model.tied, "dtype": "float32"}
    if not model.classifies:
        return kept | made | {"architectures": ["XLMRobertaForMaskedLM"]}
    labels = list(adapter.verbalizer.labels)
    classes = {
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
        "problem_type": "single_label_classification",
    }
    return kept | made | classes | {"architectures": ["XLMRobertaForSequenceClassification"]}


def tokenizer_configuration(backbone: Backbone, adapter: Adapter) -> dict[str, Any]:
    """What has transformers read `tokenizer.json` as it is; the class of its own for XLM-R would make another one."""
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{f"{name}_token": token for name, token in names.items()},
        "model_max_length": min(adapter.template.max_length, backbone.info.max_positions),
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write what people look at, too."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
