"""Raw HTTP, as the R and Java clients, older clients, curl users and the web page send it."""

import json
import re

import pytest

from support import assert_error, differs_from_mlflow, history, missing, refused, unique

ABSENT_RUN = "0" * 32
GREATEST = 1.7976931348623157e308


def run_of(http, run_id):
    return http.ok(http.get("runs/get", {"run_id": run_id}))["run"]


def post_text(http, path, text, content_type="application/json"):
    return http.post(path, data=text.encode(), headers={"Content-Type": content_type})


# What other clients send


def test_the_java_client_logs_a_run_with_int64_as_strings(http, experiment_id):
    created = http.ok(
        http.post(
            "runs/create",
            {"experiment_id": experiment_id, "user_id": "duke", "start_time": "1700000000000", "tags": []},
        )
    )
    run_id = created["run"]["info"]["run_uuid"]
    ids = {"run_uuid": run_id, "run_id": run_id}
    http.ok(http.post("runs/log-metric", ids | {"key": "m", "value": 0.5, "timestamp": "1700000000001", "step": "-7"}))
    http.ok(
        http.post(
            "runs/log-batch",
            {
                "run_id": run_id,
                "metrics": [{"key": "m", "value": 0.25, "timestamp": "1700000000002", "step": "9007199254740993"}],
                "params": [{"key": "p", "value": "v"}],
                "tags": [{"key": "t", "value": "v"}],
            },
        )
    )
    updated = http.ok(http.post("runs/update", ids | {"status": "FINISHED", "end_time": "1700000000003"}))
    history = http.ok(http.get("metrics/get-history", ids | {"metric_key": "m"}))["metrics"]

    info = run_of(http, run_id)["info"]
    assert info == updated["run_info"]
    assert (info["user_id"], info["status"]) == ("duke", "FINISHED")
    assert (info["start_time"], info["end_time"]) == (1700000000000, 1700000000003)
    assert history == [
        {"key": "m", "value": 0.5, "timestamp": 1700000000001, "step": -7},
        {"key": "m", "value": 0.25, "timestamp": 1700000000002, "step": 9007199254740993},
    ]


def test_the_r_client_logs_a_run_by_run_uuid_alone(http, experiment_id):
    created = http.ok(http.post("runs/create", {"experiment_id": experiment_id, "start_time": 1}))
    run_id = created["run"]["info"]["run_uuid"]
    assert created["run"]["info"]["run_id"] == run_id

    http.ok(http.post("runs/log-metric", {"run_uuid": run_id, "key": "m", "value": 1, "timestamp": 1, "step": 0}))
    http.ok(http.post("runs/log-parameter", {"run_uuid": run_id, "key": "p", "value": "1"}))
    http.ok(http.post("runs/set-tag", {"run_uuid": run_id, "key": "t", "value": "1"}))
    http.ok(http.post("runs/update", {"run_uuid": run_id, "status": "FAILED", "end_time": 5}))
    read = http.ok(http.get("runs/get", {"run_uuid": run_id}))["run"]
    history = http.ok(http.get("metrics/get-history", {"run_uuid": run_id, "metric_key": "m"}))
    listed = http.ok(http.get("artifacts/list", {"run_uuid": run_id}))

    assert (read["info"]["status"], read["info"]["end_time"]) == ("FAILED", 5)
    assert read["data"]["metrics"] == [{"key": "m", "value": 1.0, "timestamp": 1, "step": 0}]
    assert read["data"]["params"] == [{"key": "p", "value": "1"}]
    assert {"key": "t", "value": "1"} in read["data"]["tags"]
    assert history["metrics"] == read["data"]["metrics"]
    assert listed == {"root_uri": read["info"]["artifact_uri"]}


def test_run_uuid_does_not_name_a_run_where_the_api_never_had_it(http, run_id):
    before = run_of(http, run_id)

    for path, body in {
        "runs/delete": {},
        "runs/delete-tag": {"key": "mlflow.runName"},
        "runs/log-batch": {"tags": [{"key": "a", "value": "b"}]},
        "runs/log-inputs": {},
    }.items():
        response = http.post(path, {"run_uuid": run_id} | body)
        assert response.status_code in (400, 404), response.text
        assert response.json()["error_code"] in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")

    assert run_of(http, run_id) == before


