"""Line 3: a step of few-shot training of a 20 % ticket, compared with dense training with masked gradients.

All sides take the same batches of the same pairs, on the ticket of a `decoupled` drift: random bits, a quarter of the
active parameters in the embedding rows of a corpus. The published way multiplies every gradient by its mask and takes
the full vocabulary's logits at every position; the careful peer takes three logits at `<mask>`. Both leave what the
strategy freezes out of backward pass and optimiser. That all compute the same is shown on `mini` without dropout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from bench.figure import Figure
from bench.lines import Options
from bench.material import backbone, pairs, sentences
from bench.side import Measured, run, timed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from ltp.adapter.plan import TrainingPlan
    from ltp.adapter.seed_run import SeedRun
    from ltp.backbone.load import Backbone
    from ltp.ticket.mask import Ticket

NUMBER = 3
TITLE = "Adapter training, 96 examples, 20 % ticket"
PUBLISHED, CAREFUL, STATE, LOSSES = 4, 1.5, 0.25, 1e-3
EXAMPLES, BATCH, SEED = 96, 32, 0
RATIO, IN_EMBEDDINGS = 0.2, 0.25
SENTENCES = 10_000
"""Of the corpus whose tokens' embedding rows a drift would have moved."""
STEPS, SMALL_BATCH = 20, 4
"""Of the comparison of losses: full logits at every position of `mini` take seconds a step."""
PEERS = {
    "published": "transformers XLMRobertaForMaskedLM, sdpa, logits (B, T, V), mask x gradient, torch AdamW fused over "
    "all unfrozen parameters, random batches padded to their longest pair",
    "careful": "transformers XLMRobertaModel, sdpa, LM head at <mask> for three tokens, mask x gradient, torch AdamW "
    "fused over all unfrozen parameters, random batches padded to their longest pair",
}
MODULE = "bench.lines.adapter_step"


def figures(options: Options) -> Iterator[Figure]:
    for precision in ("fp32", "bf16"):
        given: dict[str, Any] = {"data": options.data, "precision": precision}
        mine = run(f"{MODULE}:ours", **given)
        for peer, limit in (("published", PUBLISHED), ("careful", CAREFUL)):
            theirs = run(f"{MODULE}:dense", peer=peer, **given)
            name = f"adapter steps, base, {precision}, against the {peer} way"
            yield Figure.faster(NUMBER, name, mine, theirs, unit="steps", limit=limit, peer_is=PEERS[peer])
        if precision == "fp32":
            yield Figure.compared(
                NUMBER,
                "optimiser state, base",
                "MB",
                ours=mine.detail["state_mb"],
                peer=theirs.detail["state_mb"],
                goal="at most",
                limit=STATE,
                peer_is="AdamW's two moments of all unfrozen parameters and the soft prompt's",
            )
    mine = run(f"{MODULE}:our_losses", data=options.data)
    theirs = run(f"{MODULE}:dense_losses", data=options.data)
    ours, dense = mine.detail["losses"], theirs.detail["losses"]
    largest = max(abs(first - second) for first, second in zip(ours, dense, strict=True))
    yield Figure.absolute(
        NUMBER,
        f"largest difference of losses, mini, {STEPS} steps, no dropout",
        "nats",
        largest,
        goal="at most",
        limit=LOSSES,
        peer_is=PEERS["published"],
        our_losses=ours,
        peer_losses=dense,
    )


def ours(data: str | None, precision: str) -> Measured:
    """Seconds of each of three training steps."""
    running = our_run(plan_for("base", data, precision=precision, batch=BATCH, examples=EXAMPLES))
    seconds = timed(running.step, runs=3)
    moments = [tensor.nbytes for name, tensor in running.tensors().items() if ".exp_avg" in name]
    return Measured(seconds, detail={"state_mb": sum(moments) / 1e6})


def dense(data: str | None, precision: str, peer: str) -> Measured:
    """Seconds of each of three training steps of a peer."""
    training = Dense(plan_for("base", data, precision=precision, batch=BATCH, examples=EXAMPLES), peer)
    seconds = timed(training.step, runs=3)
    state = training.optimizer.state.values()
    return Measured(
        seconds, detail={"state_mb": sum(s["exp_avg"].nbytes + s["exp_avg_sq"].nbytes for s in state) / 1e6}
    )


