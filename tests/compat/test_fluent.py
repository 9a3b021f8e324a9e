"""The fluent API as training scripts use it: what was logged reads back equal."""

import json

import mlflow
import numpy
import pandas
import pytest
from matplotlib.figure import Figure
from mlflow.entities import RunStatus

from support import history, unique, until


def latest(run_id):
    return mlflow.get_run(run_id).data


def test_set_experiment_creates_an_experiment_once_and_finds_it_again():
    name = unique("namespace")

    created = mlflow.set_experiment(name)
    found = mlflow.set_experiment(name)
    by_id = mlflow.set_experiment(experiment_id=created.experiment_id)

    assert (created.name, created.lifecycle_stage) == (name, "active")
    assert created.artifact_location == f"mlflow-artifacts:/{created.experiment_id}"
    assert found.experiment_id == by_id.experiment_id == created.experiment_id
    assert mlflow.get_experiment_by_name(unique("nobody-made-this")) is None


def test_params_metrics_and_tags_read_back_as_logged(fluent_experiment_id):
    with mlflow.start_run(run_name="first attempt", description="What we try") as run:
        assert mlflow.log_param("learning rate", 6.25e-05) == 6.25e-05
        mlflow.log_params({"model.layers.0": "GraphTransformer", "größe": "Ä→ö\n'\"", "empty": ""})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metric("loss", 0.25, step=2)
        mlflow.log_metrics({"val_loss/z_500": 1e-300, "epoch": 3}, step=7)
        mlflow.set_tag("projectName", "Anemoi")
        mlflow.set_tags({"SLURM_JOB_ID": 4242424, "note": "two\nlines"})

    read = mlflow.get_run(run.info.run_id)

    assert read.data.params == {
        "learning rate": "6.25e-05",
        "model.layers.0": "GraphTransformer",
        "größe": "Ä→ö\n'\"",
        "empty": "",
    }
    assert read.data.metrics == {"loss": 0.25, "val_loss/z_500": 1e-300, "epoch": 3.0}
    assert {key: value for key, value in read.data.tags.items() if not key.startswith("mlflow.")} == {
        "projectName": "Anemoi",
        "SLURM_JOB_ID": "4242424",
        "note": "two\nlines",
    }
    assert read.data.tags["mlflow.note.content"] == "What we try"
    assert read.data.tags["mlflow.runName"] == read.info.run_name == "first attempt"
    assert read.data.tags["mlflow.user"] == read.info.user_id == run.info.user_id


def test_a_finished_run_keeps_its_times_state_and_artifact_root(fluent_experiment_id):
    with mlflow.start_run() as run:
        running = mlflow.get_run(run.info.run_id).info

    finished = mlflow.get_run(run.info.run_id).info

    assert (running.status, running.end_time) == ("RUNNING", None)
    assert finished.status == "FINISHED"
    assert finished.start_time == running.start_time == run.info.start_time
    assert finished.end_time >= finished.start_time
    assert (finished.experiment_id, finished.lifecycle_stage) == (fluent_experiment_id, "active")
    assert finished.artifact_uri == f"mlflow-artifacts:/{fluent_experiment_id}/{run.info.run_id}/artifacts"
    assert finished.run_name != ""


def test_an_exception_makes_the_run_failed(fluent_experiment_id):
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        mlflow.log_metric("before", 1)
        raise ZeroDivisionError

    info = mlflow.get_run(run.info.run_id).info

    assert info.status == "FAILED"
    assert info.end_time is not None


def test_a_killed_run_is_killed(fluent_experiment_id):
    run = mlflow.start_run()

    mlflow.end_run(status=RunStatus.to_string(RunStatus.KILLED))

    assert mlflow.get_run(run.info.run_id).info.status == "KILLED"


def test_nested_runs_name_their_parent(fluent_experiment_id):
    with (
        mlflow.start_run() as parent,
        mlflow.start_run(nested=True) as child,
        mlflow.start_run(nested=True) as grandchild,
    ):
        pass
    with mlflow.start_run(parent_run_id=parent.info.run_id, nested=True) as late_child:
        pass

    assert "mlflow.parentRunId" not in latest(parent.info.run_id).tags
    assert latest(child.info.run_id).tags["mlflow.parentRunId"] == parent.info.run_id
    assert latest(grandchild.info.run_id).tags["mlflow.parentRunId"] == child.info.run_id
    assert latest(late_child.info.run_id).tags["mlflow.parentRunId"] == parent.info.run_id
    assert mlflow.get_parent_run(grandchild.info.run_id).info.run_id == child.info.run_id


