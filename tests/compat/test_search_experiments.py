"""Searching experiments: attributes and tags, order, view types and pages, by the client and by the fluent API."""

import mlflow
import pytest
from mlflow.entities import ViewType

import support
from support import unique

#: Experiments by the end of their names, in the order of their creation, with their tags.
TAGS = {
    "a": {},
    "b": {"team": "ocean"},
    "ab": {"k": "v", "extra key": "1"},
    "bb": {"k": "V", "a.b": "it's"},
    "Ab": {"empty": "", "k": "w"},
    "x": {"k": "v"},
}


class Catalogue:
    """The experiments of `TAGS` on the server under test, `x` deleted; searches see no others and give their names."""

    def __init__(self, client):
        self._client = client
        self._prefix = unique("catalogue")
        self.ids = {name: client.create_experiment(self.full(name), tags=tags) for name, tags in TAGS.items()}
        client.delete_experiment(self.ids["x"])
        created = [client.get_experiment(experiment_id).creation_time for experiment_id in self.ids.values()]
        self.first_created, self.last_created = min(created), max(created)

    def full(self, name):
        return f"{self._prefix}/{name}"

    def find(self, clause="", search=None, **arguments):
        """The names found, in their order, by the client or by `search`."""
        found = (search or self._client.search_experiments)(filter_string=self.filter(clause), **arguments)
        return self.names(found)

    def filter(self, clause=""):
        """A filter for these experiments alone; `{a}` in the clause stands for the id of experiment `a`."""
        known = {"prefix": self._prefix, "first": self.first_created, "last": self.last_created, **self.ids}
        return f"name LIKE '{self.full('%')}' AND {clause.format(**known)}"

    def names(self, experiments):
        return [experiment.name.removeprefix(self.full("")) for experiment in experiments]

    def newest_first(self, names):
        """These names in the order that a search gives them unless told otherwise."""

        def age(name):
            return -self._client.get_experiment(self.ids[name]).creation_time, int(self.ids[name])

        return sorted(names, key=age)


@pytest.fixture(scope="module")
def catalogue(client):
    return Catalogue(client)


ALL = {"a", "b", "ab", "bb", "Ab"}


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("name = '{prefix}/a'", {"a"}),
        ('attributes.name = "{prefix}/a"', {"a"}),
        ("attribute.`name` != '{prefix}/a'", ALL - {"a"}),
        ("name LIKE '{prefix}/a%'", {"a", "ab"}),
        ("name ILIKE '{prefix}/a%'", {"a", "ab", "Ab"}),
        ("name LIKE '{prefix}/_b'", {"ab", "bb", "Ab"}),
        ("name LIKE '%b' AND tags.k = 'v'", {"ab"}),
        ("tags.k ILIKE '%v'", {"ab", "bb"}),
        ("tags.k LIKE '%v'", {"ab"}),
        ("tag.k != 'v'", {"bb", "Ab"}),
        ("tags.k != 'v' AND tags.k != 'w'", {"bb"}),
        ("tags.`extra key` = '1'", {"ab"}),
        ("tags.'extra key' = \"1\"", {"ab"}),
        ('tags.a.b = "it\'s"', {"bb"}),
        ("tags.empty = ''", {"Ab"}),
        ("tags.empty != 'x'", {"Ab"}),
        ("tags.absent != 'x'", set()),
        ("tags.k IS NULL", {"a", "b"}),
        ("tag.k IS NOT NULL", {"ab", "bb", "Ab"}),
        ("tags.k is not null and tags.`extra key` is null", {"bb", "Ab"}),
        ("experiment_id = '{b}'", {"b"}),
        ("experiment_id != '{b}'", ALL - {"b"}),
        ("experiment_id IN ('{b}', '{bb}', '{x}')", {"b", "bb"}),
        ("attributes.experiment_id NOT IN ('{b}', '{bb}')", ALL - {"b", "bb"}),
        ("creation_time >= {first} AND creation_time <= {last}", ALL),
        ("creation_time < {first}", set()),
        ("attributes.creation_time > {last}", set()),
        ("creation_time != 0", ALL),
        ("last_update_time > 0 AND last_update_time<99999999999999", ALL),
        ("last_update_time = 1", set()),
        ("tags.team = 'ocean' AND", {"b"}),
        ("", ALL),
    ],
)
def test_experiments_are_found_by_attributes_and_tags(catalogue, clause, expected):
    assert catalogue.find(clause) == catalogue.newest_first(expected)


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        (["name"], ["Ab", "a", "ab", "b", "bb"]),
        (["attributes.name desc"], ["bb", "b", "ab", "a", "Ab"]),
        (["experiment_id"], ["a", "b", "ab", "bb", "Ab"]),
        (["experiment_id DESC"], ["Ab", "bb", "ab", "b", "a"]),
        (["creation_time", "experiment_id ASC"], ["a", "b", "ab", "bb", "Ab"]),
        (["attribute.creation_time DESC"], ["Ab", "bb", "ab", "b", "a"]),
        (["last_update_time ASC", "attribute.`experiment_id` ASC"], ["a", "b", "ab", "bb", "Ab"]),
    ],
)
def test_experiments_are_ordered_by_any_attribute_and_ids_as_numbers(catalogue, order_by, expected):
    assert catalogue.find(order_by=order_by) == expected


