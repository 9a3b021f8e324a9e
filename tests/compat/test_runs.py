"""MlflowClient and runs: made, ended, renamed, deleted, restored, searched."""

import re

import pytest
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunStatus, RunTag, ViewType

from support import assert_error, history, refused, unique

ABSENT_RUN = "0" * 32


def test_a_run_reads_back_as_created(client, experiment_id):
    run = client.create_run(
        experiment_id, start_time=1234567890123, tags={"a": "1", "mlflow.user": "someone"}, run_name="ñame"
    )

    read = client.get_run(run.info.run_id)

    assert re.fullmatch("[0-9a-f]{32}", run.info.run_id)
    for info in (run.info, read.info):
        assert info.run_id == run.info.run_id
        assert (info.experiment_id, info.run_name, info.status) == (experiment_id, "ñame", "RUNNING")
        assert (info.start_time, info.end_time, info.lifecycle_stage) == (1234567890123, None, "active")
        assert info.artifact_uri == f"mlflow-artifacts:/{experiment_id}/{run.info.run_id}/artifacts"
    assert read.data.tags == {"a": "1", "mlflow.user": "someone", "mlflow.runName": "ñame"}
    assert (read.data.params, read.data.metrics) == ({}, {})
    assert list(read.inputs.dataset_inputs) == []


def test_a_run_without_a_name_gets_one(client, experiment_id):
    run = client.create_run(experiment_id)

    assert re.fullmatch(r"[a-z]+-[a-z]+-\d+", run.info.run_name)
    assert run.data.tags == {"mlflow.runName": run.info.run_name}


def test_a_run_needs_an_existing_experiment(http, client):
    with refused("RESOURCE_DOES_NOT_EXIST", "No Experiment with id=999999999 exists"):
        client.create_run("999999999")
    assert_error(
        http.post("runs/create", {"experiment_id": 0, "start_time": 1}),
        400,
        "INVALID_PARAMETER_VALUE",
        "Invalid value 0 for parameter 'experiment_id' supplied:  Hint: Value was of type 'int'.",
    )
    response = http.post("runs/create", {"start_time": 1})
    assert response.status_code == 400, response.text


def test_unknown_runs_do_not_exist(client):
    text = f"Run with id={ABSENT_RUN} not found"

    for call in (
        lambda: client.get_run(ABSENT_RUN),
        lambda: client.delete_run(ABSENT_RUN),
        lambda: client.restore_run(ABSENT_RUN),
        lambda: client.log_metric(ABSENT_RUN, "a", 1),
        lambda: client.log_param(ABSENT_RUN, "a", 1),
        lambda: client.set_tag(ABSENT_RUN, "a", 1),
        lambda: client.delete_tag(ABSENT_RUN, "a"),
        lambda: client.log_batch(ABSENT_RUN, params=[Param("a", "1")]),
        lambda: client.update_run(ABSENT_RUN, status="FINISHED"),
        lambda: client.set_terminated(ABSENT_RUN),
        lambda: client.list_artifacts(ABSENT_RUN),
    ):
        with refused("RESOURCE_DOES_NOT_EXIST", text):
            call()


def test_terminating_a_run_sets_state_and_end_without_touching_the_rest(client, experiment_id):
    run = client.create_run(experiment_id, start_time=1000, run_name="kept")

    client.set_terminated(run.info.run_id, "KILLED", end_time=2000)
    info = client.get_run(run.info.run_id).info

    assert (info.status, info.start_time, info.end_time, info.run_name) == ("KILLED", 1000, 2000, "kept")


def test_a_terminated_run_can_run_again_and_keeps_its_end_time(client, run_id):
    client.set_terminated(run_id, end_time=2000)

    client.update_run(run_id, status="RUNNING")
    info = client.get_run(run_id).info

    assert (info.status, info.end_time) == ("RUNNING", 2000)


@pytest.mark.parametrize("status", RunStatus.all_status(), ids=RunStatus.to_string)
def test_a_run_takes_every_status(client, run_id, status):
    client.update_run(run_id, status=RunStatus.to_string(status))

    assert client.get_run(run_id).info.status == RunStatus.to_string(status)


def test_the_name_and_its_tag_change_together(client, run_id):
    def names():
        run = client.get_run(run_id)
        return run.info.run_name, run.data.tags.get("mlflow.runName")

    client.update_run(run_id, name="by update")
    assert names() == ("by update", "by update")
    client.set_tag(run_id, "mlflow.runName", "by tag")
    assert names() == ("by tag", "by tag")
    client.log_batch(run_id, tags=[RunTag("mlflow.runName", "by batch")])
    assert names() == ("by batch", "by batch")
    client.update_run(run_id, status="RUNNING")
    assert names() == ("by batch", "by batch")
    client.delete_tag(run_id, "mlflow.runName")
    assert names() == ("by batch", None)