def our_losses(data: str | None) -> Measured:
    running = our_run(small_plan(data))
    losses: list[float] = []
    return Measured(timed(lambda: losses.append(running.step()), runs=STEPS, warmup=0), detail={"losses": losses})


def dense_losses(data: str | None) -> Measured:
    training = Dense(small_plan(data), "published")
    losses: list[float] = []
    return Measured(timed(lambda: losses.append(training.step()), runs=STEPS, warmup=0), detail={"losses": losses})


def small_plan(data: str | None) -> TrainingPlan:
    """What the losses are compared on: no dropout, small batches."""
    return plan_for("mini", data, precision="fp32", batch=SMALL_BATCH, examples=STEPS * SMALL_BATCH, dropout=False)


def plan_for(
    name: str, data: str | None, *, precision: str, batch: int, examples: int, dropout: bool = True
) -> TrainingPlan:
    """One training run before its first step, as the product prepares it."""
    from dataclasses import replace

    from ltp.adapter.plan import make_plan
    from ltp.backbone.load import load_backbone
    from ltp.config import AdapterConfig
    from ltp.text.examples import Example

    pretrained = load_backbone(backbone(name))
    if not dropout:
        silent = replace(pretrained.architecture, dropout=0.0, attention_dropout=0.0)
        pretrained = replace(pretrained, architecture=silent)
    labelled = [Example(*pair) for pair in pairs(data, examples)]  # type: ignore[arg-type]
    config = AdapterConfig(batch_size=batch, precision=precision, seed=SEED)  # type: ignore[arg-type]
    return make_plan(
        pretrained,
        ticket_like_a_drifts(pretrained, sentences(data)),
        method="ltp",
        train=labelled,
        dev=labelled[:3],
        test=(),
        config=config,
        seeds=1,
    )


def ticket_like_a_drifts(pretrained: Backbone, corpus: list[str]) -> Ticket:
    """Random bits: a quarter of the active ones in the embedding rows of `corpus`, the rest all over the layers."""
    from math import prod

    import numpy as np

    from ltp.backbone.architecture import WORD_EMBEDDINGS
    from ltp.backbone.strategy import STRATEGIES
    from ltp.ticket.mask import Ticket

    generator = np.random.default_rng(SEED)
    shapes = STRATEGIES["decoupled"].selectable_shapes(pretrained.shapes)
    vocabulary, hidden = shapes[WORD_EMBEDDINGS]
    encoded = pretrained.tokenizer.encode_batch_fast(corpus[:SENTENCES], add_special_tokens=False)
    rows = np.unique(np.concatenate([np.asarray(each.ids, np.int64) for each in encoded if each.ids]))
    selectable = sum(map(prod, shapes.values()))
    wanted = RATIO * selectable
    density = min(1.0, IN_EMBEDDINGS * wanted / (len(rows) * hidden))
    words = np.zeros((vocabulary, hidden), bool)
    words[rows] = generator.random((len(rows), hidden), np.float32) < density
    elsewhere = (wanted - words.sum()) / (selectable - vocabulary * hidden)
    masks: dict[str, NDArray[np.uint8]] = {}
    for name, shape in shapes.items():
        active = words if name == WORD_EMBEDDINGS else generator.random(prod(shape), np.float32) < elsewhere
        masks[name] = np.packbits(active, bitorder="little")
    return Ticket(masks, shapes, selectable, selectable, 0, "decoupled", pretrained.info.fingerprint)


def our_run(plan: TrainingPlan) -> SeedRun:
    """The product's training, before its first step."""
    from ltp.adapter.seed_run import SeedRun
    from ltp.adapter.sparse import SparseParameters, touched_rows

    rows = touched_rows(plan.backbone, plan.train.encoded, tied=False)
    return SeedRun(plan, SparseParameters(plan.backbone, plan.ticket, rows=rows), seed=SEED)


