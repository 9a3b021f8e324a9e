"""MlflowClient and experiments: made, found, renamed, tagged, deleted, restored."""

import pytest
from mlflow.entities import ViewType

from support import assert_error, differs_from_mlflow, missing, refused, unique


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
