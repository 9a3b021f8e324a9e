"""Sources of which not all can be read: the rest arrives, and what is missing is named."""

import os

import pytest

from offline_stores import LOSS, read
from windvane_sync import PROGRAM

pytestmark = pytest.mark.skipif(not PROGRAM, reason="the server under test was not started here")

SECRET = "nobody's business"


@pytest.fixture
def run(offline, tmp_path):
    """A run, where it lies, and what the client reads of it before anything is wrong."""
    experiment_id, _ = offline.experiment()
    offline.whole = offline.start(experiment_id, "whole")
    offline.run_id = offline.start(experiment_id, "damaged")
    offline.train(offline.run_id, 0, 1_000)
    offline.files(offline.run_id, {"a.txt": b"a", "plots/b.txt": b"b"}, tmp_path)
    offline.place = offline.path / experiment_id / offline.run_id
    assert (offline.place / "meta.yaml").is_file()
    offline.before = read(offline.client, offline.run_id, tmp_path / "before")
    return offline


def garbage_in_a_metric(place, outside):
    with open(place / "metrics" / LOSS, "a", encoding="utf-8") as file:
        file.write("1760000000000 what 7\n")
    return f"metrics/{LOSS}", "line 22 cannot be read"


def a_line_that_a_full_disk_cut(place, outside):
    with open(place / "metrics" / LOSS, "a", encoding="utf-8") as file:
        file.write("17600000001760000000000 0.5 7\n")
    return f"metrics/{LOSS}", "line 22 cannot be read"


def an_artifact_that_links_outside(place, outside):
    (place / "artifacts" / "link.txt").symlink_to(outside / "secret.txt")
    return "artifacts/link.txt", "it is a link"


def a_folder_of_artifacts_that_links_outside(place, outside):
    (place / "artifacts" / "linked").symlink_to(outside)
    return "artifacts/linked", "it is a link"


def a_param_that_links_outside(place, outside):
    (place / "params" / "stolen").symlink_to(outside / "secret.txt")
    return "params/stolen", "it is a link"


def a_metric_that_links_outside(place, outside):
    (place / "metrics" / "stolen").symlink_to(outside / "secret.txt")
    return "metrics/stolen", "it is a link"


def an_artifact_that_is_a_pipe(place, outside):
    os.mkfifo(place / "artifacts" / "pipe")
    return "artifacts/pipe", "no ordinary file"


def a_metric_that_is_a_pipe(place, outside):
    os.mkfifo(place / "metrics" / "pipe")
    return "metrics/pipe", "no ordinary file"


def a_name_that_is_no_text(place, outside):
    with open(os.fsencode(place / "artifacts") + b"/caf\xe9.txt", "wb") as file:
        file.write(b"c")
    return "artifacts/caf\ufffd.txt", "its name is not UTF-8"


def a_tag_that_is_no_text(place, outside):
    (place / "tags" / "binary").write_bytes(b"\xff\xfe")
    return "tags/binary", "it is not UTF-8"