def test_a_run_resumes_by_its_id_and_runs_again_until_it_ends(client, fluent_experiment_id):
    with mlflow.start_run(run_name="resumed later") as first:
        mlflow.log_param("kept", "yes")
        mlflow.log_metric("loss", 1.0, step=0)

    with mlflow.start_run(run_id=first.info.run_id) as again:
        during = mlflow.get_run(first.info.run_id).info
        mlflow.log_metric("loss", 0.5, step=1)
    after = mlflow.get_run(first.info.run_id)

    assert again.info.run_id == first.info.run_id
    assert (during.status, during.run_name) == ("RUNNING", "resumed later")
    assert after.info.status == "FINISHED"
    assert after.info.start_time == first.info.start_time
    assert after.data.params == {"kept": "yes"}
    assert [(step, value) for _, step, value in history(client, first.info.run_id, "loss")] == [(0, 1.0), (1, 0.5)]


def test_the_active_and_the_last_run_read_back(fluent_experiment_id):
    assert mlflow.active_run() is None

    with mlflow.start_run(tags={"phase": "training"}) as run:
        assert mlflow.active_run().info.run_id == run.info.run_id
        mlflow.log_metric("loss", 0.125)
        assert mlflow.get_run(mlflow.active_run().info.run_id).data.metrics == {"loss": 0.125}

    assert mlflow.active_run() is None
    last = mlflow.last_active_run()
    assert last.info.run_id == run.info.run_id
    assert last.data.tags["phase"] == "training"


def test_deleted_fluent_tags_and_runs_are_gone(fluent_experiment_id):
    with mlflow.start_run(tags={"wrong": "1", "right": "2"}) as run:
        mlflow.delete_tag("wrong")

    assert "wrong" not in latest(run.info.run_id).tags
    assert latest(run.info.run_id).tags["right"] == "2"

    mlflow.delete_run(run.info.run_id)

    assert mlflow.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    assert len(mlflow.search_runs([fluent_experiment_id])) == 0


@pytest.fixture(scope="module")
def searched():
    """An experiment with the runs a, b and c, of which b has failed; the tests only read it."""
    experiment_id = mlflow.set_experiment(unique("searched")).experiment_id
    run_ids = {}
    for index, name in enumerate("abc"):
        run = mlflow.start_run(run_name=name)
        mlflow.log_params({"config.training.lr": f"0.{index}", "shared": "same"})
        mlflow.log_metric("loss", index / 2)
        mlflow.set_tags({"group.member": name, "all": "1"})
        mlflow.end_run("FAILED" if name == "b" else "FINISHED")
        run_ids[name] = run.info.run_id
    return experiment_id, run_ids


def test_search_runs_makes_a_table_of_an_experiment(searched):
    experiment_id, run_ids = searched

    table = mlflow.search_runs([experiment_id]).set_index("run_id")

    assert set(table.index) == set(run_ids.values())
    for index, name in enumerate("abc"):
        row = table.loc[run_ids[name]]
        assert row["params.config.training.lr"] == f"0.{index}"
        assert row["metrics.loss"] == index / 2
        assert row["tags.group.member"] == name
        assert row["status"] == ("FAILED" if name == "b" else "FINISHED")
        assert row["experiment_id"] == experiment_id


def test_search_runs_by_experiment_name_gives_run_objects(searched):
    experiment_id, run_ids = searched
    name = mlflow.get_experiment(experiment_id).name

    runs = mlflow.search_runs(experiment_names=[name], output_format="list")

    assert {run.info.run_id for run in runs} == set(run_ids.values())


def test_search_runs_keeps_the_newest_first_within_max_results(searched):
    experiment_id, _ = searched

    everything = mlflow.search_runs([experiment_id], output_format="list")
    two = mlflow.search_runs([experiment_id], output_format="list", max_results=2)

    order = [(-run.info.start_time, run.info.run_id) for run in everything]
    assert order == sorted(order)
    assert [run.info.run_id for run in two] == [run.info.run_id for run in everything[:2]]


