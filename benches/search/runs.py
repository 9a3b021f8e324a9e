"""The runs that are searched, and what a search over them must answer.

A run is made from its index alone: seeding, checking and measuring agree without a file between them. `expected` is the
search of the MLflow API over these runs, for the part of its grammar that the workloads use.
"""

import itertools
import json
import operator
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

FIRST_START_MS = 1_790_000_000_000
OTHER_EXPERIMENTS = 200
OTHER_EXPERIMENTS_WITH_RUNS = 20
RUNS_OF_OTHER_EXPERIMENT = 50
ANEMOI_PARAMS = 1_200


@dataclass(frozen=True)
class Run:
    name: str
    experiment: str
    start_ms: int
    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]


def other_experiment(number: int) -> str:
    return f"bench-other-{number:03}"


@dataclass(frozen=True)
class Plain:
    """Runs of 20 params, 10 metrics and 5 tags: one large experiment, and many small and empty ones beside it."""

    runs_of_main: int
    main = "bench-main"

    def experiments(self) -> list[str]:
        return [self.main, *map(other_experiment, range(OTHER_EXPERIMENTS))]

    def runs(self) -> Iterator[Run]:
        for index in range(self.runs_of_main):
            yield self._run(index, self.main)
        for number in range(OTHER_EXPERIMENTS_WITH_RUNS):
            for position in range(RUNS_OF_OTHER_EXPERIMENT):
                index = self.runs_of_main + number * RUNS_OF_OTHER_EXPERIMENT + position
                yield self._run(index, other_experiment(number))

    def _run(self, index: int, experiment: str) -> Run:
        chance = random.Random(index)
        name = f"run-{index:06}"
        return Run(
            name=name,
            experiment=experiment,
            start_ms=FIRST_START_MS + index * 1_000,
            metrics={
                "loss": chance.random(),
                **{f"metric_{number}": 10 * chance.random() for number in range(1, 10)},
            },
            params={
                "lr": chance.choice(["0.1", "0.03", "0.01", "0.003", "0.001"]),
                "optimizer": chance.choice(["adam", "adamw", "sgd"]),
                **{f"param_{number:02}": f"value-{chance.randrange(1_000)}" for number in range(1, 19)},
            },
            tags={
                "mlflow.runName": name,
                "mlflow.user": chance.choice(["ada", "grace", "emmy"]),
                "team": f"team-{chance.randrange(50):02}",
                "hpc": chance.choice(["atos", "leonardo", "lumi", "marenostrum"]),
                "note": f"member {chance.randrange(100)} of the sweep that began as run {index}",
            },
        )


class Anemoi:
    """Runs of 1,200 params with the names and values of an Anemoi training; a few of the params differ between runs."""

    main = "bench-anemoi"
    long_params = {
        "config.model.processor.layer_kernels.Activation._target_": [
            "torch.nn.GELU", "torch.nn.SiLU", "torch.nn.ReLU", "anemoi.models.layers.activations.GLU",
        ],
        "config.training.training_loss.datasets.data._target_": [
            "anemoi.training.losses.MSELoss", "anemoi.training.losses.RMSELoss", "anemoi.training.losses.HuberLoss",
        ],
        "config.model.decoders.0.mapper.num_channels": ["256", "512", "1024"],
        "config.training.optimization.lr_scheduler.lr_min": ["3e-07", "1e-07"],
    }

    def __init__(self, runs: int) -> None:
        self.runs_of_main = runs
        shape = json.loads(Path(__file__).with_name("anemoi-run.json").read_text())
        self._metrics = shape["metrics"]
        self._tags = shape["tags"]
        self._params = dict(itertools.islice(_with_copies(shape["params"]), ANEMOI_PARAMS))

    def experiments(self) -> list[str]:
        return [self.main]

    def runs(self) -> Iterator[Run]:
        for index in range(self.runs_of_main):
            chance = random.Random(index)
            name = f"aifs-transformer-{index:05}"
            yield Run(
                name=name,
                experiment=self.main,
                start_ms=FIRST_START_MS + index * 1_000,
                metrics={key: 10 * chance.random() for key in self._metrics},
                params=self._params
                | {key: chance.choice(values) for key, values in self.long_params.items()}
                | {"metadata.metadata_inference.seed": str(index)},
                tags=self._tags | {"mlflow.runName": name, "SLURM_JOB_ID": str(4_000_000 + index)},
            )


def _with_copies(params: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The params, then again under other names: in real runs the groups of a section repeat."""
    yield from params.items()
    for copy in itertools.count(2):
        for key, value in params.items():
            section, _, rest = key.partition(".")
            yield f"{section}.member_{copy}.{rest}", value


def _is_like(value: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("%"))), value) is not None


COMPARATORS = {"<": operator.lt, ">": operator.gt, "=": operator.eq, "!=": operator.ne, "LIKE": _is_like}


@dataclass(frozen=True)
class Clause:
    entity: str
    key: str
    comparator: str
    value: str | float

    def __str__(self) -> str:
        value = f"'{self.value}'" if isinstance(self.value, str) else repr(self.value)
        return f"{self.entity}.`{self.key}` {self.comparator} {value}"

    def matches(self, run: Run) -> bool:
        value = getattr(run, self.entity).get(self.key)
        return value is not None and COMPARATORS[self.comparator](value, self.value)


@dataclass(frozen=True)
class Order:
    entity: str
    key: str
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.entity}.`{self.key}` {'DESC' if self.descending else 'ASC'}"


@dataclass(frozen=True)
class Search:
    filter: tuple[Clause, ...] = ()
    order: Order | None = None
    experiments: tuple[str, ...] = (Plain.main,)
    max_results: int = 100
    page: int = 1


def expected(searches: Iterable[Search], runs: Iterable[Run]) -> list[list[str]]:
    """The names of the runs that each search answers with, in order. Every run is looked at once, so they need not all fit
    in memory. The workloads order by keys that every run has."""
    searches = list(searches)
    found: list[list[tuple[str | float, int, str]]] = [[] for _ in searches]
    for run in runs:
        for search, matches in zip(searches, found):
            if run.experiment in search.experiments and all(clause.matches(run) for clause in search.filter):
                value = getattr(run, search.order.entity)[search.order.key] if search.order else 0
                matches.append((value, run.start_ms, run.name))
    return [_page(search, matches) for search, matches in zip(searches, found)]


def _page(search: Search, matches: list[tuple[str | float, int, str]]) -> list[str]:
    matches.sort(key=lambda match: -match[1])
    matches.sort(key=lambda match: match[0], reverse=search.order is not None and search.order.descending)
    first = (search.page - 1) * search.max_results
    return [name for _, _, name in matches[first : first + search.max_results]]
