"""The network: a small BERT, its first token's state, one linear head per label.

All heads share one direction, the *judgement* (is this a violation at all), learned from every
pair whatever its dimension; each head adds its own. The sum is again one linear layer, which is
what `merged` exports. Word embeddings stay as they were pre-trained: words that the small corpus
never shows keep their place beside those it does.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertModel

from classifiers.rows import DIMENSIONS, HEADS


class Network(nn.Module):
    def __init__(self, base: Path) -> None:
        super().__init__()
        self.encoder = BertModel.from_pretrained(
            base,
            add_pooling_layer=False,
            attention_probs_dropout_prob=0.0,
            attn_implementation="eager",  # its backward pass is a quarter faster on a CPU with AMX
        )
        self.encoder.embeddings.word_embeddings.weight.requires_grad = False
        width = self.encoder.config.hidden_size
        self.dropout = nn.Dropout(0.1)
        self.heads = nn.Linear(width, len(HEADS))
        self.judgement = nn.Linear(width, 1)
        mask = torch.tensor([float(head in DIMENSIONS) for head in HEADS])
        self.register_buffer("judged", mask, persistent=False)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the heads [rows, heads], and of the judgement [rows]."""
        state = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
        state = self.dropout(state)
        judgement = self.judgement(state)
        return self.heads(state) + judgement * self.judged, judgement.squeeze(-1)

    def merged(self) -> nn.Linear:
        """One linear layer that gives the heads' logits."""
        layer = nn.Linear(self.heads.in_features, self.heads.out_features)
        with torch.no_grad():
            extra = self.judged[:, None] * self.judgement.weight
            layer.weight.copy_(self.heads.weight + extra)
            layer.bias.copy_(self.heads.bias + self.judged * self.judgement.bias)
        return layer


def padded(
    batch: list[tuple[int, ...]], pad: int, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """Token ids and mask of a batch, padded to its longest row."""
    longest = max(map(len, batch))
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in batch])
    lengths = torch.tensor([len(row) for row in batch])
    mask = (torch.arange(longest)[None] < lengths[:, None]).long()
    return ids.to(device), mask.to(device)
