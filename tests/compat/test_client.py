"""MlflowClient against every tracking endpoint: experiments, runs, metrics, params, tags and datasets."""

import math
import random
import re

import pytest
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunStatus, RunTag, ViewType

from support import assert_error, differs_from_mlflow, history, missing, refused, unique

ABSENT_RUN = "0" * 32
GREATEST = 1.7976931348623157e308


# Experiments


def test_an_experiment_reads_back_by_id_and_by_name(client):
    name = unique("  Ünï\tcode / experiment")

    experiment_id = client.create_experiment(name, artifact_location="s3://bucket/a b", tags={"team": "Ä", "empty": ""})
    by_id = client.get_experiment(experiment_id)
    by_name = client.get_experiment_by_name(name)

    assert experiment_id.isdecimal()
    for experiment in (by_id, by_name):
        assert (experiment.experiment_id, experiment.name) == (experiment_id, name)
        assert experiment.artifact_location == "s3://bucket/a b"
        assert experiment.tags == {"team": "Ä", "empty": ""}
        assert experiment.lifecycle_stage == "active"
        assert experiment.creation_time == experiment.last_update_time > 0


def test_an_experiment_without_an_artifact_location_gets_one_of_the_server(client, experiment_id):
    assert client.get_experiment(experiment_id).artifact_location == f"mlflow-artifacts:/{experiment_id}"


def test_the_default_experiment_exists_from_the_start(client):
    default = client.get_experiment("0")

    assert default.name == "Default"
    assert client.get_experiment_by_name("Default").experiment_id == "0"


def test_unknown_experiments_do_not_exist(client):
    assert client.get_experiment_by_name(unique("absent")) is None
    with refused("RESOURCE_DOES_NOT_EXIST", "No Experiment with id=999999999 exists"):
        client.get_experiment("999999999")
    with refused("INVALID_PARAMETER_VALUE", "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."):
        client.get_experiment("abc")
    for change in (client.delete_experiment, client.restore_experiment):
        with refused("RESOURCE_DOES_NOT_EXIST", "No Experiment with id=999999999 exists"):
            change("999999999")


def test_a_name_is_taken_while_its_experiment_is_active_or_deleted(client):
    name = unique("taken")
    experiment_id = client.create_experiment(name)

    with refused("RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists."):
        client.create_experiment(name)
    client.delete_experiment(experiment_id)

    with refused("RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists."):
        client.create_experiment(name)
    assert client.get_experiment_by_name(name).lifecycle_stage == "deleted"


def test_bad_experiment_names_and_locations_are_refused(http):
    create = "experiments/create"

    assert_error(http.post(create, {}), 400, "INVALID_PARAMETER_VALUE", missing("name"))
    assert_error(http.post(create, {"name": ""}), 400, "INVALID_PARAMETER_VALUE", missing("name"))
    assert_error(http.post(create, {"name": None}), 400, "INVALID_PARAMETER_VALUE", missing("name"))
    assert_error(
        http.post(create, {"name": "x" * 501}),
        400,
        "INVALID_PARAMETER_VALUE",
        "'name' exceeds the maximum length of 500 characters",
    )
    assert_error(
        http.post(create, {"name": 12}),
        400,
        "INVALID_PARAMETER_VALUE",
        "Invalid value 12 for parameter 'name' supplied:  Hint: Value was of type 'int'.",
    )
    assert_error(
        http.post(create, {"name": unique("fragment"), "artifact_location": "s3://b/p#x"}),
        400,
        "INVALID_PARAMETER_VALUE",
        "'artifact_location' URL can't include fragments or params.",
    )
    assert_error(
        http.post(create, {"name": unique("query"), "artifact_location": "s3://b/p?x=../.."}),
        400,
        "INVALID_PARAMETER_VALUE",
        "Invalid query string",
    )


def test_the_longest_name_is_counted_in_characters_not_bytes(client):
    # MLflow allows 500 too, but its PostgreSQL column ends at 256.
    name = unique("é").ljust(differs_from_mlflow(500, 256), "é")

    experiment_id = client.create_experiment(name)

    assert client.get_experiment(experiment_id).name == name


def test_a_query_in_an_artifact_location_stays_behind_the_path(client):
    experiment_id = client.create_experiment(unique("query"), artifact_location="s3://b/p?x=1")

    run = client.create_run(experiment_id)

    assert run.info.artifact_uri == f"s3://b/p/{run.info.run_id}/artifacts?x=1"


