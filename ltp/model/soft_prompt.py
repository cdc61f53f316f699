"""The soft prompt of 3.2: n trainable vectors, reparameterised by a bidirectional LSTM and an MLP.

Training runs the module once a step; only its output, (n, H), is published. Training that begins from a published
prompt has that output and nothing else, so it moves the output itself.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SoftPrompt(nn.Module):
    """n vectors from N(0, 1), a two-layer BiLSTM with H/2 a direction, an MLP H-ReLU-H (4.2: n = 4).

    Args:
        length: n, the soft tokens.
        hidden: H, the backbone's hidden size; even.
        seed: decides every initial value; torch's global generator is left as it was.
    """

    def __init__(self, length: int, hidden: int, *, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.vectors = nn.Parameter(torch.randn(length, hidden))
            self.lstm = nn.LSTM(hidden, hidden // 2, num_layers=2, bidirectional=True)
            self.mlp = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden))

    def forward(self) -> Tensor:
        """Return the soft tokens' embeddings, (n, H)."""
        states, _ = self.lstm(self.vectors)  # (n, H)
        prompt: Tensor = self.mlp(states)
        return prompt


class PublishedPrompt(nn.Module):
    """A published prompt's n vectors, (n, H), which are trained as they are."""

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self.vectors = nn.Parameter(vectors.clone())

    def forward(self) -> Tensor:
        """Return the soft tokens' embeddings, (n, H)."""
        return self.vectors
