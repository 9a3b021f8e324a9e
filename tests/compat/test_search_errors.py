"""Searches that make no sense, and hostile ones: refused by a 400 that names the mistake, and soon."""

import pytest
from mlflow.entities import Metric, Param
from mlflow.exceptions import RestException

import support
from support import unique

#: A client that gives up after this long fails the test: no search may keep the server busy.
ANSWER_WITHIN_S = 10
NOT_QUOTED = "Parameter value is either not quoted or unidentified quote types used for string value "
NULL_RUNS = "IS NULL / IS NOT NULL is only supported for tags and params, not for "
BAD_CLAUSES = "Invalid clause(s) in filter string: "
TWO_STATEMENTS = (
    "Search filter contained multiple expression 'tags.t IS NULL; tags.u IS NULL'. Provide AND-ed expression list."
)
LISTS_OF_RUN_IDS = "Only ['run_id'] attributes support comparison with a list of quoted string values."


@pytest.fixture(autouse=True)
def answers_come_soon(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", str(ANSWER_WITHIN_S))


@pytest.fixture(scope="module")
def run(client):
    """A run with a param, a metric and a tag, alone in its experiment."""
    experiment_id = client.create_experiment(unique("errors"))
    run_id = client.create_run(experiment_id, tags={"t": "1"}).info.run_id
    client.log_batch(run_id, [Metric("m", 1, 1, 0)], [Param("p", "1")])
    return client.get_run(run_id)


@pytest.fixture
def runs_refused(client, http, run):
    """Asserts that a search for runs is refused: the client sees this beginning of the message, plain HTTP a 400."""

    def check(beginning, experiment_ids=None, **arguments):
        experiment_ids = [run.info.experiment_id] if experiment_ids is None else experiment_ids
        assert_refused(lambda: client.search_runs(experiment_ids, **arguments), beginning)
        assert status(http, "runs/search", {"experiment_ids": experiment_ids}, arguments) == 400

    return check


@pytest.fixture
def experiments_refused(client, http):
    """The same for a search for experiments."""

    def check(beginning, **arguments):
        assert_refused(lambda: client.search_experiments(**arguments), beginning)
        assert status(http, "experiments/search", {"max_results": 10}, arguments) == 400

    return check


def assert_refused(search, beginning):
    with pytest.raises(RestException) as caught:
        search()
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert caught.value.message.startswith(f"INVALID_PARAMETER_VALUE: {beginning}")


def status(http, path, body, arguments):
    """The status of the same search as plain HTTP, which calls the client's `filter_string` a `filter`."""
    fields = {name.removesuffix("_string"): value for name, value in arguments.items()}
    return http.post(path, body | fields).status_code


# Runs


@pytest.mark.parametrize(
    ("filter_string", "beginning"),
    [
        ("bogus.x = 'y'", "Invalid entity type 'bogus'. Valid values are ['metric', 'parameter', 'tag', "),
        ("Params.p = '1'", "Invalid entity type 'Params'. Valid values are "),
        ("attribute.x = 'y'", "Invalid attribute key 'x' specified. Valid keys are '{"),
        ("x = 'y'", "Invalid attribute key 'x' specified. Valid keys are '{"),
        ("lifecycle_stage = 'active'", "Invalid attribute key 'lifecycle_stage' specified. Valid keys are '{"),
        ("experiment_id = '0'", "Invalid attribute key 'experiment_id' specified. Valid keys are '{"),
        ("attributes.Status = 'FINISHED'", "Invalid attribute key 'Status' specified. Valid keys are '{"),
        ("dataset.foo = 'x'", "Invalid dataset key 'foo' specified. "),
        ("datasets.profile LIKE 'x'", "Invalid dataset key 'profile' specified. "),
        ("params.p = '1' AND bogus.x = 'y'", "Invalid entity type 'bogus'. "),
    ],
)
def test_unknown_entities_and_keys_are_refused(runs_refused, filter_string, beginning):
    runs_refused(beginning, filter_string=filter_string)


@pytest.mark.parametrize(
    ("filter_string", "comparator"),
    [
        ("params.p > '1'", ">"),
        ("params.p <= '1'", "<="),
        ("params.p == '1'", "=="),
        ("params.p <> '1'", "<>"),
        ("params.p RLIKE '1'", "RLIKE"),
        ("tags.t >= '1'", ">="),
        ("tags.t < '1'", "<"),
        ("status > 'A'", ">"),
        ("run_id < 'a'", "<"),
        ("dataset.name > 'a'", ">"),
        ("metrics.m == 1", "=="),
        ("start_time <> 1", "<>"),
    ],
)
def test_comparators_that_the_key_does_not_have_are_refused(runs_refused, filter_string, comparator):
    runs_refused(f"Invalid comparator '{comparator}' not one of '{{", filter_string=filter_string)


@pytest.mark.parametrize(
    ("filter_string", "beginning"),
    [
        ("metrics.m > 'a'", "Expected numeric value type for metric. Found 'a'"),
        ("metrics.m > '1'", "Expected numeric value type for metric. Found '1'"),
        ("metrics.m = a", "Expected numeric value type for metric. Found a"),
        ("metrics.m > nan", "Expected numeric value type for metric. Found nan"),
        ("metrics.m LIKE '1'", "Expected numeric value type for metric. Found '1'"),
        ("metrics.m IN ('1')", "Expected numeric value type for metric. Found ('1')"),
        ("params.p = A", NOT_QUOTED + "A. Use either single or double quotes."),
        ("params.p = `1`", NOT_QUOTED + "`1`. "),
        ("params.p = 1", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"),
        ("params.p LIKE 1", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"),
        ("params.p IN ('1')", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value ('1')"),
        ("tags.t = 1.5", "Expected a quoted string value for tag (e.g. 'my-value'). Got value 1.5"),
        ("tags.t = A", NOT_QUOTED + "A. "),
        ("tags.t NOT IN ('1', '2')", "Expected a quoted string value for tag (e.g. 'my-value'). Got value ('1', '2')"),
        ("run_id = 1", "Expected a quoted string value for attributes. Got value 1"),
        ("status = FINISHED", NOT_QUOTED + "FINISHED. "),
        ("start_time > 'a'", "Expected numeric value type for numeric attribute: start_time. Found 'a'"),
        ("end_time > '1000'", "Expected numeric value type for numeric attribute: end_time. Found '1000'"),
        ("start_time LIKE '1%'", "Expected numeric value type for numeric attribute: start_time. Found '1%'"),
        ("dataset.name = 1", "Expected a quoted string value for dataset attributes. Got value 1"),
        ("dataset.context = train", NOT_QUOTED + "train. "),
    ],
)
def test_values_of_the_wrong_kind_are_refused(runs_refused, filter_string, beginning):
    runs_refused(beginning, filter_string=filter_string)


@pytest.mark.parametrize(
    ("filter_string", "beginning"),
    [
        ("status IN ('FINISHED')", LISTS_OF_RUN_IDS),
        ("run_name NOT IN ('a', 'b')", LISTS_OF_RUN_IDS),
        ("artifact_uri IN ('a')", LISTS_OF_RUN_IDS),
        ("run_id IN ()", "While parsing a list in the query, expected a non-empty list of string values"),
        ("run_id IN (1)", "While parsing a list in the query, expected string value"),
        ("run_id IN ('a', 2)", "While parsing a list in the query, expected string value"),
        ("dataset.digest NOT IN (1)", "While parsing a list in the query, expected string value"),
        ("run_id IN 'a'", BAD_CLAUSES),
        ("run_id IN (SELECT run_uuid FROM runs)", "While parsing a list in the query, expected "),
        ("metrics.m IS NULL", NULL_RUNS + "'metric' 'm'"),
        ("end_time IS NULL", NULL_RUNS + "'attribute' 'end_time'"),
        ("run_id IS NOT NULL", NULL_RUNS + "'attribute' 'run_id'"),
        ("datasets.name IS NULL", NULL_RUNS + "'dataset' 'name'"),
    ],
)
def test_lists_and_nulls_where_there_are_none_are_refused(runs_refused, filter_string, beginning):
    runs_refused(beginning, filter_string=filter_string)


@pytest.mark.parametrize(
    ("filter_string", "beginning"),
    [
        ("params.p = '1' OR params.p = '2'", BAD_CLAUSES + "'OR'"),
        ("OR", "Invalid "),
        ("NOT params.p = '1'", BAD_CLAUSES),
        ("(params.p = '1')", BAD_CLAUSES),
        ("params.p = '1' AND (params.p = '1')", BAD_CLAUSES),
        ("params.p BETWEEN '1' AND '3'", BAD_CLAUSES),
        ("params.p", BAD_CLAUSES),
        ("params.p =", BAD_CLAUSES),
        ("= '1'", BAD_CLAUSES),
        ("params.p = '1', params.p = '1'", BAD_CLAUSES),
        ("params.p = '1", BAD_CLAUSES),
        ('params.p = "1', BAD_CLAUSES),
        ("params.p = 1'", BAD_CLAUSES),
        ("params.`p = '1'", BAD_CLAUSES),
        ("params.p = '1''", BAD_CLAUSES),
        ("params.p = '1' # comment", BAD_CLAUSES),
        ("1 = 1", "Invalid comparison clause. Expected 'Identifier' found '1'"),
        ("'p' = 'p'", "Invalid comparison clause. Expected 'Identifier' found ''p''"),
        ("tags.t IS NULL; tags.u IS NULL", TWO_STATEMENTS),
    ],
)
def test_filters_that_are_not_comparisons_joined_by_and_are_refused(runs_refused, filter_string, beginning):
    runs_refused(beginning, filter_string=filter_string)


@pytest.mark.parametrize(
    ("order_by", "beginning"),
    [
        ("bogus", "Invalid attribute key 'bogus' specified. Valid keys are '{"),
        ("attributes.experiment_id", "Invalid attribute key 'experiment_id' specified. Valid keys are '{"),
        ("bogus.x DESC", "Invalid entity type 'bogus'. Valid values are "),
        ("dataset.name", "Invalid identifier type 'dataset'"),
        ("datasets.digest DESC", "Invalid identifier type 'dataset'"),
        ("metrics.m SIDEWAYS", "Invalid ordering key in order_by clause 'metrics.m SIDEWAYS'."),
        ("metrics.m DESC DESC", "Invalid order_by clause 'metrics.m DESC DESC'. Could not be parsed."),
        ("metrics.m, params.p", "Invalid order_by clause 'metrics.m, params.p'. Could not be parsed."),
        ("metrics.m NULLS FIRST", "Invalid order_by clause 'metrics.m NULLS FIRST'. Could not be parsed."),
        ("metrics.m ASC; DROP TABLE run", "Invalid order_by clause 'metrics.m ASC; DROP TABLE run'. "),
        ("lower(run_id)", "Invalid "),
        ("metrics.`m", "Invalid order_by clause 'metrics.`m'. Could not be parsed."),
        ("1", "Invalid "),
        ("", "Invalid order_by clause ''. Could not be parsed."),
    ],
)
def test_orders_that_make_no_sense_are_refused(runs_refused, order_by, beginning):
    runs_refused(beginning, order_by=["start_time", order_by])


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        ({"max_results": 0}, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"),
        ({"max_results": -1}, "Invalid value -1 for parameter 'max_results' supplied. It must be a positive integer"),
        ({"max_results": 50_001}, "Invalid value 50001 for parameter 'max_results' supplied"),
        ({"page_token": "%%%"}, "Invalid page token"),
        ({"page_token": "abc"}, "Invalid page token"),
        ({"page_token": "e30="}, "Invalid page token"),
        ({"page_token": "'; DROP TABLE run"}, "Invalid page token"),
        ({"page_token": "x" * 10_000}, "Invalid page token"),
        ({"experiment_ids": ["abc"]}, "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."),
        ({"experiment_ids": ["0", ""]}, "Invalid experiment ID ''. Experiment ID must be a valid integer."),
        ({"experiment_ids": ["0 OR 1=1"]}, "Invalid experiment ID '0 OR 1=1'. Experiment ID must be a valid integer."),
    ],
)
def test_bounds_tokens_and_experiment_ids_out_of_range_are_refused(runs_refused, arguments, beginning):
    runs_refused(beginning, **arguments)


def test_filter_and_order_are_checked_even_where_no_experiment_is_searched(runs_refused):
    runs_refused("Invalid entity type 'bogus'. ", [], filter_string="bogus.x = 'y'")
    runs_refused("Invalid ", [], filter_string="x")
    runs_refused("Invalid attribute key 'bogus' specified. ", [], order_by=["bogus"])
    runs_refused("Invalid value 0 for parameter 'max_results' supplied. ", [], max_results=0)


def test_the_most_runs_and_experiments_that_may_be_asked_for_are_given(client, run):
    assert len(client.search_runs([run.info.experiment_id], max_results=50_000)) == 1
    assert len(client.search_experiments(filter_string="experiment_id = '0'", max_results=50_000)) == 1


@pytest.mark.skipif(support.AGAINST_MLFLOW, reason="MLflow's tokens are offsets that fit any search")
@pytest.mark.parametrize(
    "changed",
    [{"filter_string": "tags.t != 'x'"}, {"order_by": ["metrics.m"]}, {"experiment_ids": ["0"]}, {"run_view_type": 3}],
    ids=str,
)
def test_a_page_token_of_another_search_is_refused(client, run, experiment_id, changed):
    for _ in range(2):
        client.create_run(experiment_id, tags={"t": "1"})
    arguments = {"experiment_ids": [experiment_id], "filter_string": "tags.t = '1'", "max_results": 1}
    token = client.search_runs(**arguments).token

    assert_refused(lambda: client.search_runs(**arguments | changed, page_token=token), "Invalid page token")
    # How many runs are wanted may change from page to page, and clients do that.
    assert len(client.search_runs(**arguments | {"max_results": 5}, page_token=token)) == 1


# Experiments


@pytest.mark.parametrize(
    ("filter_string", "beginning"),
    [
        ("bogus = 'x'", "Invalid attribute key 'bogus' specified. Valid keys are '{"),
        ("lifecycle_stage = 'active'", "Invalid attribute key 'lifecycle_stage' specified. Valid keys are '{"),
        ("metrics.m > 1", "Invalid entity type 'metrics'. "),
        ("params.p = 'x'", "Invalid entity type 'params'. "),
        ("attr.name = 'x'", "Invalid entity type 'attr'. "),
        ("run.name = 'x'", "Invalid entity type 'run'. "),
        ("name > 'a'", "Invalid comparator '>' not one of '{"),
        ("name == 'a'", "Invalid comparator '==' not one of '{"),
        ("name IN ('a')", "Only ['experiment_id'] attributes support comparison with a list of quoted string values."),
        ("name IS NULL", "IS NULL / IS NOT NULL is only supported for tags, not for "),
        ("name = x", NOT_QUOTED + "x. Use either single or double quotes."),
        ("name = 1", "Expected a quoted string value for attributes. Got value 1"),
        ("creation_time > 'a'", "Expected numeric value type for numeric attribute: creation_time. Found 'a'"),
        ("last_update_time = 1.5", "Invalid value for numeric attribute 'last_update_time': '1.5'"),
        ("experiment_id > '1'", "Invalid comparator"),
        ("experiment_id LIKE '1'", "Invalid comparator"),
        ("experiment_id = 1", "Expected a quoted string value for attributes. Got value 1"),
        ("experiment_id = 'abc'", "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."),
        ("experiment_id NOT IN ('0', 'x')", "Invalid experiment ID 'x'. Experiment ID must be a valid integer."),
        ("experiment_id IN ()", "While parsing a list in the query, expected a non-empty list of string values"),
        ("tags.t > 'x'", "Invalid comparator"),
        ("tags.t IN ('x')", "Expected a quoted string value for tag (e.g. 'my-value'). Got value ('x')"),
        ("tags.t = x", NOT_QUOTED + "x. "),
        ("name = 'a' OR name = 'b'", BAD_CLAUSES),
        ("(name = 'a')", BAD_CLAUSES),
        ("name = 'a", BAD_CLAUSES),
        ("tags.t IS NULL; tags.u IS NULL", TWO_STATEMENTS),
    ],
)
def test_filters_of_experiments_that_make_no_sense_are_refused(experiments_refused, filter_string, beginning):
    experiments_refused(beginning, filter_string=filter_string)


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        ({"order_by": ["bogus"]}, "Invalid attribute key 'bogus' specified. Valid keys are '{"),
        ({"order_by": ["name", "tags.t"]}, "Invalid order_by entity: tag"),
        ({"order_by": ["metrics.m"]}, "Invalid entity type 'metrics'. "),
        ({"order_by": ["name SIDEWAYS"]}, "Invalid ordering key in order_by clause 'name SIDEWAYS'."),
        ({"order_by": ["name, experiment_id"]}, "Invalid order_by clause 'name, experiment_id'. Could not be parsed."),
        ({"max_results": 0}, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"),
        ({"max_results": -1}, "Invalid value -1 for parameter 'max_results' supplied. It must be a positive integer"),
        ({"max_results": 50_001}, "Invalid value 50001 for parameter 'max_results' supplied. It must be at most 50000"),
        ({"page_token": "%%%"}, "Invalid page token"),
    ],
)
def test_orders_bounds_and_tokens_of_experiments_out_of_range_are_refused(experiments_refused, arguments, beginning):
    experiments_refused(beginning, **arguments)


# Hostile input


@pytest.mark.parametrize(
    "filter_string",
    [
        "'; DROP TABLE run; --",
        "params.p = ''; DROP TABLE run",
        "params.p = '1' UNION SELECT 1",
        "params.p = '' OR '1'='1'",
        "params.p = '1') --",
        "params.p = '1' -- comment",
        "params.p = '1' /* comment */",
        "params.p = (SELECT 1)",
        "params.p = lower('X')",
        "params.p = 'x' || 'y'",
        "params.p LIKE '1' ESCAPE '!'",
        "params.p COLLATE nocase = '1'",
        "metrics.m > (SELECT 1)",
        "metrics.m > 1 + 1",
        "CASE WHEN 1 THEN 1 END",
        pytest.param(
            "params.p = '\\' OR 1=1 --'",
            marks=pytest.mark.skipif(
                support.AGAINST_MLFLOW, reason="in MLflow a backslash keeps a quote from ending a text"
            ),
        ),
        "*",
        "\0",
        "params.p = '1'\0",
        "params.\0 = '1'",
        "\ufeffparams.p = '1'",
    ],
)
def test_sql_outside_of_quotes_is_refused_and_changes_nothing(client, runs_refused, run, filter_string):
    runs_refused("", filter_string=filter_string)

    assert client.get_run(run.info.run_id).data.to_dictionary() == run.data.to_dictionary()


@pytest.mark.parametrize(
    "filter_string",
    [
        "x" * 10_000,
        "params.p = '" + "x" * 10_000,
        "'" * 9_999,
        '"' * 9_999,
        "`" * 9_999,
        "(" * 10_000,
        "-" * 10_000,
        "AND " * 2_500 + "OR",
        "run_id IN (" * 1_000,
        "run_id IN (" + "(" * 10_000,
        " OR ".join(["params.p = '1'"] * 600),
        "params.p = '1' AND " * 500 + "params.p = 1",
        "\U0010ffff" * 2_500,
    ],
    ids=lambda text: f"{text[:24]} ({len(text)})",
)
def test_long_filters_that_make_no_sense_are_refused_soon(runs_refused, filter_string):
    runs_refused("", filter_string=filter_string)


@pytest.mark.parametrize(
    "filter_string",
    [
        "params.p = '" + "x" * 10_000 + "'",
        "params.p LIKE '" + "%_" * 5_000 + "'",
        "params.p ILIKE '" + "%x" * 5_000 + "'",
        "run_id IN (" + ", ".join(["'a'"] * 2_000) + ")",
        "params.`" + "x" * 10_000 + "` = '1'",
    ],
    ids=lambda text: f"{text[:24]} ({len(text)})",
)
def test_long_filters_that_match_nothing_are_answered_soon(client, run, filter_string):
    assert list(client.search_runs([run.info.experiment_id], filter_string)) == []


# A caller's mistake is a 400 here: a 500 makes clients repeat it for minutes.
@pytest.mark.skipif(support.AGAINST_MLFLOW, reason="MLflow answers 500, or takes the number for infinity")
@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        ({"filter_string": "metrics.m > " + "9" * 10_000}, "Invalid value for metric: '999"),
        ({"filter_string": "metrics.m < 1e400"}, "Invalid value for metric: '1e400' is beyond the largest number"),
        ({"order_by": ["metrics.m", "metric.`m` DESC"]}, "`order_by` contains duplicate fields"),
        ({"order_by": ["start_time", "created"]}, "`order_by` contains duplicate fields"),
        ({"order_by": ["params.p", "params.p"]}, "`order_by` contains duplicate fields"),
        ({"filter_string": "params.p = '1' AND " * 999 + "params.p = '1'"}, "Invalid filter"),
        ({"filter_string": "run_id IN (a)"}, "While parsing a list in the query, expected "),
        ({"experiment_ids": ["9" * 20]}, "Invalid experiment ID '99999999999999999999'."),
    ],
    ids=[
        "a number beyond doubles",
        "an exponent beyond doubles",
        "a key twice",
        "a time twice",
        "a param twice",
        "1000 comparisons",
        "an unquoted list",
        "an id beyond 64 bits",
    ],
)
def test_what_makes_mlflow_fail_is_refused_like_any_other_mistake(runs_refused, arguments, beginning):
    runs_refused(beginning, **arguments)


@pytest.mark.skipif(support.AGAINST_MLFLOW, reason="MLflow answers 500")
def test_a_time_beyond_64_bits_is_refused_like_any_other_mistake(experiments_refused):
    beyond = "9" * 20

    experiments_refused(
        "Invalid value for numeric attribute 'creation_time'", filter_string=f"creation_time < {beyond}"
    )