def test_renaming_an_experiment_moves_its_name(client):
    before, after = unique("before"), unique("after")
    experiment_id = client.create_experiment(before)
    created = client.get_experiment(experiment_id)

    client.rename_experiment(experiment_id, after)

    assert client.get_experiment_by_name(before) is None
    renamed = client.get_experiment_by_name(after)
    assert renamed.experiment_id == experiment_id
    assert renamed.creation_time == created.creation_time
    assert renamed.last_update_time >= created.last_update_time


def test_renaming_to_a_taken_name_is_a_bad_request(client, experiment_id):
    taken = unique("taken")
    client.create_experiment(taken)

    with refused("BAD_REQUEST"):
        client.rename_experiment(experiment_id, taken)

    assert client.get_experiment(experiment_id).name != taken


def test_a_deleted_experiment_cannot_be_renamed(http, client, experiment_id):
    client.delete_experiment(experiment_id)

    response = http.post("experiments/update", {"experiment_id": experiment_id, "new_name": unique("renamed")})

    # A caller's mistake: MLflow answers 500, which makes clients retry it for minutes.
    assert_error(response, differs_from_mlflow(400, 500), "INVALID_STATE", "Cannot rename a non-active experiment.")


def test_deleting_an_experiment_deletes_its_runs_and_restoring_brings_all_back(client, experiment_id):
    kept, deleted_before = (client.create_run(experiment_id).info.run_id for _ in range(2))
    client.delete_run(deleted_before)

    client.delete_experiment(experiment_id)
    deleted = client.get_experiment(experiment_id)
    stages_deleted = {client.get_run(run_id).info.lifecycle_stage for run_id in (kept, deleted_before)}
    client.restore_experiment(experiment_id)
    restored = client.get_experiment(experiment_id)
    stages_restored = {client.get_run(run_id).info.lifecycle_stage for run_id in (kept, deleted_before)}

    assert (deleted.lifecycle_stage, restored.lifecycle_stage) == ("deleted", "active")
    assert deleted.last_update_time >= deleted.creation_time
    assert (stages_deleted, stages_restored) == ({"deleted"}, {"active"})


def test_deleting_twice_and_restoring_an_active_experiment_are_refused(client, experiment_id):
    with refused("RESOURCE_DOES_NOT_EXIST", f"No Experiment with id={experiment_id} exists"):
        client.restore_experiment(experiment_id)
    client.delete_experiment(experiment_id)
    with refused("RESOURCE_DOES_NOT_EXIST", f"No Experiment with id={experiment_id} exists"):
        client.delete_experiment(experiment_id)


def test_a_deleted_experiment_takes_neither_runs_nor_tags(client, experiment_id):
    client.delete_experiment(experiment_id)
    text = f"The experiment {experiment_id} must be in the 'active' state. Current state is deleted."

    with refused("INVALID_PARAMETER_VALUE", text):
        client.create_run(experiment_id)
    with refused("INVALID_PARAMETER_VALUE", text):
        client.set_experiment_tag(experiment_id, "key", "value")


def test_experiment_tags_are_set_replaced_and_deleted(client, http, experiment_id):
    client.set_experiment_tag(experiment_id, "mlflow.note.content", "# Notes\n")
    client.set_experiment_tag(experiment_id, "a/b c", 1)
    client.set_experiment_tag(experiment_id, "a/b c", 2)
    client.set_experiment_tag(experiment_id, "gone", "soon")
    http.ok(http.post("experiments/delete-experiment-tag", {"experiment_id": experiment_id, "key": "gone"}))

    assert client.get_experiment(experiment_id).tags == {"mlflow.note.content": "# Notes\n", "a/b c": "2"}
    assert_error(
        http.post("experiments/delete-experiment-tag", {"experiment_id": experiment_id, "key": "gone"}),
        404,
        "RESOURCE_DOES_NOT_EXIST",
        f"No tag with name: gone in experiment with id {experiment_id}",
    )


def test_experiment_tags_keep_to_their_limits(http, client, experiment_id):
    set_tag = "experiments/set-experiment-tag"
    http.ok(http.post(set_tag, {"experiment_id": experiment_id, "key": "k" * 250, "value": "é" * 20_000}))

    assert client.get_experiment(experiment_id).tags == {"k" * 250: "é" * 20_000}
    assert_error(
        http.post(set_tag, {"experiment_id": experiment_id, "key": "long", "value": "x" * 20_001}),
        400,
        "INVALID_PARAMETER_VALUE",
        "exceeds the maximum length of 20000 characters",
    )
    assert_error(
        http.post(set_tag, {"experiment_id": experiment_id, "key": "k" * 251, "value": "x"}),
        400,
        "INVALID_PARAMETER_VALUE",
        "exceeds the maximum length of 250 characters",
    )
    assert_error(
        http.post(set_tag, {"experiment_id": experiment_id, "key": "bad$", "value": "x"}),
        400,
        "INVALID_PARAMETER_VALUE",
        "Names may only contain alphanumerics",
    )