def test_field_names_may_be_camel_case(http):
    experiment = http.ok(
        http.post("experiments/create", {"name": unique("camel"), "artifactLocation": "s3://bucket/camel"})
    )
    experiment_id = experiment["experiment_id"]
    run = http.ok(
        http.post("runs/create", {"experimentId": experiment_id, "startTime": "7", "runName": "camel", "userId": "cl"})
    )["run"]
    run_id = run["info"]["run_id"]
    http.ok(http.post("runs/update", {"run_id": run_id, "endTime": 9, "runName": "dromedary"}))
    found = http.ok(http.post("runs/search", {"experimentIds": [experiment_id], "runViewType": "ALL", "maxResults": 1}))

    assert run["info"]["artifact_uri"] == f"s3://bucket/camel/{run_id}/artifacts"
    (info,) = [run["info"] for run in found["runs"]]
    assert (info["start_time"], info["end_time"], info["user_id"], info["run_name"]) == (7, 9, "cl", "dromedary")


def test_required_fields_may_be_camel_case_too(http, run_id):
    response = http.post("runs/log-metric", {"runId": run_id, "key": "m", "value": 1.5, "timestamp": 2})

    # MLflow looks for required fields under their snake_case names only, although it reads both.
    assert response.status_code == differs_from_mlflow(200, 400), response.text


def test_a_field_in_both_spellings_is_refused(http, run_id):
    response = http.post("runs/update", {"run_id": run_id, "run_name": "a", "runName": "b"})

    assert response.status_code == 400
    assert "Request specifies both" in response.text
    assert "run_name" in response.text and "runName" in response.text and "provide only one of them." in response.text


def test_enums_may_be_numbers(http, client, experiment_id, run_id):
    http.ok(http.post("runs/update", {"run_id": run_id, "status": 5}))
    killed = run_of(http, run_id)["info"]["status"]
    http.ok(http.post("runs/update", {"run_id": run_id, "status": 4}))
    client.delete_run(run_id)

    def found(view_type):
        body = {"experiment_ids": [experiment_id], "run_view_type": view_type}
        return [run["info"]["status"] for run in http.ok(http.post("runs/search", body)).get("runs", [])]

    assert killed == "KILLED"
    assert (found(1), found(2), found(3)) == ([], ["FAILED"], ["FAILED"])


def test_an_unknown_status_changes_nothing(http, run_id):
    response = http.post("runs/update", {"run_id": run_id, "status": "BOGUS"})

    # MLflow drops the field silently and answers 200: the caller believes the status was set.
    assert response.status_code == differs_from_mlflow(400, 200), response.text
    if response.status_code == 400:
        assert_error(response, 400, "INVALID_PARAMETER_VALUE", "status", "BOGUS")
    assert run_of(http, run_id)["info"]["status"] == "RUNNING"


def test_not_a_number_and_infinity_come_as_strings(http, run_id):
    for key, value in {"nan": "NaN", "up": "Infinity", "down": "-Infinity", "text": "0.5", "whole": 3}.items():
        http.ok(http.post("runs/log-metric", {"run_id": run_id, "key": key, "value": value, "timestamp": 1}))
    metric = {"key": "batch", "value": "NaN", "timestamp": 1, "step": 0}
    http.ok(http.post("runs/log-batch", {"run_id": run_id, "metrics": [metric]}))

    response = http.get("runs/get", {"run_id": run_id})

    assert {metric["key"]: metric["value"] for metric in response.json()["run"]["data"]["metrics"]} == {
        "nan": "NaN",
        "batch": "NaN",
        "up": GREATEST,
        "down": -GREATEST,
        "text": 0.5,
        "whole": 3.0,
    }
    assert not re.search(r":\s*-?(NaN|Infinity)", response.text), "a bare token is not JSON"


