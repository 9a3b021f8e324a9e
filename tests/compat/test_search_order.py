"""Searching runs: their order, view types, several experiments, pages and the fluent API's tables."""

import mlflow
import pytest
from mlflow.entities import Metric, Param, ViewType

import support
from search_seed import ACTIVE, NAN, SEEDS, Searched
from support import unique


@pytest.fixture(scope="module")
def searched(client):
    return Searched(client)


# Order


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ([], "h ef cdg b a i"),
        (["start_time"], "i a b cdg ef h"),
        (["attribute.start_time DESC"], "h ef cdg b a i"),
        (["created ASC"], "i a b cdg ef h"),
        (["attributes.Created desc"], "h ef cdg b a i"),
        (["metrics.loss"], "f i b a cg e d h"),
        (["metrics.loss DESC"], "e cg a b i f d h"),
        (["metric.`f1 score` ASC"], "c a h ef dg b i"),
        (['metrics."f1 score" DESC'], "a c h ef dg b i"),
        (["params.lr"], "b a i c h ef dg"),
        (["param.lr desc"], "c i b a h ef dg"),
        (["tags.task asc"], "a b c h ef dg i"),
        (["tags.`task` DESC"], "c b a h ef dg i"),
        (["tags.absent"], "h ef cdg b a i"),
        (["end_time"], "i a b d f e h cg"),
        (["end_time DESC"], "e f d b a i h cg"),
        (["status"], "b ef a i d cg h"),
        (["run.user_id DESC"], "h f d b e cg a i"),
        (["attr.run_name"], "e f b c a i d h g"),
        (["params.lr DESC", "metrics.loss ASC"], "c i b a f g e d h"),
        (["status", "metrics.loss DESC"], "b e a i f d cg h"),
        (["user_id DESC", "tags.task", "start_time ASC"], "b d f h a c i g e"),
    ],
)
def test_runs_are_ordered_with_missing_values_last_and_ties_by_start_and_id(searched, order_by, expected):
    assert searched.find(order_by=order_by) == searched.in_order(expected)


def test_runs_are_ordered_by_id_and_artifact_uri_in_both_directions(searched):
    by_id = sorted(ACTIVE, key=searched.run_ids.get)
    by_uri = sorted(by_id, key=lambda letter: searched.second if letter == "i" else searched.first)

    for key, expected in (("run_id", by_id), ("artifact_uri", by_uri)):
        assert searched.find(order_by=[key]) == "".join(expected)
        assert searched.find(order_by=[f"{key} DESC"]) == "".join(reversed(expected))


def test_an_order_applies_to_what_a_filter_leaves(searched):
    found = searched.find("params.lr IS NOT NULL AND status != 'RUNNING'", order_by=["metrics.loss DESC"])

    assert found == "abi"


# View types, experiments and pages


def test_deleted_runs_are_found_only_where_the_view_says_so(searched):
    both = searched.in_order("x a")

    assert searched.find("params.model = 'GPT-2'", run_view_type=ViewType.ACTIVE_ONLY) == "a"
    assert searched.find("params.model = 'GPT-2'", run_view_type=ViewType.DELETED_ONLY) == "x"
    assert searched.find("params.model = 'GPT-2'", run_view_type=ViewType.ALL) == both
    assert searched.find(run_view_type=ViewType.DELETED_ONLY) == "x"
    assert searched.find(run_view_type=ViewType.ALL, order_by=["params.lr"]) == searched.in_order("b a i c h ef dgx")


def test_only_the_runs_of_the_given_experiments_are_found(searched):
    assert searched.find(experiment_ids=[searched.second]) == "i"
    assert searched.find("metrics.loss <= 0.05", experiment_ids=[searched.first]) == "fb"
    assert searched.find(experiment_ids=searched.second) == "i"
    assert searched.find(experiment_ids=[searched.second, searched.second, "999999999"]) == "i"
    assert searched.find(experiment_ids=["999999999"]) == ""
    assert searched.find(experiment_ids=[], order_by=["metrics.loss"]) == ""