def test_a_name_and_a_name_tag_that_differ_are_refused(http, client, experiment_id):
    tag = {"key": "mlflow.runName", "value": "y"}

    same = http.ok(http.post("runs/create", {"experiment_id": experiment_id, "run_name": "y", "tags": [tag]}))
    different = http.post("runs/create", {"experiment_id": experiment_id, "run_name": "x", "tags": [tag]})

    assert same["run"]["info"]["run_name"] == "y"
    assert_error(
        different,
        400,
        "INVALID_PARAMETER_VALUE",
        "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
        "(run_name='x', mlflow.runName='y').",
    )


def test_an_empty_name_in_an_update_is_ignored(http, client, run_id):
    name = client.get_run(run_id).info.run_name

    http.ok(http.post("runs/update", {"run_id": run_id, "run_name": ""}))

    assert client.get_run(run_id).info.run_name == name


def test_runs_are_deleted_and_restored_any_number_of_times(client, run_id):
    for _ in range(2):
        client.delete_run(run_id)
        assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    for _ in range(2):
        client.restore_run(run_id)
        assert client.get_run(run_id).info.lifecycle_stage == "active"


def test_a_deleted_run_reads_but_takes_no_writes(client, run_id):
    client.log_metric(run_id, "loss", 1.0, timestamp=5, step=0)
    client.set_tag(run_id, "tag", "1")
    client.delete_run(run_id)

    for write in (
        lambda: client.log_metric(run_id, "loss", 2.0),
        lambda: client.log_param(run_id, "a", 1),
        lambda: client.set_tag(run_id, "tag", "2"),
        lambda: client.delete_tag(run_id, "tag"),
        lambda: client.log_batch(run_id, metrics=[Metric("loss", 2.0, 6, 1)]),
        lambda: client.update_run(run_id, status="FAILED"),
        lambda: client.log_inputs(run_id, [DatasetInput(Dataset("era5", "abc", "local", "{}"), [])]),
    ):
        with refused(
            "INVALID_PARAMETER_VALUE",
            f"The run {run_id} must be in the 'active' state. Current state is deleted.",
        ):
            write()

    read = client.get_run(run_id)
    assert (read.data.metrics, read.data.params, read.data.tags["tag"]) == ({"loss": 1.0}, {}, "1")
    assert read.info.status == "RUNNING"
    assert history(client, run_id, "loss") == [(5, 0, 1.0)]


def test_runs_are_searched_by_lifecycle_in_pages(client, experiment_id):
    run_ids = [client.create_run(experiment_id, start_time=start).info.run_id for start in (10, 30, 20, 40, 50)]
    newest_first = [run_ids[index] for index in (4, 3, 1, 2, 0)]
    client.delete_run(run_ids[4])

    def found(view_type, **arguments):
        return client.search_runs([experiment_id], run_view_type=view_type, **arguments)

    assert [run.info.run_id for run in found(ViewType.ACTIVE_ONLY)] == newest_first[1:]
    assert [run.info.run_id for run in found(ViewType.DELETED_ONLY)] == newest_first[:1]
    first = found(ViewType.ALL, max_results=3)
    second = found(ViewType.ALL, max_results=3, page_token=first.token)
    assert [run.info.run_id for run in first + second] == newest_first
    assert first.token and not second.token


def test_runs_of_several_experiments_are_searched_together(client, experiment_id):
    other = client.create_experiment(unique("other"))
    in_both = [client.create_run(id, start_time=1).info.run_id for id in (experiment_id, other)]

    found = client.search_runs([experiment_id, other])
    equal_start_times_come_by_id = [run.info.run_id for run in found]

    assert equal_start_times_come_by_id == sorted(in_both)
    assert list(client.search_runs([])) == []


def test_a_found_run_carries_params_latest_metrics_tags_and_datasets(client, experiment_id, run_id):
    client.log_batch(run_id, params=[Param("p", "1")], metrics=[Metric("m", 1, 1, 1), Metric("m", 2, 2, 2)])
    client.log_inputs(run_id, [DatasetInput(Dataset("era5", "abc", "local", "{}"), [InputTag("k", "v")])])

    (found,) = client.search_runs([experiment_id])
    read = client.get_run(run_id)

    assert found.data.to_dictionary() == read.data.to_dictionary()
    assert found.data.metrics == {"m": 2.0}
    assert found.inputs.to_dictionary() == read.inputs.to_dictionary()
    assert dict(found.info) == dict(read.info)


@pytest.mark.parametrize(
    ("request_body", "text"),
    [
        ({"max_results": 0}, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"),
        ({"max_results": 50_001}, "max_results"),
        ({"page_token": "%%%"}, "Invalid page token"),
        ({"filter": "bogus.x = 'y'"}, "Invalid entity type 'bogus'"),
        ({"filter": "params.x = y"}, "Parameter value is either not quoted"),
        ({"filter": "params.x = 'y' OR params.x = 'z'"}, "Invalid clause(s) in filter string: 'OR'"),
        ({"filter": "attributes.bogus = 'y'"}, "Invalid attribute key 'bogus' specified"),
    ],
)
def test_a_search_for_runs_that_makes_no_sense_is_refused(http, experiment_id, request_body, text):
    response = http.post("runs/search", {"experiment_ids": [experiment_id], **request_body})

    assert_error(response, 400, "INVALID_PARAMETER_VALUE", text)
