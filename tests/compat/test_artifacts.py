"""Artifacts as the clients upload, list, overwrite and download them; what plots and tables need is in test_fluent.py."""

import hashlib
import pathlib
import random

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from support import FULL_SCALE, unique

MIB = 1024 * 1024

#: Sizes at which clients and servers behave differently; 10 MiB is what `upload-artifact` takes at most.
SIZES = [0, 1, 10 * MIB, *([600 * MIB] if FULL_SCALE else [])]

#: Names that have a meaning to shells, to addresses or to clients, and mean nothing here. Clients put names into addresses
#: as they are, so a question mark would begin a query there, and `%25` would be decoded on its way to any server.
NAMES = [
    "a b.txt",
    "(1) + [2] = {3}.txt",
    "100%.txt",
    "step%100%.png",
    "a&b;c,d@e!f$g'h.txt",
    "a+b.txt",
    "~.txt",
    "-rf",
    "ünïcode ☃ 风.txt",
    "no extension",
    ".hidden",
    "trailing.",
    "a" * 255,
]


def write(path, size):
    """A file of this size that does not compress; its SHA-256."""
    hashed, chance = hashlib.sha256(), random.Random(size)
    with open(path, "wb") as file:
        for start in range(0, size, MIB):
            block = chance.randbytes(min(MIB, size - start))
            hashed.update(block)
            file.write(block)
    return hashed.hexdigest()


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_in(folder):
    """The files beneath a folder by their relative names."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def listed(client, run_id, path=None):
    """Everything in a directory as (path, is_dir, size), where MLflow tells no size of directories and empty files."""
    return sorted((file.path, file.is_dir, file.file_size or 0) for file in client.list_artifacts(run_id, path))


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_any_size_comes_back_as_it_was(client, run_id, tmp_path, size):
    source, target = tmp_path / "file.bin", tmp_path / "target"
    target.mkdir()
    digest = write(source, size)

    client.log_artifact(run_id, source, "deep/er")
    path = client.download_artifacts(run_id, "deep/er/file.bin", str(target))

    assert sha256(path) == digest
    assert listed(client, run_id, "deep/er") == [("deep/er/file.bin", False, size)]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_have_any_name_that_a_disk_takes(client, run_id, tmp_path, name):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / name).write_text(name)

    client.log_artifact(run_id, source / name)
    client.log_artifact(run_id, source / name, "in (a) folder = 1 + 1")

    in_folder = f"in (a) folder = 1 + 1/{name}"
    assert listed(client, run_id, "in (a) folder = 1 + 1") == [(in_folder, False, len(name.encode()))]
    assert (name, False, len(name.encode())) in listed(client, run_id)
    for path in (name, in_folder):
        with open(client.download_artifacts(run_id, path, str(target)), encoding="utf-8") as file:
            assert file.read() == name


def test_a_tree_is_uploaded_listed_at_every_depth_and_downloaded_whole(client, run_id, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    target.mkdir()
    contents = {
        "top.txt": b"top",
        "empty": b"",
        "a/one.txt": b"1",
        "a/b/two (2).txt": b"22",
        "a/b/c/three=3+0.txt": b"333",
        "a/b/c/d/e/f/g/h/deep.txt": b"deep",
        "plots/epoch_2.png": b"two",
        "plots/epoch_10.png": b"ten",
    }
    for path, content in contents.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(content)

    client.log_artifacts(run_id, source)
    client.log_artifacts(run_id, source / "a", "again/and again")
    whole = client.download_artifacts(run_id, "", str(target))

    again = {f"again/and again/{path[2:]}": content for path, content in contents.items() if path.startswith("a/")}
    assert files_in(target) == {**contents, **again}
    assert str(whole).rstrip("/") == str(target)
    assert listed(client, run_id) == [
        ("a", True, 0),
        ("again", True, 0),
        ("empty", False, 0),
        ("plots", True, 0),
        ("top.txt", False, 3),
    ]
    assert listed(client, run_id, "a/b") == [("a/b/c", True, 0), ("a/b/two (2).txt", False, 2)]
    assert listed(client, run_id, "a/b/c/d/e/f/g/h") == [("a/b/c/d/e/f/g/h/deep.txt", False, 4)]
    assert listed(client, run_id, "a/b/c/d/absent") == []
    part = tmp_path / "part"
    part.mkdir()
    folder = client.download_artifacts(run_id, "a/b", str(part))
    beneath = {path[4:]: content for path, content in contents.items() if path.startswith("a/b/")}
    assert files_in(pathlib.Path(folder)) == beneath


def test_a_file_that_is_logged_again_is_the_newer_one_whatever_its_size(client, run_id, tmp_path):
    log, target = tmp_path / "train.log", tmp_path / "target"
    target.mkdir()
    for text in ("one\n", "one\ntwo\n", "", "short\n"):
        log.write_text(text)
        client.log_artifact(run_id, log, "logs")

        with open(client.download_artifacts(run_id, "logs/train.log", str(target)), encoding="utf-8") as file:
            assert file.read() == text
        assert listed(client, run_id, "logs") == [("logs/train.log", False, len(text))]


def test_text_and_dictionaries_of_the_client_class_and_of_nested_names(client, run_id):
    root = client.get_run(run_id).info.artifact_uri
    client.log_text(run_id, "größe\n", "notes/a b/(1).txt")
    client.log_dict(run_id, {"a": [1, 2.5, None]}, "notes/dict.json")
    client.log_dict(run_id, {"a": {"b": "ü"}}, "notes/dict.yml")

    assert mlflow.artifacts.load_text(f"{root}/notes/a b/(1).txt") == "größe\n"
    assert mlflow.artifacts.load_dict(f"{root}/notes/dict.json") == {"a": [1, 2.5, None]}
    assert [path for path, _, _ in listed(client, run_id, "notes")] == ["notes/a b", "notes/dict.json", "notes/dict.yml"]


def test_what_is_absent_is_an_error_that_names_it_and_comes_at_once(client, run_id, tmp_path):
    client.log_text(run_id, "x", "there.txt")
    for path in ("absent.txt", "there.txt/absent", "absent/folder/x"):
        with pytest.raises((MlflowException, OSError)):
            client.download_artifacts(run_id, path, str(tmp_path))


def test_the_artifacts_of_a_deleted_run_are_still_there_and_come_back_with_it(client, experiment_id, tmp_path):
    run_id = client.create_run(experiment_id).info.run_id
    client.log_text(run_id, "kept", "d/f.txt")
    client.delete_run(run_id)

    while_deleted = client.download_artifacts(run_id, "d/f.txt", str(tmp_path))
    with open(while_deleted, encoding="utf-8") as file:
        assert file.read() == "kept"
    assert listed(client, run_id) == [("d", True, 0)]
    client.restore_run(run_id)
    assert listed(client, run_id, "d") == [("d/f.txt", False, 4)]


def test_runs_of_an_experiment_with_a_location_in_the_store_keep_their_files_there(tmp_path):
    client, team = MlflowClient(), unique("team")
    experiment_id = client.create_experiment(unique("located"), artifact_location=f"mlflow-artifacts:/{team}/north")
    run_id = client.create_run(experiment_id).info.run_id

    client.log_text(run_id, "x", "d/f.txt")

    assert client.get_run(run_id).info.artifact_uri == f"mlflow-artifacts:/{team}/north/{run_id}/artifacts"
    assert listed(client, run_id, "d") == [("d/f.txt", False, 1)]
    with open(client.download_artifacts(run_id, "d/f.txt", str(tmp_path)), encoding="utf-8") as file:
        assert file.read() == "x"