@pytest.mark.parametrize(("token", "value"), [("NaN", "NaN"), ("Infinity", GREATEST), ("-Infinity", -GREATEST)])
def test_the_bare_tokens_of_python_and_javascript_are_numbers_too(http, run_id, token, value):
    point = f'"key": "single", "value": {token}, "timestamp": 7, "step": 3'
    http.ok(post_text(http, "runs/log-metric", f'{{"run_id": "{run_id}", {point}}}'))
    http.ok(post_text(http, "runs/log-batch", f'{{"run_id": "{run_id}", "metrics": [{{{point}}}]}}'))

    # MLflow answers 200 and stores a nought at time 0.
    stored = {"key": "single", "value": value, "timestamp": 7, "step": 3}
    stored_by_mlflow = {"key": "single", "value": 0.0, "timestamp": 0, "step": 0}
    assert run_of(http, run_id)["data"]["metrics"] == [differs_from_mlflow(stored, stored_by_mlflow)]


def test_true_is_taken_for_the_metric_value_one(http, run_id):
    http.ok(http.post("runs/log-metric", {"run_id": run_id, "key": "flag", "value": True, "timestamp": 1}))

    (metric,) = run_of(http, run_id)["data"]["metrics"]
    assert metric["value"] == 1.0


def test_a_body_that_is_json_within_a_json_string_is_unwrapped(http, run_id):
    body = json.dumps(json.dumps({"run_id": run_id, "key": "p", "value": "wrapped"}))

    http.ok(post_text(http, "runs/log-parameter", body))

    assert run_of(http, run_id)["data"]["params"] == [{"key": "p", "value": "wrapped"}]


def test_unknown_fields_are_ignored_and_null_is_absent(http, run_id):
    body = {"run_id": run_id, "run_name": None, "status": None, "end_time": None, "bogus": {"a": [1]}}
    before = run_of(http, run_id)

    http.ok(http.post("runs/update", body))
    query = http.ok(http.get("runs/get", {"run_id": run_id, "bogus": "x"}))

    assert query["run"] == before


@pytest.mark.parametrize("body", ["", "{", "nonsense", "{}", "null"])
def test_an_empty_body_lacks_every_parameter(http, body):
    response = post_text(http, "runs/set-tag", body)

    assert_error(response, 400, "INVALID_PARAMETER_VALUE", missing("run_id"))


@pytest.mark.parametrize("body", ["[]", "[1]", '"x"', "3", "true"])
def test_a_body_that_is_no_object_is_refused(http, body):
    response = post_text(http, "runs/set-tag", body)

    # A caller's mistake: MLflow answers 500, which makes clients retry it for minutes.
    assert response.status_code == differs_from_mlflow(400, 500)


def test_a_post_must_say_that_it_is_json(http, run_id):
    body = json.dumps({"run_id": run_id, "key": "t", "value": "1"})

    absent = http.post("runs/set-tag", data=body.encode())
    wrong = post_text(http, "runs/set-tag", body, "text/plain")
    with_charset = post_text(http, "runs/set-tag", body, "application/json; charset=utf-8")

    assert absent.status_code == wrong.status_code == 400
    assert "Bad Request. Content-Type header is missing." in absent.text
    assert "Bad Request. Content-Type must be one of ['application/json']." in wrong.text
    http.ok(with_charset)


def test_a_string_where_a_name_is_expected_must_be_a_string(http):
    for value, python_type in [(1, "int"), (1.5, "float"), (True, "bool"), (["a"], "list"), ({}, "dict")]:
        assert_error(
            http.post("experiments/create", {"name": value}),
            400,
            "INVALID_PARAMETER_VALUE",
            f"Invalid value {json.dumps(value)} for parameter 'name' supplied:  "
            f"Hint: Value was of type '{python_type}'. "
            "See the API docs for more information about request parameters.",
        )


