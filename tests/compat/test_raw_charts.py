"""Raw HTTP for the charts of web pages: metrics of several runs, in parts."""

import math

import pytest

from support import assert_error

ABSENT_RUN = "0" * 32


@pytest.fixture
def two_runs_with_points(http, experiment_id):
    """Two runs with ten points each of `loss`, the last of them not a number; ordered by id."""
    run_ids = []
    for offset in (0.0, 100.0):
        created = http.ok(http.post("runs/create", {"experiment_id": experiment_id, "start_time": 1}))
        run_ids.append(created["run"]["info"]["run_id"])
        points = [{"key": "loss", "value": offset + step, "timestamp": 1000 + step, "step": step} for step in range(10)]
        points[9]["value"] = "NaN"
        http.ok(http.post("runs/log-batch", {"run_id": run_ids[-1], "metrics": points}))
    return sorted(run_ids)


def test_histories_of_several_runs_come_in_bulk(http, two_runs_with_points):
    path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
    runs = [("run_id", run_id) for run_id in (*two_runs_with_points, ABSENT_RUN)]

    answer = http.ok(http.get(path, [*runs, ("metric_key", "loss")]))["metrics"]
    capped = http.ok(http.get(path, [*runs, ("metric_key", "loss"), ("max_results", 12)]))["metrics"]
    empty = http.ok(http.get(path, [*runs, ("metric_key", "absent")]))

    assert [(point["run_id"], point["step"]) for point in answer] == [
        (run_id, step) for run_id in two_runs_with_points for step in range(10)
    ]
    assert answer[0].keys() == {"key", "value", "timestamp", "step", "run_id"}
    assert math.isnan(float(answer[9]["value"]))
    assert [(point["run_id"], point["step"]) for point in capped] == [
        (point["run_id"], point["step"]) for point in answer[:12]
    ]
    assert empty == {"metrics": []}


def test_bad_bulk_histories_are_refused(http):
    path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"

    def refuse(query, text):
        assert_error(http.get(path, query), 400, "INVALID_PARAMETER_VALUE", text)

    refuse([("metric_key", "loss")], "GetMetricHistoryBulk request must specify at least one run_id.")
    refuse([("run_id", ABSENT_RUN)], "GetMetricHistoryBulk request must specify a metric_key.")
    refuse(
        [("metric_key", "loss")] + [("run_id", ABSENT_RUN)] * 101,
        "GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received 101 run_ids.",
    )


def test_bulk_intervals_sample_evenly_and_keep_both_ends(http, two_runs_with_points):
    first, second = two_runs_with_points

    def steps(**arguments):
        query = {"run_ids": [second, first], "metric_key": "loss", **arguments}
        points = http.ok(http.get("metrics/get-history-bulk-interval", query)).get("metrics", [])
        return [[point["step"] for point in points if point["run_id"] == run_id] for run_id in (first, second)]

    for sampled in steps(max_results=5):
        assert sampled[0] == 0 and sampled[-1] == 9
        assert sampled == sorted(set(sampled))
        # Five points of ten; the rule of servers before 3.13 adds a sixth.
        assert sampled in ([0, 2, 4, 6, 9], [0, 2, 4, 6, 8, 9])
    assert steps() == [list(range(10))] * 2
    assert steps(start_step=3, end_step=5) == [[3, 4, 5]] * 2
    assert steps(start_step=100, end_step=200) == [[], []]


def test_bad_bulk_intervals_are_refused(http, run_id):
    def refuse(text, **arguments):
        query = {"run_ids": run_id, "metric_key": "loss", **arguments}
        response = http.get("metrics/get-history-bulk-interval", query)
        assert_error(response, 400, "INVALID_PARAMETER_VALUE", text)

    refuse("If either start step or end step are specified, both must be specified.", start_step=1)
    refuse("end_step must be greater than start_step.", start_step=2, end_step=1)
    refuse("max_results must be between 1 and 2500.", max_results=2501)
    refuse("max_results must be between 1 and 2500.", max_results=0)
    refuse("at most 100 run_ids. Received 101 run_ids.", run_ids=[run_id] * 101)
    refuse("metric_key", metric_key=None)
    refuse("run_ids", run_ids=None)