DAMAGES = [
    garbage_in_a_metric,
    a_line_that_a_full_disk_cut,
    an_artifact_that_links_outside,
    a_folder_of_artifacts_that_links_outside,
    a_param_that_links_outside,
    a_metric_that_links_outside,
    an_artifact_that_is_a_pipe,
    a_metric_that_is_a_pipe,
    a_name_that_is_no_text,
    a_tag_that_is_no_text,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_the_rest_arrives_and_what_is_missing_is_named(client, run, damage, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text(SECRET)
    what, why = damage(run.place, tmp_path / "outside")

    for time in ("first", "second"):  # it is told again and again, not only once
        report = run.sync(code=3)

        damaged = report.by_id[run.run_id]
        assert damaged["outcome"] == "incomplete"
        [problem] = damaged["problems"]
        assert problem["what"] == what
        assert why in problem["why"]
        assert report.by_id[run.whole]["outcome"] == ("arrived" if time == "first" else "unchanged")
    there = read(client, run.run_id, tmp_path / "there")
    assert SECRET not in repr(there)
    assert there == run.before
    assert f"  not read: {what}: " in run.sync.text(code=3)


def test_a_param_that_no_server_stores_is_named_and_the_rest_arrives(client, run, tmp_path):
    """The client writes it, and databases refuse it."""
    run.client.log_param(run.run_id, "config.nul", "a\0b")

    report = run.sync(code=3)

    damaged = report.by_id[run.run_id]
    assert damaged["outcome"] == "incomplete"
    [problem] = damaged["problems"]
    assert problem["what"] == "params/config.nul" and "NUL" in problem["why"]
    assert read(client, run.run_id, tmp_path / "there") == run.before


def test_what_was_mended_arrives_and_is_no_longer_told(client, run, tmp_path):
    os.mkfifo(run.place / "artifacts" / "plots" / "c.txt")
    run.sync(code=3)
    (run.place / "artifacts" / "plots" / "c.txt").unlink()
    run.files(run.run_id, {"plots/c.txt": b"c"}, tmp_path)

    report = run.sync()

    assert report.by_id[run.run_id]["outcome"] == "arrived"
    assert read(client, run.run_id, tmp_path / "there") == read(run.client, run.run_id, tmp_path / "source")


def test_a_last_line_that_is_being_written_is_left_for_the_next_time(client, run, tmp_path):
    with open(run.place / "metrics" / LOSS, "a", encoding="utf-8") as file:
        file.write("1760009999999 0.5 105")

    assert run.sync.outcomes()[run.run_id] == "arrived"

    assert read(client, run.run_id, tmp_path / "there") == run.before
    with open(run.place / "metrics" / LOSS, "a", encoding="utf-8") as file:
        file.write("0\n")
    assert run.sync().by_id[run.run_id]["sent"]["points"] == 1
    assert client.get_metric_history(run.run_id, LOSS)[-1].step == 1_050


@pytest.mark.parametrize("content", [b"", b"{", b"run_id: 7\n", b"- a\n- b\n", b"\xff\n"])
def test_a_run_that_does_not_say_what_it_is_is_named_and_others_arrive(run, content):
    (run.place / "meta.yaml").write_bytes(content)

    report = run.sync(code=3)

    assert {run_id: each["outcome"] for run_id, each in report.by_id.items()} == {run.whole: "arrived"}
    [problem] = report.problems
    assert problem["what"] == f"{run.place.parent.name}/{run.run_id}/meta.yaml"
    assert f"not readable: {problem['what']}: " in run.sync.text(code=3)


def test_a_run_that_is_a_link_is_named(run, tmp_path):
    moved = tmp_path / "elsewhere"
    run.place.rename(moved)
    run.place.symlink_to(moved)

    report = run.sync(code=3)

    assert list(report.by_id) == [run.whole]
    [problem] = report.problems
    assert (problem["what"], problem["why"]) == (
        f"{run.place.parent.name}/{run.run_id}",
        "it is a link, and links are not followed",
    )


def test_what_cannot_be_read_at_all_is_a_failure(run):
    for run_id in (run.whole, run.run_id):
        (run.place.parent / run_id / "meta.yaml").write_text("nothing of MLflow's\n")

    report = run.sync(code=1)

    assert (report.runs, len(report.problems)) == ([], 2)


def test_artifacts_that_lie_elsewhere_are_named(client, offline, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    name = offline.experiment()[1] + " elsewhere"
    run_id = offline.start(offline.client.create_experiment(name, elsewhere.as_uri()), "aifs")
    offline.files(run_id, {"plots/a.txt": b"a"}, tmp_path)
    assert list(elsewhere.rglob("a.txt"))

    run = offline.sync(code=3).by_id[run_id]

    assert run["outcome"] == "incomplete"
    [problem] = run["problems"]
    assert str(elsewhere) in problem["what"] + problem["why"]
    assert read(client, run_id, tmp_path / "there")["files"] == {}


def test_the_place_that_a_run_names_for_its_artifacts_is_not_read(client, run, tmp_path):
    """It is a path of the machine that trained, or of one who wants to be sent another's files."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text(SECRET)
    meta = (run.place / "meta.yaml").read_text()
    changed = meta.replace(f"artifact_uri: file://{run.place}/artifacts", f"artifact_uri: file://{tmp_path}/outside")
    changed = changed.replace(f"artifact_uri: {run.place}/artifacts", f"artifact_uri: {tmp_path}/outside")
    assert changed != meta
    (run.place / "meta.yaml").write_text(changed)

    assert run.sync.outcomes()[run.run_id] == "arrived"

    assert read(client, run.run_id, tmp_path / "there") == run.before