def test_an_experiment_that_changes_moves_to_the_end_of_the_order_by_last_update(client):
    catalogue = Catalogue(client)

    client.rename_experiment(catalogue.ids["a"], catalogue.full("a again"))

    assert catalogue.find(order_by=["last_update_time", "experiment_id"]) == ["b", "ab", "bb", "Ab", "a again"]
    assert catalogue.find(f"last_update_time > {catalogue.last_created}") == ["a again"]


def test_deleted_experiments_are_found_only_where_the_view_says_so(catalogue):
    assert catalogue.find("tags.k = 'v'", view_type=ViewType.ACTIVE_ONLY) == ["ab"]
    assert catalogue.find("tags.k = 'v'", view_type=ViewType.DELETED_ONLY) == ["x"]
    assert catalogue.find("tags.k = 'v'", view_type=ViewType.ALL, order_by=["name"]) == ["ab", "x"]


ORDERS = [[], ["name"], ["creation_time DESC"], ["last_update_time", "name DESC"]]


@pytest.mark.parametrize("order_by", ORDERS, ids=str)
def test_pages_of_experiments_make_up_the_one_big_page(catalogue, client, order_by):
    whole = catalogue.find(order_by=order_by)

    assert sorted(whole) == sorted(ALL)
    for size in (1, 2, 4, 5):
        found = pages(client, size, filter_string=catalogue.filter(), order_by=order_by)
        assert catalogue.names(found) == whole


def pages(client, size, between=lambda: None, **arguments):
    """The experiments of all pages, in order, calling `between` after each page."""
    found, token = [], None
    while True:
        page = client.search_experiments(max_results=size, page_token=token, **arguments)
        found += page
        token = page.token
        if not token:
            return found
        assert len(page) == size
        between()


@pytest.mark.skipif(support.AGAINST_MLFLOW, reason="MLflow's pages are offsets, which new experiments shift")
@pytest.mark.parametrize("order_by", ORDERS, ids=str)
def test_pages_neither_repeat_nor_lose_experiments_while_others_are_added(client, order_by):
    catalogue = Catalogue(client)
    before = catalogue.find(order_by=order_by)
    added = iter(["0", "ac", "z"])

    def add():
        if name := next(added, None):
            client.create_experiment(catalogue.full(name))

    found = catalogue.names(pages(client, 2, add, filter_string=catalogue.filter(), order_by=order_by))

    assert len(set(found)) == len(found)
    assert [name for name in found if name in before] == before


def test_the_fluent_search_gives_all_experiments_or_the_first(catalogue):
    arguments = {"search": mlflow.search_experiments, "order_by": ["name"]}

    assert catalogue.find(**arguments) == ["Ab", "a", "ab", "b", "bb"]
    assert catalogue.find("tags.k IS NOT NULL", max_results=2, **arguments) == ["Ab", "ab"]
    assert catalogue.find(view_type=ViewType.DELETED_ONLY, **arguments) == ["x"]


def test_the_fluent_search_pages_through_all_experiments_up_to_its_limit(catalogue, monkeypatch):
    monkeypatch.setattr("mlflow.tracking.fluent.SEARCH_MAX_RESULTS_DEFAULT", 2)
    arguments = {"search": mlflow.search_experiments, "order_by": ["name"]}

    # The last page asks for fewer experiments than those before it.
    assert catalogue.find(**arguments) == ["Ab", "a", "ab", "b", "bb"]
    assert catalogue.find(max_results=3, **arguments) == ["Ab", "a", "ab"]


def test_the_default_experiment_is_found_by_its_id(client):
    (default,) = client.search_experiments(filter_string="experiment_id = '0'")

    assert default.name == "Default"