def test_an_experiment_search_may_be_a_get_with_repeated_fields(http):
    prefix = unique("get")
    ids = [http.ok(http.post("experiments/create", {"name": f"{prefix}/{n}"}))["experiment_id"] for n in "ab"]

    answer = http.ok(
        http.get(
            "experiments/search",
            [
                ("max_results", "10"),
                ("filter", f"name LIKE '{prefix}/%'"),
                ("order_by", "name DESC"),
                ("order_by", "experiment_id ASC"),
                ("view_type", "ACTIVE_ONLY"),
            ],
        )
    )

    assert [experiment["experiment_id"] for experiment in answer["experiments"]] == ids[::-1]


@pytest.mark.parametrize("prefix", ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"])
def test_every_endpoint_has_a_twin_for_the_web_page(http, prefix):
    created = http.ok(http.post(f"{prefix}/experiments/create", {"name": unique("twin")}))

    read = http.ok(http.get(f"{prefix}/experiments/get", {"experiment_id": created["experiment_id"]}))

    assert read["experiment"]["experiment_id"] == created["experiment_id"]


# What comes back


def test_a_new_run_is_written_as_mlflow_writes_it(http, experiment_id):
    created = http.ok(http.post("runs/create", {"experiment_id": experiment_id, "start_time": 5, "run_name": "n"}))
    run_id = created["run"]["info"]["run_id"]
    http.ok(http.post("runs/set-tag", {"run_id": run_id, "key": "empty", "value": ""}))

    read = run_of(http, run_id)

    read["data"]["tags"].sort(key=lambda tag: tag["key"])
    assert read == {
        "info": {
            "run_id": run_id,
            "run_uuid": run_id,
            "run_name": "n",
            "experiment_id": experiment_id,
            "user_id": "",
            "status": "RUNNING",
            "start_time": 5,
            "artifact_uri": f"mlflow-artifacts:/{experiment_id}/{run_id}/artifacts",
            "lifecycle_stage": "active",
        },
        "data": {"tags": [{"key": "empty", "value": ""}, {"key": "mlflow.runName", "value": "n"}]},
        "inputs": {},
        "outputs": {},
    }


def test_a_new_experiment_is_written_as_mlflow_writes_it(http):
    name = unique("written")
    experiment_id = http.ok(http.post("experiments/create", {"name": name}))["experiment_id"]

    read = http.ok(http.get("experiments/get", {"experiment_id": experiment_id}))["experiment"]

    read.pop("workspace", None)
    assert read.pop("creation_time") == read.pop("last_update_time")
    assert read == {
        "experiment_id": experiment_id,
        "name": name,
        "artifact_location": f"mlflow-artifacts:/{experiment_id}",
        "lifecycle_stage": "active",
    }


def test_empty_answers_are_empty_objects(http, experiment_id, run_id):
    assert http.ok(http.post("runs/search", {"experiment_ids": []})) == {}
    assert http.ok(http.post("runs/set-tag", {"run_id": run_id, "key": "a", "value": "b"})) == {}
    assert http.ok(http.get("metrics/get-history", {"run_id": run_id, "metric_key": "absent"})) == {}
    none = {"max_results": 1, "filter": f"name = '{unique('none')}'"}
    assert http.ok(http.post("experiments/search", none)) == {}


def test_answers_carry_security_headers(http, experiment_id):
    response = http.get("experiments/get", {"experiment_id": experiment_id})

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


# Models as the 2.x clients record them


def test_models_of_a_run_are_collected_in_a_tag(http, run_id):
    models = [
        {
            "artifact_path": path,
            "flavors": {"python_function": {"loader_module": "x", "config": {"secret": 1}}, "sklearn": {"code": None}},
            "utc_time_created": "2024-01-01 00:00:00.000000",
            "run_id": run_id,
            "model_uuid": path * 8,
            "mlflow_version": "2.22.5",
        }
        for path in ("model", "other")
    ]

    for model in models:
        http.ok(http.post("runs/log-model", {"run_id": run_id, "model_json": json.dumps(model)}))

    tags = {tag["key"]: tag["value"] for tag in run_of(http, run_id)["data"]["tags"]}
    assert json.loads(tags["mlflow.log-model.history"]) == [
        {
            "artifact_path": path,
            "flavors": {"python_function": {"loader_module": "x"}, "sklearn": {"code": None}},
            "utc_time_created": "2024-01-01 00:00:00.000000",
            "run_id": run_id,
            "model_uuid": path * 8,
        }
        for path in ("model", "other")
    ]


def test_bad_models_are_refused(http, run_id):
    def refuse(text, model_json):
        response = http.post("runs/log-model", {"run_id": run_id, "model_json": model_json})
        assert_error(response, 400, "INVALID_PARAMETER_VALUE", text)

    refuse("Malformed model info.", "{")
    refuse("Model json is missing mandatory fields:", "{}")


# Service


def test_health_is_exactly_ok_whatever_the_credentials(http):
    for headers in ({}, {"Authorization": "Bearer None"}, {"Host": "name.of.a.proxy"}):
        response = http.get("/health", headers=headers)
        assert (response.status_code, response.text) == (200, "OK")


def test_a_double_slash_counts_as_one(http):
    # A tracking address with a trailing slash makes trainings ask for this.
    response = http.get("//health")

    assert (response.status_code, response.text) == (200, "OK")


def test_the_version_is_one_that_clients_can_parse(http):
    response = http.get("/version")

    assert response.status_code == 200
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", response.text)


@pytest.mark.parametrize("prefix", ["/api", "/ajax-api"])
def test_server_info_tells_what_is_switched_on(http, prefix):
    info = http.ok(http.get(f"{prefix}/3.0/mlflow/server-info"))

    assert info["store_type"] == "SqlStore"
    assert info["workspaces_enabled"] is False
    for feature in ("multipart_uploads_enabled", "multipart_downloads_enabled", "trace_archival_enabled"):
        assert info.get(feature, False) is False


def test_paths_that_do_not_exist_are_not_found(http, experiment_id):
    assert http.get("no/such/endpoint").status_code == 404
    assert http.get("experiments/get/", {"experiment_id": experiment_id}).status_code == 404
    assert http.get("/api/2.0/mlflow/metrics/get-history-bulk").status_code == 404, "only the web page has this one"
    assert http.post("/api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": ["0"]}).status_code == 404


