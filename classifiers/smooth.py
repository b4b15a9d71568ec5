"""Activations with outlying channels, made fit for int8.

A few channels of this encoder reach thirty times the rest, and one scale for a whole activation
then leaves the rest a handful of steps. As SmoothQuant (Xiao et al. 2023) does, each input channel
is divided by a factor that its weights are multiplied with, half of the difficulty moved to the
weights, which have a scale per output channel. The product is the same; only rounding changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from classifiers.network import Network, padded

SHARE = 0.5  # of the difficulty that moves to the weights
SMALLEST = 1e-3


class Smoothed(nn.Module):
    """A module whose input is divided channel by channel before it."""

    def __init__(self, inner: nn.Module, factor: Tensor) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("inverse", 1 / factor)

    def forward(self, state: Tensor, *others: object, **named: object) -> object:
        return self.inner(state * self.inverse, *others, **named)


def smooth(network: Network, rows: Sequence[tuple[int, ...]], pad: int) -> None:
    """Rebuild the encoder's layers in place. `rows`: token ids that show what activations reach."""
    layers = list(network.encoder.encoder.layer)
    reach = _reach(network, rows, pad)
    for layer in layers:
        attention = layer.attention.self
        factor = _scale([attention.query, attention.key, attention.value], reach)
        layer.attention.self = Smoothed(attention, factor)
        for holder in (layer.attention.output, layer.intermediate, layer.output):
            holder.dense = Smoothed(holder.dense, _scale([holder.dense], reach))


def _reach(network: Network, rows: Sequence[tuple[int, ...]], pad: int) -> dict[nn.Module, Tensor]:
    """The largest size of every input channel, per linear layer."""
    found: dict[nn.Module, Tensor] = {}

    def note(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        size = given[0].detach().abs().flatten(0, -2).amax(dim=0)
        found[module] = torch.maximum(found[module], size) if module in found else size

    hooks = [
        module.register_forward_pre_hook(note)
        for module in network.encoder.encoder.modules()
        if isinstance(module, nn.Linear)
    ]
    with torch.inference_mode():
        for row in rows:
            network(*padded([row], pad, "cpu"))
    for hook in hooks:
        hook.remove()
    return {module: size.clone() for module, size in found.items()}


def _scale(linears: Sequence[nn.Linear], reach: dict[nn.Module, Tensor]) -> Tensor:
    """The factor for layers that share an input; their weights are multiplied with it."""
    weights = torch.stack([each.weight.detach().abs().amax(dim=0) for each in linears]).amax(dim=0)
    activations = reach[linears[0]].clamp(min=SMALLEST)
    factor = activations**SHARE / weights.clamp(min=SMALLEST) ** (1 - SHARE)
    with torch.no_grad():
        for each in linears:
            each.weight.mul_(factor)
    return factor