@pytest.fixture(scope="module")
def ladder(client):
    """An experiment of 24 runs with many ties; of each four, one has no metric and one has NaN."""
    experiment_id = client.create_experiment(unique("ladder"))
    return experiment_id, [rung(client, experiment_id, index, start=1000 + index // 3) for index in range(24)]


def rung(client, experiment_id, index, start):
    run_id = client.create_run(experiment_id, start, {"half": f"{index % 2}"} if index % 3 else {}).info.run_id
    if index % 4:
        value = NAN if index % 4 == 1 else index % 5
        client.log_batch(run_id, [Metric("m", value, 1, 0)], [Param("p", f"{index % 6}")])
    return run_id


ORDERS = [[], ["metrics.m"], ["metrics.m DESC"], ["tags.half DESC", "params.p"], ["end_time", "run_id DESC"]]


def pages(client, experiment_id, size, between=lambda: None, **arguments):
    """The ids of the runs of all pages, in order, calling `between` after each page."""
    run_ids, token = [], None
    while True:
        page = client.search_runs([experiment_id], max_results=size, page_token=token, **arguments)
        run_ids += [run.info.run_id for run in page]
        token = page.token
        if not token:
            return run_ids
        assert len(page) == size
        between()


@pytest.mark.parametrize("order_by", ORDERS, ids=str)
def test_pages_of_any_size_make_up_the_one_big_page(client, ladder, order_by):
    experiment_id, run_ids = ladder
    whole = pages(client, experiment_id, 1000, order_by=order_by)

    assert sorted(whole) == sorted(run_ids)
    for size in (5, 8, 23, 24):
        assert pages(client, experiment_id, size, order_by=order_by) == whole


def test_pages_of_a_filtered_search_make_up_the_one_big_page(client, ladder):
    experiment_id, run_ids = ladder
    arguments = {"filter_string": "metrics.m != 3 AND tags.half IS NULL", "order_by": ["metrics.m DESC"]}

    whole = pages(client, experiment_id, 1000, **arguments)

    assert whole == [run_ids[index] for index in (6, 15, 21, 9)]
    assert pages(client, experiment_id, 3, **arguments) == whole


@pytest.mark.skipif(support.AGAINST_MLFLOW, reason="MLflow's pages are offsets, which new runs shift")
@pytest.mark.parametrize("order_by", ORDERS, ids=str)
def test_pages_neither_repeat_nor_lose_runs_while_others_are_added(client, experiment_id, order_by):
    there = [rung(client, experiment_id, index, start=1000 + index // 3) for index in range(16)]
    before = pages(client, experiment_id, 1000, order_by=order_by)
    added = iter(range(1000))

    def add():
        for start in (900, 1003, 2000):
            rung(client, experiment_id, next(added), start)

    seen = pages(client, experiment_id, 6, between=add, order_by=order_by)

    assert len(set(seen)) == len(seen)
    assert [run_id for run_id in seen if run_id in there] == before


@pytest.mark.skipif(support.AGAINST_MLFLOW, reason="MLflow's pages are offsets, which deleted runs shift")
@pytest.mark.parametrize("order_by", ORDERS, ids=str)
def test_the_next_page_goes_on_where_the_last_ended_even_if_its_runs_are_deleted(client, experiment_id, order_by):
    for index in range(9):
        rung(client, experiment_id, index, start=1000 + index // 3)
    before = pages(client, experiment_id, 1000, order_by=order_by)
    first = client.search_runs([experiment_id], max_results=4, order_by=order_by)

    for run in (first[0], first[-1]):
        client.delete_run(run.info.run_id)
    rest = client.search_runs([experiment_id], order_by=order_by, page_token=first.token)

    assert [run.info.run_id for run in rest] == before[4:]


# The fluent API


def test_the_fluent_search_pages_through_all_runs_up_to_its_limit(client, ladder, monkeypatch):
    experiment_id, _ = ladder
    monkeypatch.setattr("mlflow.tracking.fluent.NUM_RUNS_PER_PAGE_PANDAS", 7)
    whole = pages(client, experiment_id, 1000, order_by=["metrics.m DESC"])

    # The last page asks for fewer runs than those before it.
    for limit in (24, 17):
        runs = mlflow.search_runs([experiment_id], order_by=["metrics.m DESC"], max_results=limit, output_format="list")
        assert [run.info.run_id for run in runs] == whole[:limit]


def test_the_fluent_search_gives_a_table_in_the_order_asked_for(searched):
    table = mlflow.search_runs(
        [searched.first, searched.second], "metrics.loss < 1", order_by=["metrics.loss DESC", "start_time"]
    )

    assert [searched.run_ids[letter] for letter in searched.in_order("cg a b i f")] == list(table["run_id"])
    assert list(table["metrics.loss"]) == [0.5, 0.5, 0.15, 0.05, 0.0, -1.7976931348623157e308]
    assert list(table["params.lr"].dropna()) == [SEEDS[letter].params["lr"] for letter in "cabi"]
    assert list(table["metrics.accuracy"].isna()) == [True, True, False, False, True, True]
    assert [start.timestamp() for start in table["start_time"]] == [3, 3, 1, 2, 0.5, 4]
    assert table["end_time"].isna().sum() == 2


def test_the_fluent_search_covers_all_experiments_or_those_named(client):
    marker = unique("marker")
    first, second = (client.create_experiment(unique("named")) for _ in range(2))
    old, new = (
        client.create_run(experiment_id, start, {"marker": marker}).info.run_id
        for experiment_id, start in ((first, 1), (second, 2))
    )
    names = [client.get_experiment(second).name, unique("absent")]

    def found(**arguments):
        runs = mlflow.search_runs(filter_string=f"tags.marker = '{marker}'", output_format="list", **arguments)
        return [run.info.run_id for run in runs]

    assert found(search_all_experiments=True) == [new, old]
    assert found(experiment_names=names) == [new]
    assert found(experiment_ids=[first]) == [old]


def test_a_search_of_the_documentation_finds_its_runs_before_and_after_a_deletion(client, fluent_experiment_id):
    for metric, release in ((1.55, "1.1.0-RC"), (2.50, "1.2.0-GA")):
        with mlflow.start_run(experiment_id=fluent_experiment_id) as run:
            mlflow.log_metric("m", metric)
            mlflow.set_tag("s.release", release)
    ordered = client.search_runs(fluent_experiment_id, order_by=["metrics.m DESC"])
    candidate = ordered[1].info.run_id

    client.delete_run(candidate)
    deleted = client.search_runs(
        fluent_experiment_id, run_view_type=ViewType.DELETED_ONLY, filter_string="tags.s.release ILIKE '%rc%'"
    )

    assert [found.data.metrics["m"] for found in ordered] == [2.5, 1.55]
    assert [found.info.run_id for found in deleted] == [candidate]
    assert [found.info.run_id for found in client.search_runs(fluent_experiment_id)] == [run.info.run_id]
