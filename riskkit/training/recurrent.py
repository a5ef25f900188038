"""An LSTM on windows of a text, by truncated backpropagation."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn


@dataclasses.dataclass(frozen=True)
class LSTM:
    """One layer of long short-term memory: numbers of characters (b, window) to scores of the next one (b, K).

    The state starts at 0 and runs through the window. The gradient goes through its last ``truncated`` characters
    alone; what the state was before is taken as given (truncated backpropagation).

    Attributes:
        symbols: K; characters are numbered 0 to K - 1.
        hidden: numbers in the state.
        truncated: at least 1; a window that is shorter has the whole gradient.

    Raises ValueError, in one line, for a number below 1.
    """

    symbols: int = 27
    hidden: int = 32
    truncated: int = 10

    def __post_init__(self) -> None:
        if min(self.symbols, self.hidden, self.truncated) < 1:
            raise ValueError(f"LSTM: symbols, hidden and truncated must be whole numbers >= 1; got {self!r}.")

    def build(self) -> nn.Module:
        return _Reader(self.symbols, self.hidden, self.truncated)


class _Reader(nn.Module):
    def __init__(self, symbols: int, hidden: int, truncated: int) -> None:
        super().__init__()
        self.symbols, self.hidden, self.truncated = symbols, hidden, truncated
        self.read = nn.Linear(symbols, 4 * hidden)
        self.recur = nn.Linear(hidden, 4 * hidden, bias=False)
        self.score = nn.Linear(hidden, symbols)

    def forward(self, characters: Tensor) -> Tensor:
        weight = self.read.weight
        numbers = torch.arange(self.symbols, device=characters.device)
        shown = (characters.round()[..., None] == numbers).to(weight.dtype)
        inputs = self.read(shown)
        h = c = weight.new_zeros(len(characters), self.hidden)
        window = characters.shape[1]
        for t in range(window):
            if t == window - self.truncated:
                h, c = h.detach(), c.detach()
            kept, new, value, out = (inputs[:, t] + self.recur(h)).chunk(4, -1)
            c = torch.sigmoid(kept) * c + torch.sigmoid(new) * torch.tanh(value)
            h = torch.sigmoid(out) * torch.tanh(c)
        return self.score(h)

    def extra_repr(self) -> str:
        return f"truncated={self.truncated}"
