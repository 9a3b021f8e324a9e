"""`windvane sync` to a server with accounts: who may send what, and what those are told who may not."""

import types

import pytest

from offline_stores import Store, read
from servers import CREDENTIALS, PASSWORD
from support import unique
from windvane_sync import PROGRAM, Sync

pytestmark = pytest.mark.skipif(not PROGRAM, reason="the server under test was not started here")

NOBODY = dict.fromkeys(CREDENTIALS, "")


def by_password(name, password=PASSWORD):
    return NOBODY | {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": password}


def by_token(token):
    return NOBODY | {"MLFLOW_TRACKING_TOKEN": token}


@pytest.fixture
def people(closed):
    """An editor, a reader and an outsider of a namespace."""
    people = types.SimpleNamespace(
        namespace=unique("team"), **{name: unique(name) for name in ("editor", "reader", "other")}
    )
    for name in (people.editor, people.reader, people.other):
        closed.manage("user", "add", name, "--password-stdin")
    return people


@pytest.fixture
def namespace(closed, people, sign_in):
    """Their namespace, in which they have their roles."""
    experiment_id = sign_in("boss").create_experiment(people.namespace)
    closed.manage("role", "give", people.editor, "editor", people.namespace)
    closed.manage("role", "give", people.reader, "reader", people.namespace)
    return experiment_id


@pytest.fixture
def source(closed, tmp_path):
    """A run, and `windvane sync` of it to the server with accounts."""
    store = Store.of_files(tmp_path / "mlruns")
    experiment_id, store.name = store.experiment()
    store.run_id = store.start(experiment_id, "aifs")
    store.train(store.run_id, 0, 1_000)
    store.files(store.run_id, {"plots/a.txt": b"a"}, tmp_path)
    store.end(store.run_id)
    store.sync = Sync(store.path, tmp_path / "state", destination=closed.uri)
    store.again = Sync(store.path, tmp_path / "another state", destination=closed.uri)
    return store


@pytest.mark.parametrize("way", ["password", "token", "token of a service"])
def test_an_editor_syncs(closed, people, namespace, source, sign_in, tmp_path, way):
    name = people.editor
    if way == "token of a service":
        name = unique("robot")
        closed.manage("user", "add", name, "--service")
        closed.manage("role", "give", name, "editor", people.namespace)
    who = by_password(name) if way == "password" else by_token(closed.manage("token", "add", name))

    report = source.sync("-e", people.namespace, environment=who)

    assert report.by_id[source.run_id]["outcome"] == "arrived"
    there = read(sign_in("boss"), source.run_id, tmp_path / "there")
    assert there == read(source.client, source.run_id, tmp_path / "here")
    for sync in (source.sync, source.again):  # with notes and without
        assert sync.outcomes("-e", people.namespace, environment=who) == {source.run_id: "unchanged"}


def test_one_who_may_make_namespaces_gets_those_of_the_source(people, source, sign_in, tmp_path):
    who = by_password(people.other)

    assert source.sync.outcomes(environment=who) == {source.run_id: "arrived"}

    mine = sign_in(people.other).get_experiment_by_name(source.name)
    assert sign_in("boss").get_run(source.run_id).info.experiment_id == mine.experiment_id


def test_the_user_of_a_run_is_who_trained_it_whoever_syncs(people, namespace, source, sign_in):
    source.sync("-e", people.namespace, environment=by_password(people.editor))

    run = sign_in("boss").get_run(source.run_id)

    assert run.data.tags["mlflow.user"] == "trainer"
    assert run.info.user_id == "trainer"


def test_what_has_grown_arrives_whoever_sends_it(closed, people, namespace, source, sign_in, tmp_path):
    second = unique("second")
    closed.manage("user", "add", second, "--password-stdin")
    closed.manage("role", "give", second, "editor", people.namespace)
    source.sync("-e", people.namespace, environment=by_password(people.editor))
    source.client.update_run(source.run_id, status="RUNNING")
    source.train(source.run_id, 1_050, 1_500)
    source.end(source.run_id, after_ms=7_200_000)

    report = source.again("-e", people.namespace, environment=by_password(second))

    assert report.by_id[source.run_id]["outcome"] == "arrived"
    there = read(sign_in("boss"), source.run_id, tmp_path / "there")
    assert there == read(source.client, source.run_id, tmp_path / "here")


@pytest.mark.parametrize("who", ["nobody", "wrong password", "wrong token", "unknown name"])
def test_one_who_is_not_known_is_told_what_to_set(people, namespace, source, sign_in, who):
    environment = {
        "nobody": NOBODY,
        "wrong password": by_password(people.editor, "wrong"),
        "wrong token": by_token("wv_nonsense"),
        "unknown name": by_password(unique("unknown")),
    }[who]

    done = source.sync.run("-e", people.namespace, environment=environment)

    assert done.returncode == 1
    assert (
        "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in done.stdout + done.stderr
    )
    assert PASSWORD not in done.stdout + done.stderr
    assert sign_in("boss").search_runs([namespace]) == []


def test_a_reader_is_refused_and_nothing_is_changed(people, namespace, source, sign_in, tmp_path):
    boss = sign_in("boss")
    reader = by_password(people.reader)

    report = source.sync("-e", people.namespace, code=1, environment=reader)

    assert report.by_id[source.run_id]["outcome"] in ("failed", "refused")
    assert "editor" in report.by_id[source.run_id]["reason"]
    assert boss.search_runs([namespace]) == []

    source.sync("-e", people.namespace, environment=by_password(people.editor))
    assert source.again.outcomes("-e", people.namespace, environment=reader) == {source.run_id: "unchanged"}
    before = read(boss, source.run_id, tmp_path / "before")
    source.client.set_tag(source.run_id, "more", "tags")
    source.files(source.run_id, {"plots/b.txt": b"b"}, tmp_path)

    report = source.again("-e", people.namespace, code=1, environment=reader)

    assert report.by_id[source.run_id]["outcome"] in ("failed", "refused")
    assert "editor" in report.by_id[source.run_id]["reason"]
    assert read(sign_in("boss"), source.run_id, tmp_path / "after") == before


def test_one_who_may_only_read_elsewhere_cannot_send_a_file_alone(people, namespace, source, sign_in, tmp_path):
    """What is missing at the server is a file, so no other request is refused first."""
    source.sync("-e", people.namespace, environment=by_password(people.editor))
    before = read(sign_in("boss"), source.run_id, tmp_path / "before")
    source.files(source.run_id, {"plots/b.txt": b"b"}, tmp_path)

    run = source.again("-e", people.namespace, code=3, environment=by_password(people.reader)).by_id[source.run_id]

    assert run["outcome"] == "incomplete"
    [problem] = run["problems"]
    assert problem["what"] == "plots/b.txt" and "editor" in problem["why"]
    assert read(sign_in("boss"), source.run_id, tmp_path / "after") == before


def test_an_id_that_is_taken_where_one_may_not_look_is_refused_without_telling_more(
    people, namespace, source, sign_in, tmp_path
):
    source.sync("-e", people.namespace, environment=by_password(people.editor))
    boss = sign_in("boss")
    before = read(boss, source.run_id, tmp_path / "before")

    for arguments in ([], ["-e", unique("mine")]):
        done = source.again.run("--json", *arguments, environment=by_password(people.other))

        assert done.returncode == 1
        assert '"outcome": "refused"' in done.stdout
        assert "belongs to another run" in done.stdout
        for secret in (people.namespace, people.editor, f'"{namespace}"', f" {namespace} "):
            assert secret not in done.stdout + done.stderr
    assert read(sign_in("boss"), source.run_id, tmp_path / "after") == before


def test_a_namespace_one_may_not_see_is_not_told_from_one_that_is_taken(people, namespace, source, sign_in):
    done = source.sync.run("-e", people.namespace, environment=by_password(people.other))

    assert done.returncode == 1
    for secret in (people.editor, f"'{namespace}'"):
        assert secret not in done.stdout + done.stderr
    assert sign_in("boss").search_runs([namespace]) == []


def test_a_name_and_a_password_in_the_address_are_not_shown(closed, people, namespace, source):
    address = closed.uri.replace("http://", f"http://{people.editor}:{PASSWORD.replace(' ', '%20')}@")

    done = source.sync.run("-e", people.namespace, "-d", address, environment=NOBODY)
    assert done.returncode == 0, done.stderr
    assert f"http://{people.editor}:***@" in done.stdout

    assert PASSWORD not in done.stdout + done.stderr
    assert PASSWORD.replace(" ", "%20") not in done.stdout + done.stderr
