"""MlflowClient and what is logged to a run: params, tags, metrics, batches."""

import math
import random

import pytest
from mlflow.entities import Metric, Param, RunTag

from support import assert_error, history, missing, refused

ABSENT_RUN = "0" * 32
GREATEST = 1.7976931348623157e308


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