@pytest.fixture(scope="module")
def catalogue(client):
    """Experiments alpha, Beta, alpha_beta and a deleted one under a common prefix; the tests only read them."""
    prefix = unique("catalogue")
    names = {"alpha": {"team": "ocean"}, "Beta": {"team": "Waves", "a.b": "x"}, "alpha_beta": {}, "removed": {}}
    ids = {}
    for name, tags in names.items():
        ids[name] = client.create_experiment(f"{prefix}/{name}", tags=tags)
    client.delete_experiment(ids["removed"])
    return prefix, ids


@pytest.mark.parametrize(
    ("filter_string", "expected"),
    [
        ("name = '{prefix}/alpha'", {"alpha"}),
        ('attribute.name = "{prefix}/Beta"', {"Beta"}),
        ("name LIKE '{prefix}/%' AND name != '{prefix}/alpha'", {"Beta", "alpha_beta"}),
        ("name LIKE '{prefix}/alpha%'", {"alpha", "alpha_beta"}),
        ("name LIKE '{prefix}/ALPHA%'", set()),
        ("name LIKE '{prefix}/bet_'", set()),
        ("name ILIKE '{prefix}/bet_'", {"Beta"}),
        ("name ILIKE '{prefix}/ALPHA%'", {"alpha", "alpha_beta"}),
        ("name LIKE '{prefix}/%' AND tags.team = 'ocean'", {"alpha"}),
        ("name LIKE '{prefix}/%' AND tags.team != 'ocean'", {"Beta"}),
        ("name LIKE '{prefix}/%' AND tag.team LIKE 'W%'", {"Beta"}),
        ("name LIKE '{prefix}/%' AND tags.team ILIKE 'OC%'", {"alpha"}),
        ("name LIKE '{prefix}/%' AND tags.a.b = 'x'", {"Beta"}),
        ("name LIKE '{prefix}/%' AND tags.`team` = 'ocean' AND tags.`a.b` = 'x'", set()),
        (
            "name LIKE '{prefix}/%' AND creation_time > 0 AND last_update_time <= 99999999999999",
            {"alpha", "Beta", "alpha_beta"},
        ),
        ("name LIKE '{prefix}/%' AND creation_time < 1", set()),
    ],
)
def test_experiments_are_found_by_name_and_tag(client, catalogue, filter_string, expected):
    prefix, ids = catalogue

    found = client.search_experiments(filter_string=filter_string.format(prefix=prefix))

    assert {experiment.experiment_id for experiment in found} == {ids[name] for name in expected}


def test_experiments_are_found_by_lifecycle(client, catalogue):
    prefix, ids = catalogue

    def found(view_type):
        return {e.experiment_id for e in client.search_experiments(view_type, filter_string=f"name LIKE '{prefix}/%'")}

    assert found(ViewType.ACTIVE_ONLY) == {ids["alpha"], ids["Beta"], ids["alpha_beta"]}
    assert found(ViewType.DELETED_ONLY) == {ids["removed"]}
    assert found(ViewType.ALL) == set(ids.values())


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (["name"], ["Beta", "alpha", "alpha_beta"]),
        (["name DESC"], ["alpha_beta", "alpha", "Beta"]),
        (["attributes.name ASC"], ["Beta", "alpha", "alpha_beta"]),
        (["experiment_id ASC"], ["alpha", "Beta", "alpha_beta"]),
        (["creation_time DESC", "experiment_id DESC"], ["alpha_beta", "Beta", "alpha"]),
        (["last_update_time ASC", "experiment_id"], ["alpha", "Beta", "alpha_beta"]),
    ],
)
def test_experiments_are_ordered(client, catalogue, order_by, expected):
    prefix, ids = catalogue

    found = client.search_experiments(filter_string=f"name LIKE '{prefix}/%'", order_by=order_by)

    assert [experiment.experiment_id for experiment in found] == [ids[name] for name in expected]


def test_experiments_come_newest_first_by_default(client, catalogue):
    prefix, _ = catalogue

    found = client.search_experiments(filter_string=f"name LIKE '{prefix}/%'")

    keys = [(-experiment.creation_time, int(experiment.experiment_id)) for experiment in found]
    assert len(keys) == 3
    assert keys == sorted(keys)