class Dense:
    """The peers: transformers' model with a soft prompt, every unfrozen parameter in the optimiser."""

    def __init__(self, plan: TrainingPlan, peer: str) -> None:
        import torch

        from ltp.adapter.seed_run import INITIAL, ORDER
        from ltp.model.soft_prompt import SoftPrompt
        from ltp.training.seeds import step_seed

        assert plan.ticket is not None
        self.plan, self.steps = plan, 0
        self.autocast: Callable[[], Any] = lambda: torch.autocast(
            "cpu", torch.bfloat16, enabled=plan.config.precision == "bf16"
        )
        self.order = [
            torch.randperm(len(plan.train), generator=torch.Generator().manual_seed(step_seed(SEED, ORDER, epoch)))
            for epoch in range(2)
        ]
        self.prompt = SoftPrompt(plan.config.prompt_length, plan.backbone.info.hidden, seed=step_seed(SEED, INITIAL))
        self.model = plan.backbone.model.train()
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = plan.backbone.architecture.dropout
        decoder = self.model.lm_head.decoder
        decoder.weight = torch.nn.Parameter(decoder.weight.detach(), requires_grad=False)  # pristine: `decoupled`
        self.masks = {}
        for name, parameter in self.model.named_parameters():
            if name in plan.ticket.shapes:
                bits = torch.zeros(parameter.numel(), dtype=torch.bool)
                bits[plan.ticket.positions(name)] = True
                self.masks[parameter.requires_grad_()] = bits.view_as(parameter)
        groups = [
            {"params": [*self.masks], "lr": plan.learning_rate},
            {"params": [*self.prompt.parameters()], "lr": plan.prompt_learning_rate},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.0, fused=True)
        self.logits = {"published": self.logits_everywhere, "careful": self.logits_at_mask}[peer]

    def step(self) -> float:
        """Take one step; return its loss."""
        import torch.nn.functional as F

        epoch, index = divmod(self.steps, self.plan.steps_per_epoch)
        size = self.plan.config.batch_size
        chosen = self.order[epoch][index * size : (index + 1) * size]
        with self.autocast():
            logits = self.logits(*self.inputs(chosen.tolist()))
        loss = F.cross_entropy(logits.float(), self.plan.train.labels[chosen])
        loss.backward()  # type: ignore[no-untyped-call]
        for parameter, mask in self.masks.items():
            parameter.grad.mul_(mask)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.steps += 1
        return loss.item()

    def inputs(self, chosen: list[int]) -> tuple[dict[str, Tensor], Tensor]:
        """What the model is called with, and where each pair's `<mask>` stands."""
        import torch

        encoded, pad = [self.plan.train.encoded[index] for index in chosen], self.plan.pad
        lengths = torch.tensor([len(example.ids) for example in encoded])
        longest = int(lengths.max())
        ids = torch.tensor([example.ids + [pad] * (longest - len(example.ids)) for example in encoded])
        rows, count = torch.arange(len(encoded))[:, None], self.plan.config.prompt_length
        slots = lengths[:, None] - 2 - count + torch.arange(count)
        words = self.model.roberta.embeddings.word_embeddings(ids)
        words = words.index_put((rows, slots), self.prompt().to(words.dtype))
        given = {
            "inputs_embeds": words,
            "attention_mask": (torch.arange(longest) < lengths[:, None]).long(),
            "position_ids": torch.arange(longest).expand(len(encoded), -1) + pad + 1,
        }
        return given, lengths - 2

    def logits_everywhere(self, given: dict[str, Tensor], mask: Tensor) -> Tensor:
        import torch

        logits = self.model(**given).logits  # (B, T, V)
        at_mask: Tensor = logits[torch.arange(len(mask)), mask]
        return at_mask[:, self.plan.backbone.verbalizer]

    def logits_at_mask(self, given: dict[str, Tensor], mask: Tensor) -> Tensor:
        import torch
        import torch.nn.functional as F

        hidden = self.model.roberta(**given).last_hidden_state[torch.arange(len(mask)), mask]  # (B, H)
        head, words = self.model.lm_head, self.plan.backbone.verbalizer
        hidden = head.layer_norm(F.gelu(head.dense(hidden)))
        return F.linear(hidden, head.decoder.weight[words], head.bias[words])