@pytest.mark.parametrize(
    ("filter_string", "expected"),
    [
        ("params.config.training.lr = '0.1'", "b"),
        ("params.shared = 'same'", "abc"),
        ("params.shared = 'other'", ""),
        ("params.absent = 'x'", ""),
        ("tags.group.member = 'c'", "c"),
        ('tags.`group.member` = "c"', "c"),
        ("tags.mlflow.runName = 'a'", "a"),
        ("attributes.status = 'FAILED'", "b"),
        ("attributes.status = 'FINISHED'", "ac"),
        ("attributes.run_name = 'b'", "b"),
        ("params.shared = 'same' AND tags.group.member = 'a'", "a"),
        ("params.shared = 'same' and tags.group.member = 'a' and attributes.status = 'FAILED'", ""),
    ],
)
def test_search_runs_finds_by_equal_params_tags_and_attributes(searched, filter_string, expected):
    experiment_id, run_ids = searched

    runs = mlflow.search_runs([experiment_id], filter_string=filter_string, output_format="list")

    assert {run.info.run_id for run in runs} == {run_ids[name] for name in expected}


def test_search_runs_finds_a_run_by_its_id(searched):
    experiment_id, run_ids = searched

    runs = mlflow.search_runs(
        [experiment_id], filter_string=f"attributes.run_id = '{run_ids['b']}'", output_format="list"
    )

    assert [run.info.run_name for run in runs] == ["b"]


def test_asynchronous_logging_arrives_complete_after_a_flush(client, fluent_experiment_id):
    with mlflow.start_run() as run:
        for step in range(500):
            mlflow.log_metric("loss", 1 / (step + 1), step=step, timestamp=1000 + step, synchronous=False)
        mlflow.log_metrics({"a": 1, "b": 2}, step=3, synchronous=False)
        mlflow.log_params({f"param.{index}": index for index in range(250)}, synchronous=False)
        mlflow.log_param("single", "x", synchronous=False)
        mlflow.set_tags({f"tag.{index}": index for index in range(20)}, synchronous=False)
        mlflow.set_tag("one", "tag", synchronous=False).wait()
        mlflow.flush_async_logging()

        data = latest(run.info.run_id)
        points = history(client, run.info.run_id, "loss")

    assert points == [(1000 + step, step, 1 / (step + 1)) for step in range(500)]
    assert data.metrics["a"] == 1 and data.metrics["b"] == 2
    assert data.params == {f"param.{index}": str(index) for index in range(250)} | {"single": "x"}
    assert data.tags["one"] == "tag"
    assert {data.tags[f"tag.{index}"] for index in range(20)} == {str(index) for index in range(20)}


def test_system_metrics_arrive_while_the_run_is_running(client, fluent_experiment_id, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")

    with mlflow.start_run(log_system_metrics=True) as run:
        points = until(
            lambda: len(found := history(client, run.info.run_id, "system/cpu_utilization_percentage")) > 1 and found,
            "two points of system/cpu_utilization_percentage",
        )
    metrics = latest(run.info.run_id).metrics

    assert [step for _, step, _ in points] == list(range(len(points)))
    assert all(value >= 0 for _, _, value in points)
    assert "system/system_memory_usage_megabytes" in metrics
    assert "system/disk_usage_percentage" in metrics


@pytest.fixture
def dataset():
    table = pandas.DataFrame({"lat": [50.0, 51.5], "lon": [4, 5], "name": ["Ukkel", "Reading"]})
    return mlflow.data.from_pandas(table, source="/data/made-up/input.zarr", name="era5", targets="lon")


def test_datasets_are_linked_to_their_run_with_a_context(fluent_experiment_id, dataset):
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training", tags={"resolution": "o96"})

    (logged,) = mlflow.get_run(run.info.run_id).inputs.dataset_inputs

    sent = dataset.to_dict()
    assert sent["name"] == "era5" and json.loads(sent["profile"])["num_rows"] == 2
    assert {field: getattr(logged.dataset, field) for field in sent} == sent
    assert {tag.key: tag.value for tag in logged.tags} == {"mlflow.data.context": "training", "resolution": "o96"}


def test_a_dataset_logged_twice_is_linked_once_and_its_first_tags_stay(fluent_experiment_id, dataset):
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training")
        mlflow.log_input(dataset, context="validation")
    with mlflow.start_run() as other_run:
        mlflow.log_input(dataset, context="validation")

    (first,) = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    (second,) = mlflow.get_run(other_run.info.run_id).inputs.dataset_inputs

    assert [tag.value for tag in first.tags] == ["training"]
    assert [tag.value for tag in second.tags] == ["validation"]
    assert first.dataset.digest == second.dataset.digest


def downloaded(run_id, path, folder):
    with open(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path, dst_path=folder), "rb") as file:
        return file.read()