def test_experiments_come_in_pages(client, catalogue):
    prefix, ids = catalogue
    arguments = {"filter_string": f"name LIKE '{prefix}/%'", "order_by": ["name"], "max_results": 2}

    first = client.search_experiments(**arguments)
    second = client.search_experiments(**arguments, page_token=first.token)

    assert [e.experiment_id for e in first] == [ids["Beta"], ids["alpha"]]
    assert [e.experiment_id for e in second] == [ids["alpha_beta"]]
    assert first.token and not second.token


def test_a_full_last_page_of_experiments_has_no_token(client, catalogue):
    prefix, _ = catalogue

    page = client.search_experiments(filter_string=f"name LIKE '{prefix}/%'", max_results=3)

    assert len(page) == 3
    assert not page.token


@pytest.mark.parametrize(
    ("request_body", "text"),
    [
        ({}, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"),
        ({"max_results": 50_001}, "It must be at most 50000"),
        ({"max_results": 10, "page_token": "%%%"}, "Invalid page token"),
        ({"max_results": 10, "filter": "bogus = 'x'"}, "Invalid attribute key 'bogus'"),
        ({"max_results": 10, "filter": "name = x"}, "Parameter value is either not quoted"),
        ({"max_results": 10, "filter": "name > 'x'"}, "Invalid comparator '>'"),
        ({"max_results": 10, "filter": "name = 'a' OR name = 'b'"}, "Invalid clause(s) in filter string: "),
        ({"max_results": 10, "order_by": ["bogus"]}, "Invalid attribute key 'bogus'"),
        ({"max_results": 10, "order_by": ["tags.team"]}, "Invalid order_by entity: tag"),
    ],
)
def test_a_search_for_experiments_that_makes_no_sense_is_refused(http, request_body, text):
    response = http.post("experiments/search", request_body)

    assert_error(response, 400, "INVALID_PARAMETER_VALUE", text)


# Runs


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


# Params


def test_a_param_may_be_logged_again_but_not_changed(client, run_id):
    client.log_param(run_id, "p", "1")
    client.log_param(run_id, "p", "1")
    client.log_batch(run_id, params=[Param("p", "1")])

    with refused(
        "INVALID_PARAMETER_VALUE",
        "Changing param values is not allowed. Param with key='p' was already logged with value='1' "
        f"for run ID='{run_id}'. Attempted logging new value '2'.",
    ):
        client.log_param(run_id, "p", "2")
    with refused(
        "INVALID_PARAMETER_VALUE",
        "Changing param values is not allowed. Params were already logged='"
        f"[{{'key': 'p', 'old_value': '1', 'new_value': '2'}}]' for run ID='{run_id}'.",
    ):
        client.log_batch(run_id, params=[Param("p", "2")])

    assert client.get_run(run_id).data.params == {"p": "1"}


def test_values_beyond_the_limits_are_cut(http, client, run_id):
    long = "é" * 9000

    http.ok(http.post("runs/log-parameter", {"run_id": run_id, "key": "single", "value": long}))
    http.ok(http.post("runs/set-tag", {"run_id": run_id, "key": "single", "value": long}))
    batch = {"params": [{"key": "batch", "value": long}], "tags": [{"key": "batch", "value": long}]}
    http.ok(http.post("runs/log-batch", {"run_id": run_id, **batch}))
    http.ok(http.post("runs/log-parameter", {"run_id": run_id, "key": "single", "value": long}))
    client.log_param(run_id, "client", long)

    data = client.get_run(run_id).data
    assert data.params == {"single": long[:6000], "batch": long[:6000], "client": long[:6000]}
    assert (data.tags["single"], data.tags["batch"]) == (long[:8000], long[:8000])


def test_1400_params_of_up_to_6000_characters_read_back_equal(client, run_id):
    alphabet = "abc é→'\"\\\n\t{}0"
    generator = random.Random(1400)
    params = {
        f"config.section_{index % 37}.{'x' * (index % 200)}.{index}": "".join(
            generator.choices(alphabet, k=6000 if index % 100 == 0 else index % 700 * 5)
        )
        for index in range(1400)
    }

    client.log_batch(run_id, params=[Param(key, value) for key, value in params.items()])

    assert client.get_run(run_id).data.params == params


def test_an_absent_param_value_is_an_empty_one(http, client, run_id):
    http.ok(http.post("runs/log-parameter", {"run_id": run_id, "key": "absent"}))
    http.ok(http.post("runs/log-parameter", {"run_id": run_id, "key": "null", "value": None}))
    http.ok(http.post("runs/log-batch", {"run_id": run_id, "params": [{"key": "batch"}]}))

    assert client.get_run(run_id).data.params == {"absent": "", "null": "", "batch": ""}


# Tags


def test_run_tags_are_set_replaced_and_deleted(client, run_id):
    client.set_tag(run_id, "a/b c", 1)
    client.set_tag(run_id, "a/b c", "")
    client.set_tag(run_id, "gone", "soon")
    client.delete_tag(run_id, "gone")

    tags = client.get_run(run_id).data.tags
    assert tags["a/b c"] == ""
    assert "gone" not in tags
    with refused("RESOURCE_DOES_NOT_EXIST", f"No tag with name: gone in run with id {run_id}"):
        client.delete_tag(run_id, "gone")


def test_the_last_of_equal_tags_in_a_batch_wins(client, run_id):
    client.log_batch(run_id, tags=[RunTag("mlflow.user", "first"), RunTag("a", "b"), RunTag("mlflow.user", "last")])

    tags = client.get_run(run_id).data.tags
    assert (tags["mlflow.user"], tags["a"]) == ("last", "b")


# Metrics


def test_300_metric_keys_have_each_their_latest_value(client, run_id):
    keys = [f"val_WeightedMSELoss/var_{index:03}/1" for index in range(300)]
    for step in range(3):
        client.log_batch(
            run_id, metrics=[Metric(key, index + step, 1000 + step, step) for index, key in enumerate(keys)]
        )

    read = client.get_run(run_id).data.metrics

    assert read == {key: float(index + 2) for index, key in enumerate(keys)}
    assert history(client, run_id, keys[299]) == [(1000, 0, 299.0), (1001, 1, 300.0), (1002, 2, 301.0)]


def test_100_000_points_in_batches_of_1000_read_back_equal(client, run_id):
    # One key is longer than the 25,000 points of a page; the batches mix the keys.
    shares = {"loss": 60_000, "lr-AdamW": 10_000, "epoch": 10_000, "rollout": 10_000, "val/z_500": 10_000}
    generator = random.Random(100_000)
    points = [
        Metric(key, generator.uniform(-1e6, 1e6) if step % 7 else float(step), 1_700_000_000_000 + step * 13, step)
        for key, count in shares.items()
        for step in range(count)
    ]
    shuffled = points[:]
    generator.shuffle(shuffled)

    for start in range(0, len(shuffled), 1000):
        client.log_batch(run_id, metrics=shuffled[start : start + 1000])

    for key in shares:
        expected = [(point.timestamp, point.step, point.value) for point in points if point.key == key]
        assert history(client, run_id, key) == expected
    latest = {point.key: point.value for point in points}
    assert client.get_run(run_id).data.metrics == latest


def test_not_a_number_and_infinities_read_back(client, run_id):
    client.log_metric(run_id, "single", math.nan, timestamp=1, step=1)
    client.log_batch(
        run_id,
        metrics=[
            Metric("nan", math.nan, 1, 1),
            Metric("up", math.inf, 1, 1),
            Metric("down", -math.inf, 1, 1),
            Metric("tiny", 5e-324, 1, 1),
            Metric("exact", 0.1 + 0.2, 1, 1),
            Metric("negative zero", -0.0, 1, 1),
        ],
    )

    metrics = client.get_run(run_id).data.metrics

    assert math.isnan(metrics.pop("single")) and math.isnan(metrics.pop("nan"))
    assert metrics == {"up": GREATEST, "down": -GREATEST, "tiny": 5e-324, "exact": 0.1 + 0.2, "negative zero": 0.0}
    ((_, _, value),) = history(client, run_id, "nan")
    assert math.isnan(value)


def test_integers_read_back_up_to_their_extremes(client, run_id):
    steps = [-(2**63), -1, 0, 2**53 + 1, 2**63 - 1]
    client.log_batch(
        run_id, metrics=[Metric("extreme", index, 2**62 + index, step) for index, step in enumerate(steps)]
    )

    points = history(client, run_id, "extreme")

    assert [step for _, step, _ in points] == steps
    assert [timestamp for timestamp, _, _ in points] == [2**62 + index for index in range(5)]


def test_equal_points_are_stored_once(client, run_id):
    point = Metric("loss", 0.5, 1000, 1)
    not_a_number = Metric("loss", math.nan, 1000, 2)

    client.log_batch(run_id, metrics=[point, point, not_a_number, not_a_number, Metric("loss", 0.25, 1002, 3)])
    client.log_batch(run_id, metrics=[point, not_a_number, Metric("loss", 0.125, 1003, 4)])
    client.log_metric(run_id, "loss", 0.5, timestamp=1000, step=1)

    points = history(client, run_id, "loss")
    assert [(timestamp, step) for timestamp, step, _ in points] == [(1000, 1), (1000, 2), (1002, 3), (1003, 4)]
    assert points[0][2] == 0.5 and math.isnan(points[1][2])


def test_points_that_differ_in_anything_are_all_kept_and_ordered(client, run_id):
    points = [(2, 1, 5.0), (1, 1, 9.0), (1, 0, 7.0), (1, 1, 3.0), (3, 0, 1.0)]

    client.log_batch(run_id, metrics=[Metric("loss", value, timestamp, step) for timestamp, step, value in points])

    assert history(client, run_id, "loss") == sorted(points)


def test_the_latest_value_is_of_the_greatest_step_then_time_then_value(client, run_id):
    def latest_after(value, timestamp, step):
        client.log_batch(run_id, metrics=[Metric("loss", value, timestamp, step)])
        (found,) = client.get_run(run_id).data.metrics.values()
        return found

    assert latest_after(1.0, 100, 10) == 1.0
    assert latest_after(2.0, 999, 9) == 1.0, "a lower step never replaces a higher one, however late"
    assert latest_after(3.0, 99, 10) == 1.0, "nor does an earlier time at the same step"
    assert latest_after(0.5, 100, 10) == 1.0, "nor a smaller value at the same time"
    assert latest_after(4.0, 100, 10) == 4.0
    assert latest_after(-1.0, 101, 10) == -1.0
    assert latest_after(-2.0, 1, 11) == -2.0
    assert math.isnan(latest_after(math.nan, 1, 11)), "not a number counts as nought, which exceeds -2"
    assert latest_after(0.5, 1, 11) == 0.5


def test_backward_steps_in_one_batch_leave_the_greatest_step_latest(client, run_id):
    client.log_batch(run_id, metrics=[Metric("loss", step, 1000 - step, step) for step in (3, 9, 1, -4, 7)])

    assert client.get_run(run_id).data.metrics == {"loss": 9.0}


def test_a_history_comes_in_pages_that_join_without_gap_or_repeat(http, client, run_id):
    client.log_batch(run_id, metrics=[Metric("loss", step, 1000 + step // 3, step) for step in range(10)])

    def page(**arguments):
        query = {"run_id": run_id, "run_uuid": run_id, "metric_key": "loss", **arguments}
        return http.ok(http.get("metrics/get-history", query))

    first = page(max_results=4)
    second = page(max_results=4, page_token=first["next_page_token"])
    third = page(max_results=4, page_token=second["next_page_token"])

    assert [len(answer["metrics"]) for answer in (first, second, third)] == [4, 4, 2]
    assert "next_page_token" not in third
    assert [point["step"] for answer in (first, second, third) for point in answer["metrics"]] == list(range(10))
    assert page()["metrics"] == page(max_results=10)["metrics"]
    assert "next_page_token" not in page(max_results=10)


def test_bad_history_pages_are_refused(http, run_id):
    def refuse(text, **arguments):
        query = {"run_id": run_id, "metric_key": "loss", **arguments}
        assert_error(http.get("metrics/get-history", query), 400, "INVALID_PARAMETER_VALUE", text)

    refuse("Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer.", max_results=0)
    refuse("Invalid value -1 for parameter 'max_results' supplied. It must be a positive integer.", max_results=-1)
    refuse("Invalid page token", max_results=1, page_token="%%%")
    assert_error(
        http.get("metrics/get-history", {"run_id": run_id}), 400, "INVALID_PARAMETER_VALUE", missing("metric_key")
    )


def test_the_history_of_an_unknown_key_or_run_is_empty(client, run_id):
    client.log_metric(run_id, "other", 1)

    assert client.get_metric_history(run_id, "absent") == []
    assert client.get_metric_history(ABSENT_RUN, "absent") == []


def test_bad_metrics_are_refused(http, run_id):
    good = {"run_id": run_id, "key": "loss", "value": 1.0, "timestamp": 1}

    def refuse(text, **change):
        body = {name: value for name, value in (good | change).items() if value != "absent"}
        assert_error(http.post("runs/log-metric", body), 400, "INVALID_PARAMETER_VALUE", text)

    refuse(missing("key"), key="absent")
    refuse(missing("value"), value="absent")
    refuse(missing("timestamp"), timestamp="absent")
    refuse(missing("run_id"), run_id="absent")
    refuse("Timestamp must be a nonnegative long (64-bit integer)", timestamp=-1)
    refuse("exceeds the maximum length of 250 characters", key="k" * 251)
    refuse("Invalid value \"bad$\" for parameter 'name' supplied: Names may only contain alphanumerics", key="bad$")
    refuse("This name would resolve to 'a/b'", key="a//b")
    refuse("must not resolve to other names when treated as such", key="../up")


@pytest.mark.parametrize("key", ["a/b c:d.e-f_g", "größe", "変数", "k" * 250, "1"])
def test_good_names_are_accepted_for_metrics_params_and_tags(client, run_id, key):
    client.log_metric(run_id, key, 1.0)
    client.log_param(run_id, key, "p")
    client.set_tag(run_id, key, "t")

    data = client.get_run(run_id).data
    assert (data.metrics, data.params, data.tags[key]) == ({key: 1.0}, {key: "p"}, "t")


@pytest.mark.parametrize("key", ["bad$", "a//b", "/a", "a/", "..", "a/../b", ".", "a\tb", "k" * 251])
def test_bad_names_are_refused_for_metrics_params_and_tags(http, run_id, key):
    metric = {"run_id": run_id, "key": key, "value": 1, "timestamp": 1}
    other = {"run_id": run_id, "key": key, "value": "x"}

    assert_error(http.post("runs/log-metric", metric), 400, "INVALID_PARAMETER_VALUE")
    assert_error(http.post("runs/log-parameter", other), 400, "INVALID_PARAMETER_VALUE")
    assert_error(http.post("runs/set-tag", other), 400, "INVALID_PARAMETER_VALUE")


# Batches


def batch(metrics=0, params=0, tags=0):
    return {
        "metrics": [{"key": f"m{index}", "value": 1.0, "timestamp": 1, "step": 0} for index in range(metrics)],
        "params": [{"key": f"p{index}", "value": "v"} for index in range(params)],
        "tags": [{"key": f"t{index}", "value": "v"} for index in range(tags)],
    }


def test_a_batch_may_reach_its_limits_and_may_be_empty(http, client, run_id):
    http.ok(http.post("runs/log-batch", {"run_id": run_id}))
    http.ok(http.post("runs/log-batch", {"run_id": run_id, **batch(metrics=1000)}))
    http.ok(http.post("runs/log-batch", {"run_id": run_id, **batch(metrics=800, params=100, tags=100)}))

    data = client.get_run(run_id).data
    assert (len(data.metrics), len(data.params)) == (1000, 100)
    assert {f"t{index}" for index in range(100)} <= data.tags.keys()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            batch(metrics=1001),
            "at most 1000 metrics. Got 1001 metrics. Please split up metrics across multiple requests",
        ),
        (
            batch(params=101),
            "at most 100 params. Got 101 params. Please split up params across multiple requests and try",
        ),
        (
            batch(tags=101),
            "at most 100 tags. Got 101 tags. Please split up tags across multiple requests and try again.",
        ),
        (
            batch(metrics=900, params=100, tags=1),
            "at most 1000 metrics, params, and tags. Got 1001 metrics, params, and tags.",
        ),
        ({"metrics": [{"key": "a", "timestamp": 1}]}, missing("metrics[0].value")),
        ({"metrics": [{"key": "a", "value": 1.0}]}, missing("metrics[0].timestamp")),
        ({"metrics": [{"value": 1.0, "timestamp": 1}]}, missing("metrics[0].key")),
        ({"params": [{"key": "a", "value": "1"}, {"value": "1"}]}, missing("params[1].key")),
        ({"tags": [{"value": "1"}]}, missing("tags[0].key")),
        (
            {"params": [{"key": "q", "value": "1"}, {"key": "q", "value": "1"}]},
            "Duplicate parameter keys have been submitted: ['q']. "
            "Please ensure the request contains only one param value per param key.",
        ),
        ({"params": [{"key": "ok", "value": "1"}, {"key": "bad$", "value": "1"}]}, "params[1].key"),
        (
            {"tags": [{"key": "ok", "value": "1"}, {"key": "b", "value": "1"}, {"key": "a//b", "value": ""}]},
            "tags[2].key",
        ),
        (
            {"metrics": [{"key": "bad$", "value": 1, "timestamp": 1}, {"key": "a", "value": 1, "timestamp": 1}]},
            "metrics[0].name",
        ),
        ({"metrics": [{"key": "a", "value": 1, "timestamp": -1}]}, "nonnegative"),
    ],
)
def test_a_bad_batch_is_refused_and_changes_nothing(http, client, run_id, body, text):
    before = client.get_run(run_id).data.to_dictionary()
    good = {"key": "good", "value": "1"}
    body = {**body, "tags": [*body.get("tags", []), good]} if "tags" not in body else body

    response = http.post("runs/log-batch", {"run_id": run_id, **body})

    assert_error(response, 400, "INVALID_PARAMETER_VALUE", text)
    assert client.get_run(run_id).data.to_dictionary() == before


def test_a_batch_that_changes_a_param_stores_none_of_its_params(http, client, run_id):
    client.log_param(run_id, "p", "1")

    response = http.post(
        "runs/log-batch",
        {"run_id": run_id, "params": [{"key": "new", "value": "x"}, {"key": "p", "value": "2"}]},
    )

    assert_error(response, 400, "INVALID_PARAMETER_VALUE", "Changing param values is not allowed.")
    assert client.get_run(run_id).data.params == {"p": "1"}


def test_a_batch_needs_a_run(http):
    assert_error(http.post("runs/log-batch", {}), 400, "INVALID_PARAMETER_VALUE", missing("run_id"))
    assert_error(
        http.post("runs/log-batch", {"run_id": "nope!"}),
        400,
        "INVALID_PARAMETER_VALUE",
        "Invalid value \"nope!\" for parameter 'run_id' supplied.",
    )


# Datasets


def test_datasets_read_back_with_schema_profile_and_tags(client, run_id):
    long = "s" * 60_000
    dataset = Dataset("era5 ü", "d" * 36, "zarr", f'{{"uri": "{long}"}}', schema='{"cols": []}', profile='{"rows": 3}')

    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "train"), InputTag("k", "")])])

    (logged,) = client.get_run(run_id).inputs.dataset_inputs
    assert dict(logged.dataset) == dict(dataset)
    assert {tag.key: tag.value for tag in logged.tags} == {"mlflow.data.context": "train", "k": ""}


