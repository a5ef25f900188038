"""Trained runs: a network on samples of a finite population, by a recipe that is given or searched for."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from riskkit.data import Population
from riskkit.engines.choice import Choice
from riskkit.measure.quantities import Measured
from riskkit.rng.streams import Stream
from riskkit.training import Recipe, Search, checked, train, tune

BLOCK = 32
"""Replicates that are trained together."""

TRIED = 8
"""Those that are trained together to try how long it takes."""


@dataclasses.dataclass(frozen=True)
class Searched:
    """A recipe whose numbers a search chooses: what an experiment calls its algorithm."""

    recipe: Recipe
    search: Search
    block: int

    @property
    def name(self) -> str:
        return f"{self.recipe.name}, tuned"

    @property
    def steps(self) -> int:
        return self.recipe.steps

    @property
    def batch(self) -> int:
        return self.recipe.batch

    @property
    def stage_ends(self) -> list[int]:
        return self.recipe.stage_ends

    @property
    def schedule(self) -> str:
        return self.recipe.schedule

    @property
    def work(self) -> float:
        """Gradients in all for each judged replicate, those of the search among them."""
        shares = self.search.configurations * self.search.replicates / self.block
        return self.recipe.batch * self.recipe.steps * (1 + shares)

    def shown(self) -> dict[str, float]:
        kept = {"k", "alpha", "batch"}
        return {name: value for name, value in self.recipe.shown().items() if name in kept}


@dataclasses.dataclass(frozen=True)
class Trained:
    """A network trained on n draws from a population; an experiment's function of the point returns it as a run.

    Attributes:
        network: a frozen dataclass with ``build() -> nn.Module`` (``riskkit.training``).
        recipe: how it is trained.
        search: tunes the recipe's numbers on replicates of its own; None: they are as given.
        test, looks: size of a test sample, and the numbers of steps after which it is looked at beside the last one:
            for what a report of the best look says. 0 and () for none.
        block: replicates that are trained together; numbers depend on it in their last bits.

    Raises ValueError, in one line, for what cannot be trained.
    """

    population: Population
    network: Any
    n: int
    recipe: Recipe
    search: Search | None = None
    test: int = 0
    looks: tuple[int, ...] = ()
    block: int = BLOCK

    def __post_init__(self) -> None:
        checked(self.population, self.network, self.n, self.test)
        if not all(0 < look < self.recipe.steps for look in self.looks):
            raise ValueError(f"Trained: looks must lie between 0 and {self.recipe.steps} steps; got {self.looks}.")
        if self.block < 1:
            raise ValueError(f"Trained: block must be a whole number >= 1; got {self.block!r}.")

    @property
    def problem(self) -> None:
        """No bound speaks of networks."""
        return

    @property
    def algorithm(self) -> Any:
        return self.recipe if self.search is None else Searched(self.recipe, self.search, self.block)

    @property
    def dim(self) -> int:
        return checked(self.population, self.network, self.n).products

    @property
    def rounds(self) -> tuple[int, ...]:
        return (self.recipe.steps,)

    @property
    def company(self) -> Hashable:
        return self.population, self.network, self.block

    def identity(self) -> Mapping[str, object]:
        return {
            "kind": "trained",
            "population": self.population,
            "network": self.network,
            "structure": checked(self.population, self.network, self.n).structure,
            "n": self.n,
            "recipe": self.recipe,
            "search": self.search,
            "test": self.test,
            "looks": self.looks,
            "block": self.block,
            "stepping": "float32",
        }

    def about(self) -> Mapping[str, Any]:
        noise = f", label noise {self.population.noise:g}" if self.population.noise else ""
        unknown = dict.fromkeys(("L", "G", "lam", "mu"), float("nan"))
        name = f"{type(self.network).__name__} on {self.population.name}{noise}"
        size = checked(self.population, self.network, self.n).size
        return {"problem": name, **unknown, "d": size, "seen": self.population.seen(self.n)}

    def gradients(self, rounds: npt.ArrayLike) -> npt.NDArray[np.int64]:
        return self.recipe.batch * np.asarray(rounds, dtype=np.int64)

    def engine(self, device: str, asked: str) -> Choice:
        if asked == "fused":
            raise ValueError("engine fused: networks run side by side under torch.func.vmap; use auto.")
        return Choice("stacked", f"networks side by side on {device.partition(':')[0]}")

    def begun(self, steps: int, checkpoints: int) -> Trained:
        """Of fewer replicates too: reading a network at its end takes as long as many of its steps."""
        recipe = dataclasses.replace(self.recipe, steps=steps)
        return dataclasses.replace(self, recipe=recipe, search=None, looks=(), block=min(self.block, TRIED))

    def measure(
        self,
        together: Sequence[Trained],
        addresses: Sequence[str],
        *,
        seed: int,
        first: int,
        dtype: str,
        device: str,
        engine: str,
    ) -> list[Measured]:
        """One after the other, so that bits do not depend on what runs beside."""
        return [run._measured(address, seed, first, device) for run, address in zip(together, addresses, strict=True)]

    def _measured(self, address: str, seed: int, first: int, device: str) -> Measured:
        recipe, inside, tried = self.recipe, True, 1
        if self.search is not None:
            chosen = tune(self.population, self.network, self.n, recipe, self.search, seed, device)
            recipe, inside, tried = chosen.recipe, chosen.inside, self.search.configurations
        stream = Stream(seed, range(first, first + self.block), device=device)
        (found,) = train(
            self.population, self.network, self.n, [recipe], self.rounds, stream, test=self.test, looks=self.looks
        )
        told: dict[str, Any] = {
            "minimum_width": found.minimum_width,
            "tuned_lr": recipe.lr,
            "tuned_weight_decay": recipe.weight_decay,
            "tuned_beta": recipe.beta,
            "configurations": float(tried),
            "searches": float(self.search.looks if self.search else 0),
            "ends_grid": float(not inside),
        }
        return Measured(
            run=address,
            first=first,
            rounds=np.array(self.rounds, dtype=np.int64),
            values=found.values,
            dataset={name: np.zeros(self.block) + value for name, value in told.items()},
            diverged_at=found.diverged_at,
            engine="stacked" if device == "cpu" else f"stacked on {device.partition(':')[0]}",
        )