def test_a_wrong_method_is_not_allowed(http):
    assert http.get("runs/create").status_code == 405
    assert http.post("runs/get", {"run_id": ABSENT_RUN}).status_code == 405


def test_a_workspace_is_refused_where_there_are_none(http):
    headers = {"X-MLFLOW-WORKSPACE": "team"}

    refused = http.get("experiments/get", {"experiment_id": "0"}, headers=headers)
    blank = http.get("experiments/get", {"experiment_id": "0"}, headers={"X-MLFLOW-WORKSPACE": ""})
    info = http.get("/api/3.0/mlflow/server-info", headers=headers)

    # A caller's mistake: MLflow answers 500, which makes clients retry it for minutes.
    assert_error(refused, differs_from_mlflow(400, 500), "FEATURE_DISABLED")
    http.ok(blank)
    http.ok(info)


def test_a_foreign_host_name_is_refused(http):
    query = {"experiment_id": "0"}

    foreign = http.get("experiments/get", query, headers={"Host": "attacker.example"})

    assert foreign.status_code == 403
    assert "Invalid Host header - possible DNS rebinding attack detected" in foreign.text
    for host in ("localhost:1234", "127.0.0.1", "[::1]:5000", "192.168.1.2:80", "10.1.2.3"):
        http.ok(http.get("experiments/get", query, headers={"Host": host}))


def test_a_write_from_a_foreign_page_is_blocked(http):
    def create(origin):
        return http.post("experiments/create", {"name": unique("origin")}, headers={"Origin": origin})

    foreign = create("https://attacker.example")

    assert foreign.status_code == 403
    assert "Cross-origin request blocked" in foreign.text
    http.ok(create("http://localhost:3000"))