def test_the_first_writer_of_a_dataset_determines_it(client, experiment_id, run_id):
    other_run = client.create_run(experiment_id).info.run_id

    client.log_inputs(run_id, [DatasetInput(Dataset("era5", "abc", "local", "first"), [])])
    client.log_inputs(other_run, [DatasetInput(Dataset("era5", "abc", "s3", "second"), [])])
    client.log_inputs(other_run, [DatasetInput(Dataset("era5", "def", "s3", "second"), [])])

    assert [d.dataset.source for d in client.get_run(run_id).inputs.dataset_inputs] == ["first"]
    logged = client.get_run(other_run).inputs.dataset_inputs
    assert sorted((d.dataset.digest, d.dataset.source) for d in logged) == [("abc", "first"), ("def", "second")]


@pytest.mark.parametrize(("field", "limit"), [("name", 500), ("digest", 36), ("source", 65_535), ("schema", 1_048_575)])
def test_dataset_fields_have_a_greatest_length(http, client, run_id, field, limit):
    def log(length):
        dataset = {"name": "n", "digest": "d", "source_type": "local", "source": "{}", field: "x" * length}
        return http.post("runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset}]})

    too_long = log(limit + 1)

    text = f"'{field}' exceeds the maximum length of {limit} characters"
    assert_error(too_long, 400, "INVALID_PARAMETER_VALUE", text)
    assert list(client.get_run(run_id).inputs.dataset_inputs) == []
    http.ok(log(limit))
    (logged,) = client.get_run(run_id).inputs.dataset_inputs
    assert getattr(logged.dataset, field) == "x" * limit


def test_dataset_tags_have_a_greatest_length(http, run_id):
    def log(key, value):
        logged = {
            "dataset": {"name": "n", "digest": "d", "source_type": "local", "source": "{}"},
            "tags": [{"key": key, "value": value}],
        }
        return http.post("runs/log-inputs", {"run_id": run_id, "datasets": [logged]})

    assert_error(log("k" * 256, "v"), 400, "INVALID_PARAMETER_VALUE", "'key' exceeds the maximum length of 255")
    assert_error(log("k", "v" * 501), 400, "INVALID_PARAMETER_VALUE", "'value' exceeds the maximum length of 500")
    http.ok(log("k" * 255, "v" * 500))


def test_the_datasets_of_experiments_are_listed_for_the_web_page(http, client, experiment_id, run_id):
    tags = [InputTag("mlflow.data.context", "train")]
    client.log_inputs(run_id, [DatasetInput(Dataset("era5", "abc", "local", "{}"), tags)])
    client.log_inputs(run_id, [DatasetInput(Dataset("obs", "def", "local", "{}"), [])])

    answer = http.ok(http.post("/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [experiment_id]}))

    assert sorted(answer["dataset_summaries"], key=lambda summary: summary["name"]) == [
        {"experiment_id": experiment_id, "name": "era5", "digest": "abc", "context": "train"},
        {"experiment_id": experiment_id, "name": "obs", "digest": "def"},
    ]