def test_files_and_folders_upload_list_and_download_byte_for_byte(client, fluent_experiment_id, tmp_path):
    source = tmp_path / "source"
    (source / "deep" / "er").mkdir(parents=True)
    contents = {
        "top.bin": bytes(range(256)) * 4000,
        "empty.txt": b"",
        "deep/ünï code (1).txt": "Ä\n".encode(),
        "deep/er/a=b+c d.json": b"{}",
    }
    for path, content in contents.items():
        (source / path).write_bytes(content)
    target = tmp_path / "target"
    target.mkdir()

    with mlflow.start_run() as run:
        mlflow.log_artifact(source / "top.bin")
        mlflow.log_artifact(source / "top.bin", artifact_path="copies/of it")
        mlflow.log_artifacts(source, artifact_path="all")
        folder = mlflow.artifacts.download_artifacts(artifact_uri=mlflow.get_artifact_uri("all"), dst_path=target)

    assert {path.relative_to(folder).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()} == {
        path: content for path, content in contents.items()
    }
    assert downloaded(run.info.run_id, "copies/of it/top.bin", target) == contents["top.bin"]
    listed = [(file.path, file.is_dir, file.file_size) for file in client.list_artifacts(run.info.run_id)]
    assert sorted(listed) == [("all", True, None), ("copies", True, None), ("top.bin", False, 1_024_000)]
    listed = [(file.path, file.is_dir, file.file_size or 0) for file in client.list_artifacts(run.info.run_id, "all")]
    assert sorted(listed) == [("all/deep", True, 0), ("all/empty.txt", False, 0), ("all/top.bin", False, 1_024_000)]
    assert client.list_artifacts(run.info.run_id, "absent") == []
    assert client.list_artifacts(run.info.run_id, "top.bin") == []


def test_text_dictionaries_and_tables_are_logged_as_artifacts(fluent_experiment_id, tmp_path):
    table = {"epoch": [1, 2], "score": [0.5, 0.25], "name": ["a", "b"]}

    with mlflow.start_run() as run:
        mlflow.log_text("first", "notes/log.txt")
        mlflow.log_text("überschrieben\n", "notes/log.txt")
        mlflow.log_dict({"lr": 0.1, "betas": [0.9, 0.95]}, "config.json")
        mlflow.log_dict({"lr": 0.1}, "config.yaml")
        mlflow.log_table(table, "scores.json")
        mlflow.log_table({"epoch": [3], "score": [0.125], "name": ["c"]}, "scores.json")
        root = run.info.artifact_uri

    assert mlflow.artifacts.load_text(f"{root}/notes/log.txt") == "überschrieben\n"
    assert mlflow.artifacts.load_dict(f"{root}/config.json") == {"lr": 0.1, "betas": [0.9, 0.95]}
    assert downloaded(run.info.run_id, "config.yaml", tmp_path) == b"lr: 0.1\n"
    assert json.loads(downloaded(run.info.run_id, "scores.json", tmp_path)) == {
        "columns": ["epoch", "score", "name"],
        "data": [[1, 0.5, "a"], [2, 0.25, "b"], [3, 0.125, "c"]],
    }
    assert json.loads(latest(run.info.run_id).tags["mlflow.loggedArtifacts"]) == [
        {"path": "scores.json", "type": "table"}
    ]


def test_figures_and_images_are_logged_as_artifacts(client, fluent_experiment_id, tmp_path):
    figure = Figure()
    figure.subplots().plot([1, 2, 3])
    pixels = numpy.arange(8 * 8 * 3, dtype=numpy.uint8).reshape(8, 8, 3)

    with mlflow.start_run() as run:
        mlflow.log_figure(figure, "plots/curve.png")
        mlflow.log_image(pixels, "plots/pixels.png")
        for step in (0, 100):
            mlflow.log_image(pixels, key="z_500", step=step, synchronous=True)

    assert downloaded(run.info.run_id, "plots/curve.png", tmp_path).startswith(b"\x89PNG")
    read_back = mlflow.artifacts.load_image(f"{run.info.artifact_uri}/plots/pixels.png")
    assert (numpy.asarray(read_back) == pixels).all()
    stepped = [file.path for file in client.list_artifacts(run.info.run_id, "images")]
    assert len(stepped) == 4
    for path in stepped:
        assert downloaded(run.info.run_id, path, tmp_path) != b""
    assert latest(run.info.run_id).tags["mlflow.loggedImages"] == "True"
