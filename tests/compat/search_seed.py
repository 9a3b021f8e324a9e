"""The runs that the search suites look for, and how they name them."""

import dataclasses

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

from support import unique

NAN, INFINITY = float("nan"), float("inf")
MNIST_TRAIN, MNIST_TEST = ("mnist", "aaaa1111", "train"), ("mnist", "bbbb2222", "test")
CIFAR_EVAL, CIFAR = ("cifar10", "cccc3333", "eval"), ("cifar10", "cccc3333", None)


@dataclasses.dataclass(frozen=True)
class Seed:
    """What is known of a run before it exists; `metrics` holds all values of a key, the latest last."""

    run_name: str
    user: str
    status: str
    start: int
    end: int | None = None
    params: dict = dataclasses.field(default_factory=dict)
    metrics: dict = dataclasses.field(default_factory=dict)
    tags: dict = dataclasses.field(default_factory=dict)
    datasets: tuple = ()

    def create(self, client, experiment_id):
        tags = {"mlflow.user": self.user, **self.tags}
        run_id = client.create_run(experiment_id, self.start, tags, self.run_name).info.run_id
        if self.params or self.metrics:
            points = [(key, value, step) for key in self.metrics for step, value in enumerate(self.metrics[key])]
            client.log_batch(
                run_id,
                [Metric(key, value, 1, step) for key, value, step in points],
                [Param(key, value) for key, value in self.params.items()],
            )
        if self.datasets:
            client.log_inputs(run_id, [dataset_input(*dataset) for dataset in self.datasets])
        if self.end is not None:
            client.set_terminated(run_id, self.status, self.end)
        elif self.status != "RUNNING":
            client.update_run(run_id, status=self.status)
        return run_id


def dataset_input(name, digest, context):
    tags = [] if context is None else [InputTag("mlflow.data.context", context)]
    return DatasetInput(Dataset(name, digest, "local", "{}"), tags)


#: Runs by a letter, in which the tests state what they expect. `i` is alone in a second experiment and `x` is
#: deleted; `c`, `d` and `g` have started together, as have `e` and `f`.
SEEDS = {
    "a": Seed(
        "baseline",
        "ada",
        "FINISHED",
        1000,
        2000,
        params={"model": "GPT-2", "lr": "0.01", "batch size": "2"},
        metrics={"accuracy": [0.9], "loss": [0.15], "f1 score": [0.8], "val/loss": [0.3]},
        tags={"task": "Classification", "s.release": "1.1.0-RC"},
        datasets=(MNIST_TRAIN,),
    ),
    "b": Seed(
        "Baseline",
        "bob",
        "FAILED",
        2000,
        2500,
        params={"model": "gpt-3", "lr": "0.01", "batch size": "16"},
        metrics={"accuracy": [0.95], "loss": [0.05]},
        tags={"task": "classification", "s.release": "1.2.0-GA"},
        datasets=(MNIST_TEST,),
    ),
    "c": Seed(
        "bad-run-name",
        "ada",
        "RUNNING",
        3000,
        params={"model": "GPT-3", "lr": "1e-3"},
        metrics={"loss": [0.01, 0.5], "f1 score": [0.6]},
        tags={"task": "regression", "empty": ""},
        datasets=(MNIST_TRAIN, CIFAR_EVAL),
    ),
    "d": Seed(
        "it's 100%",
        "bob",
        "KILLED",
        3000,
        3500,
        params={"model": "LogisticRegression", "note": "it's 100%"},
        metrics={"loss": [NAN], "count": [3]},
        tags={"group": "x"},
    ),
    "e": Seed(
        "50_50",
        "ada",
        "FINISHED",
        4000,
        5000,
        params={"note": 'say "hi"'},
        metrics={"loss": [INFINITY]},
    ),
    "f": Seed(
        "50x50",
        "bob",
        "FINISHED",
        4000,
        4500,
        params={"note": "a AND b; -- (c) OR d"},
        metrics={"loss": [-INFINITY]},
    ),
    "g": Seed(
        "Ünï",
        "ada",
        "RUNNING",
        3000,
        params={"größe": "groß", "order": "first"},
        metrics={"loss": [0.5]},
        datasets=(CIFAR,),
    ),
    "h": Seed("zero", "bob", "SCHEDULED", 6000),
    "i": Seed(
        "idle",
        "ada",
        "FINISHED",
        500,
        900,
        params={"lr": "10"},
        metrics={"loss": [0]},
        tags={"glob": "a[1-2]*?b", "path": "C:\\run\\1", "text": "two\nlines"},
    ),
    "x": Seed("removed", "ada", "FINISHED", 3000, 3500, params={"model": "GPT-2"}, metrics={"loss": [0.15]}),
}
ACTIVE = "".join(SEEDS).replace("x", "")


def without(letters):
    """The active runs but for these."""
    return "".join(letter for letter in ACTIVE if letter not in letters)


class Searched:
    """The runs of `SEEDS` on the server under test; searches give letters for runs."""

    def __init__(self, client):
        self._client = client
        self.first, self.second = (client.create_experiment(unique(name)) for name in ("first", "second"))
        self.run_ids = {
            letter: seed.create(client, self.second if letter == "i" else self.first) for letter, seed in SEEDS.items()
        }
        client.delete_run(self.run_ids["x"])
        self._letters = {run_id: letter for letter, run_id in self.run_ids.items()}

    def find(self, filter_string="", experiment_ids=None, **arguments):
        """The letters of the runs found, in their order; `{a}` in a filter stands for the id of run `a`."""
        experiment_ids = [self.first, self.second] if experiment_ids is None else experiment_ids
        return self.letters(self._client.search_runs(experiment_ids, filter_string.format(**self.run_ids), **arguments))

    def letters(self, runs):
        return "".join(self._letters[run.info.run_id] for run in runs)

    def newest_first(self, letters):
        """These letters in the order that a search gives them unless told otherwise."""
        return "".join(sorted(letters, key=lambda letter: (-SEEDS[letter].start, self.run_ids[letter])))

    def in_order(self, groups):
        """Letters from "a bc": the runs of a group have equal keys, so that their ids decide."""
        return "".join("".join(sorted(group, key=self.run_ids.get)) for group in groups.split())
