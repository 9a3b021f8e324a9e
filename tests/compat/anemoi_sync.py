"""`anemoi-training mlflow sync`, request by request: what it sends, rewrites and searches for.

Only the MLflow client is used. It makes copies under new ids, and is reproduced with its faults, which servers meet.
"""

from mlflow.entities import Metric, Param, RunTag

from offline_stores import forget_artifact_places, read_files

PARAMS_A_REQUEST = 100
POINTS_A_REQUEST = 1000
TAGS_A_REQUEST = 100

#: After which of its steps it can be stopped.
STEPS = ["create", "params", "metrics", "tags", "files"]


def parts(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


class AnemoiSync:
    """Syncs runs of one source to one experiment."""

    def __init__(self, http, client, source, experiment, scratch):
        self._http, self._client, self._source = http, client, source
        self._experiment, self._scratch = experiment, scratch

    def find(self, experiment_id, offline_run_id):
        """The run that it takes for a copy of an offline run."""
        filter_string = f"params.metadata.offline_run_id = '{offline_run_id}'"
        found = self._client.search_runs([experiment_id], filter_string, max_results=10_000)
        return found[0].info.run_id if found else None

    def __call__(self, run_id, stop_after=None):
        """Syncs a run, and answers the id of the copy; `None` where it says "already imported"."""
        assert self._http.get("/health").text == "OK"
        run = self._source.client.get_run(run_id)
        found = self._client.get_experiment_by_name(self._experiment)
        if run.info.status == "FINISHED" and found and self.find(found.experiment_id, run_id):
            return None
        found = self._client.get_experiment_by_name(self._experiment)
        experiment_id = found.experiment_id if found else self._client.create_experiment(self._experiment)
        new = self._client.create_run(experiment_id).info.run_id
        if stop_after == "create":
            return new

        params, tags = dict(run.data.params), dict(run.data.tags)
        old_parent = tags.get("mlflow.parentRunId")
        parent = self.find(experiment_id, old_parent) if old_parent else None
        if old_parent:
            trained_as = parent or new
            params |= {"metadata.offline_run_id": old_parent, "config.training.offline_self_run_id": run_id}
        else:
            trained_as = new
            params |= {"metadata.offline_run_id": run_id, "config.training.offline_run_id": run_id}
        params |= {"config.training.run_id": trained_as, "metadata.run_id": trained_as}
        fork = tags.get("forkedRunId")
        if fork:
            origin = self.find(experiment_id, fork) or fork
            params |= {"config.training.fork_run_id": origin, "config.training.offline_fork_run_id": fork}
            tags |= {"forkedRunId": origin, "offline.forkedRunId": fork}
        for part in parts([Param(key, value) for key, value in params.items()], PARAMS_A_REQUEST):
            self._client.log_batch(new, params=part)
        if stop_after == "params":
            return new

        for key in run.data.metrics:
            points = self._source.client.get_metric_history(run_id, key)
            points = [Metric(key, point.value, point.timestamp, point.step) for point in points]
            for part in parts(points, POINTS_A_REQUEST):
                self._client.log_batch(new, metrics=part)
        if stop_after == "metrics":
            return new

        if old_parent:
            # The copy of a child whose parent has none finds itself, by the param that it has just sent.
            tags |= {
                "mlflow.parentRunId": parent or self.find(experiment_id, old_parent),
                "mlflow.offline.parentRunId": old_parent,
            }
        pairs = [*tags.items(), ("offlineRun", "True"), ("mlflow.user", tags["mlflow.user"])]
        for part in parts([RunTag(key, value) for key, value in pairs], TAGS_A_REQUEST):
            self._client.log_batch(new, tags=part)
        if stop_after == "tags":
            return new

        self._client.get_run(new)
        files = read_files(self._source.client, run_id, self._scratch)
        forget_artifact_places()
        for path, content in files.items():
            folder, _, name = path.rpartition("/")
            (self._scratch / name).write_bytes(content)
            self._client.log_artifact(new, str(self._scratch / name), folder or None)
        if stop_after == "files":
            return new

        self._client.get_run(new)
        self._client.set_terminated(new, "FINISHED")
        return new
