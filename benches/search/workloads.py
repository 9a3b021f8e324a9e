"""What is asked: named searches over the runs of `runs.py`, lists of experiments, and rows of our own API."""

import itertools
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from runs import Anemoi, Clause, Order, Plain, Search, other_experiment

API = "/api/2.0/mlflow"
SEARCH_RUNS = f"{API}/runs/search"
SEARCH_EXPERIMENTS = f"{API}/experiments/search"
ROWS = "/api/windvane/v1/rows"

# Answers one request: path, body, answer.
Ask = Callable[[str, dict], dict]
# A request never sent before, or the only one there is.
Bodies = Callable[[], bytes]


class Workload(Protocol):
    name: str
    path: str
    connections: tuple[int, ...]

    def prepare(self, ask: Ask, experiment_ids: dict[str, str]) -> Bodies: ...

    def count(self, answer: dict) -> int: ...


def _always(body: dict) -> Bodies:
    text = json.dumps(body).encode()
    return lambda: text


@dataclass(frozen=True)
class SearchRuns:
    name: str
    search: Search
    connections: tuple[int, ...] = (1,)
    path: str = SEARCH_RUNS

    def prepare(self, ask: Ask, experiment_ids: dict[str, str]) -> Bodies:
        body = {
            "experiment_ids": [experiment_ids[name] for name in self.search.experiments],
            "filter": " AND ".join(map(str, self.search.filter)),
            "order_by": [str(self.search.order)] if self.search.order else [],
            "max_results": self.search.max_results,
        }
        for _ in range(1, self.search.page):
            body["page_token"] = ask(self.path, body)["next_page_token"]
        return _always(body)

    def count(self, answer: dict) -> int:
        return len(answer.get("runs", []))


def run_names(answer: dict) -> list[str]:
    return [run["info"]["run_name"] for run in answer.get("runs", [])]


@dataclass(frozen=True)
class SearchExperiments:
    name: str
    filter: str
    order: str
    connections: tuple[int, ...] = (1,)
    path: str = SEARCH_EXPERIMENTS

    def prepare(self, ask: Ask, experiment_ids: dict[str, str]) -> Bodies:
        return _always({"filter": self.filter, "order_by": [self.order], "max_results": 1_000})

    def count(self, answer: dict) -> int:
        return len(answer.get("experiments", []))


@dataclass(frozen=True)
class Rows:
    """What the runs table asks. `fresh` requests are all different, so that none finds its order in a cache; the others ask
    for windows anywhere in the one order that is there already."""

    name: str
    order: str
    fresh: bool
    runs_of_main: int
    connections: tuple[int, ...] = (1,)
    path: str = ROWS

    def prepare(self, ask: Ask, experiment_ids: dict[str, str]) -> Bodies:
        chance = random.Random(7)
        # Differs from those of an earlier call too, and leaves the number of matches as it is.
        bounds = itertools.count(time.time_ns() % 1_000_000_000)

        def body() -> bytes:
            bound = 0.9 + next(bounds) * 1e-12 if self.fresh else 0.9
            request = {
                "experiment_ids": [experiment_ids[Plain.main]],
                "filter": f"metrics.loss < {bound!r}",
                "order_by": [self.order],
                "columns": [
                    "attribute.run_name", "attribute.start_time", "attribute.status",
                    "metrics.loss", "metrics.metric_1", "metrics.metric_2", "metrics.metric_3",
                    "params.lr", "params.optimizer", "params.param_01",
                    "tags.team", "tags.hpc",
                ],
                "offset": 0 if self.fresh else chance.randrange(self.runs_of_main * 8 // 10),
                "limit": 50,
            }
            return json.dumps(request).encode()

        return body

    def count(self, answer: dict) -> int:
        return len(answer["rows"])


def _loss_and_lr() -> tuple[Clause, ...]:
    return Clause("metrics", "loss", "<", 0.5), Clause("params", "lr", "=", "0.01")


def plain(runs: int) -> list[Workload]:
    by_loss = Order("metrics", "loss")
    few = Clause("metrics", "metric_3", "<", 10 * 50 / runs)
    param_and_tag = (
        Clause("params", "lr", "=", "0.01"),
        Clause("params", "optimizer", "=", "adam"),
        Clause("tags", "team", "=", "team-07"),
    )
    several = (Plain.main, *map(other_experiment, range(10)))
    return [
        SearchRuns("default order, first 100", Search(), connections=(1, 8)),
        SearchRuns("default order, first 1,000", Search(max_results=1_000)),
        SearchRuns("filter, metric ascending, first 100", Search(_loss_and_lr(), by_loss), connections=(1, 8)),
        SearchRuns("filter, metric ascending, first 1,000", Search(_loss_and_lr(), by_loss, max_results=1_000)),
        SearchRuns("filter, metric descending, first 100", Search(_loss_and_lr(), Order("metrics", "loss", True))),
        SearchRuns("metric ascending, first 100", Search(order=by_loss)),
        SearchRuns("metric ascending, page 20 of 100", Search(order=by_loss, page=20)),
        SearchRuns("default order, page 20 of 100", Search(page=20)),
        SearchRuns("50 runs match, by another metric", Search((few,), Order("metrics", "metric_8"))),
        SearchRuns("1 % match, by another metric", Search((Clause("metrics", "metric_4", "<", 0.1),), by_loss)),
        SearchRuns("99 % match, by another metric", Search((Clause("metrics", "metric_5", "<", 9.9),), by_loss)),
        SearchRuns("two params and a tag", Search(param_and_tag), connections=(1, 8)),
        SearchRuns("two params and a tag, by metric", Search(param_and_tag, by_loss)),
        SearchRuns("tag ascending, first 100", Search(order=Order("tags", "team"))),
        SearchRuns("tag descending, first 100", Search(order=Order("tags", "team", True))),
        SearchRuns("param ascending, first 100", Search(order=Order("params", "param_03"))),
        SearchRuns("LIKE on a tag, 1 % match", Search((Clause("tags", "note", "LIKE", "member 77 of%"),))),
        SearchRuns("LIKE on a tag, nothing matches", Search((Clause("tags", "note", "LIKE", "%never%"),))),
        SearchRuns("a small experiment, by metric", Search(order=by_loss, experiments=(other_experiment(0),))),
        SearchRuns("11 experiments, filter, by metric", Search(_loss_and_lr(), by_loss, several)),
        SearchExperiments("200 experiments by name", "name LIKE 'bench-other-%'", "name ASC"),
        Rows("rows by metric, first answer", "metrics.loss DESC", True, runs),
        Rows("rows by metric, order cached", "metrics.loss DESC", False, runs),
        Rows("rows by param, first answer", "params.param_03 ASC", True, runs),
    ]


def anemoi(_runs: int) -> list[Workload]:
    experiments = (Anemoi.main,)
    params = tuple(Clause("params", key, "=", values[0]) for key, values in list(Anemoi.long_params.items())[:2])
    by_loss = Order("metrics", "val_WeightedMSELoss_loss_epoch")
    return [
        SearchRuns("Anemoi: 100 runs in full", Search(experiments=experiments)),
        SearchRuns("Anemoi: 1,000 runs in full", Search(experiments=experiments, max_results=1_000)),
        SearchRuns("Anemoi: two long params, first 10", Search(params, experiments=experiments, max_results=10)),
        SearchRuns("Anemoi: two long params, by metric, first 100", Search(params, by_loss, experiments)),
    ]
