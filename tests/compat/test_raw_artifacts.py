"""Raw HTTP for artifacts: listed, sent, fetched, in parts."""

import re

import pytest

from support import assert_error

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


def test_a_file_uploads_in_one_put_and_downloads_with_the_right_headers(http, experiment_id, run_id):
    path = f"{ARTIFACTS}/{experiment_id}/{run_id}/artifacts/plots/training curve.png"
    content = bytes(range(256)) * 300

    uploaded = http.request("PUT", path, data=content, headers={"Content-Type": "image/png"})
    downloaded = http.get(path)

    assert uploaded.status_code == 200 and uploaded.text in ("", "{}")
    assert downloaded.status_code == 200
    assert downloaded.content == content
    assert downloaded.headers["Content-Type"] == "image/png"
    assert downloaded.headers["Content-Length"] == str(len(content))
    assert downloaded.headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch('attachment; filename="?training curve.png"?', downloaded.headers["Content-Disposition"])


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.txt", "text/plain"),
        ("a.json", "text/plain"),
        ("a.yaml", "text/plain"),
        ("a.py", "text/plain"),
        ("MLmodel", "text/plain"),
        ("a.jpg", "image/jpeg"),
        ("a.html", "text/html"),
        ("a.ckpt", "application/octet-stream"),
        ("no extension", "application/octet-stream"),
    ],
)
def test_the_content_type_follows_from_the_name(http, experiment_id, run_id, name, content_type):
    path = f"{ARTIFACTS}/{experiment_id}/{run_id}/artifacts/{name}"
    http.request("PUT", path, data=b"x", headers={"Content-Type": "application/x-claimed"}).raise_for_status()

    assert http.get(path).headers["Content-Type"].split(";")[0] == content_type


def test_an_empty_file_arrives_by_a_chunked_upload_without_length(http, experiment_id, run_id):
    path = f"{ARTIFACTS}/{experiment_id}/{run_id}/artifacts/empty.txt"

    uploaded = http.request("PUT", path, data=iter([]))
    downloaded = http.get(path)
    listed = http.ok(http.get("artifacts/list", {"run_id": run_id}))

    assert uploaded.request.headers["Transfer-Encoding"] == "chunked"
    assert uploaded.status_code == 200
    assert (downloaded.status_code, downloaded.content) == (200, b"")
    assert listed["files"] == [{"path": "empty.txt", "is_dir": False}]


def test_a_chunked_upload_keeps_every_byte(http, experiment_id, run_id):
    path = f"{ARTIFACTS}/{experiment_id}/{run_id}/artifacts/model.ckpt"
    chunks = [bytes([index]) * 100_000 for index in range(50)]

    http.request("PUT", path, data=iter(chunks)).raise_for_status()

    assert http.get(path).content == b"".join(chunks)


@pytest.mark.parametrize(
    ("in_url", "name"),
    [
        ("loss%20(val)%20epoch=3%20+%201.jpg", "loss (val) epoch=3 + 1.jpg"),
        ("loss%28val%29.jpg", "loss(val).jpg"),
        ("a+b=c.jpg", "a+b=c.jpg"),
        ("img%25step%251%25x.png", "img%step%1%x.png"),
        ("gr%C3%B6%C3%9Fe.txt", "größe.txt"),
        ("a&b;c,d'e!f@g~h$i*.txt", "a&b;c,d'e!f@g~h$i*.txt"),
        ("x.y..z.txt", "x.y..z.txt"),
        (".hidden", ".hidden"),
    ],
)
def test_file_names_survive_their_way_through_the_url(http, experiment_id, run_id, in_url, name):
    content = name.encode()

    http.request(
        "PUT", f"{ARTIFACTS}/{experiment_id}/{run_id}/artifacts/folder/{in_url}", data=content
    ).raise_for_status()

    listed = http.ok(http.get("artifacts/list", {"run_id": run_id, "path": "folder"}))
    proxied = http.ok(http.get(ARTIFACTS, {"path": f"{experiment_id}/{run_id}/artifacts/folder"}))
    assert [file["path"] for file in listed["files"]] == [f"folder/{name}"]
    assert proxied["files"] == [{"path": name, "is_dir": False, "file_size": len(content)}]
    assert http.get(f"{ARTIFACTS}/{experiment_id}/{run_id}/artifacts/folder/{in_url}").content == content
    assert http.get("/get-artifact", {"run_id": run_id, "path": f"folder/{name}"}).content == content


def test_a_range_of_a_file_is_answered_with_that_part(http, experiment_id, run_id):
    path = f"{ARTIFACTS}/{experiment_id}/{run_id}/artifacts/weights.bin"
    http.request("PUT", path, data=bytes(range(100))).raise_for_status()

    part = http.get(path, headers={"Range": "bytes=10-19"})
    tail = http.get(path, headers={"Range": "bytes=-5"})

    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert part.headers["Content-Range"] == "bytes 10-19/100"
    assert (tail.status_code, tail.content) == (206, bytes(range(95, 100)))


def test_an_upload_replaces_the_file_of_that_name(http, experiment_id, run_id):
    path = f"{ARTIFACTS}/{experiment_id}/{run_id}/artifacts/terminal_log.txt"

    for content in (b"a" * 10_000, b"shorter", b"b" * 200):
        http.request("PUT", path, data=content).raise_for_status()
        assert http.get(path).content == content


def test_absent_files_and_folders_are_told_apart(http, experiment_id, run_id):
    root = f"{ARTIFACTS}/{experiment_id}/{run_id}/artifacts"
    http.request("PUT", f"{root}/folder/file.txt", data=b"x").raise_for_status()

    assert_error(http.get(f"{root}/absent.txt"), 404, "RESOURCE_DOES_NOT_EXIST", "No such artifact")
    assert http.get(f"{root}/folder").status_code == 400
    assert http.request("PUT", f"{root}/folder/", data=b"x").status_code == 400
    assert http.ok(http.get(ARTIFACTS, {"path": f"{experiment_id}/{run_id}/artifacts/absent"})) == {}
    assert http.ok(http.get(ARTIFACTS, {"path": f"{experiment_id}/{run_id}/artifacts/folder/file.txt"})) == {}


def test_files_and_folders_are_deleted_any_number_of_times(http, experiment_id, run_id):
    root = f"{ARTIFACTS}/{experiment_id}/{run_id}/artifacts"
    for path in ("a/one.txt", "a/two.txt", "b.txt"):
        http.request("PUT", f"{root}/{path}", data=b"x").raise_for_status()

    for path in ("b.txt", "a", "a", "never"):
        assert http.request("DELETE", f"{root}/{path}").status_code == 200

    assert http.get(f"{root}/a/one.txt").status_code == 404
    assert "files" not in http.ok(http.get("artifacts/list", {"run_id": run_id}))


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fsecret",
        "%2e%2e/%2e%2e/secret",
        "%252e%252e%252fsecret",
        "a/%2e%2e/%2e%2e/%2e%2e/secret",
        "a%23b",
    ],
)
def test_paths_that_would_leave_the_store_are_refused(http, path):
    for method in ("GET", "PUT", "DELETE"):
        response = http.request(method, f"{ARTIFACTS}/{path}", data=b"x" if method == "PUT" else None)
        assert_error(response, 400, "INVALID_PARAMETER_VALUE", "Invalid path")


@pytest.mark.parametrize("path", ["..", "../..", "a/../../b", "/etc", "%2e%2e", "..%2f..", "file:///etc"])
def test_lists_outside_the_store_are_refused(http, run_id, path):
    assert_error(http.get(ARTIFACTS, {"path": path}), 400, "INVALID_PARAMETER_VALUE", "Invalid path")
    assert_error(
        http.get("artifacts/list", {"run_id": run_id, "path": path}), 400, "INVALID_PARAMETER_VALUE", "Invalid path"
    )
    assert_error(
        http.get("/get-artifact", {"run_id": run_id, "path": path}), 400, "INVALID_PARAMETER_VALUE", "Invalid path"
    )


def test_the_web_page_uploads_and_reads_files_of_a_run(http, run_id):
    upload = "/ajax-api/2.0/mlflow/upload-artifact"

    uploaded = http.post(upload, params={"run_uuid": run_id, "path": "notes/a.txt"}, data=b"hello")
    http.post(upload, params={"run_id": run_id, "path": "b.txt"}, data=b"world").raise_for_status()

    assert uploaded.status_code == 200
    assert http.get("/get-artifact", {"run_id": run_id, "path": "notes/a.txt"}).content == b"hello"
    assert http.get("/get-artifact", {"run_uuid": run_id, "path": "b.txt"}).content == b"world"
    assert http.get("/get-artifact", {"run_id": run_id, "path": "absent"}).status_code == 404


def test_bad_uploads_of_the_web_page_are_refused(http, run_id):
    upload = "/ajax-api/2.0/mlflow/upload-artifact"

    def refuse(text, query, data=b"x"):
        assert_error(http.post(upload, params=query, data=data), 400, "INVALID_PARAMETER_VALUE", text)

    refuse("Request must specify run_id or run_uuid.", {"path": "a.txt"})
    refuse("Request must specify path.", {"run_id": run_id})
    refuse("Request must specify data.", {"run_id": run_id, "path": "a.txt"}, b"")
    refuse("Invalid path", {"run_id": run_id, "path": "../a.txt"})
    refuse("Artifact size is too large. Max size is 10MB.", {"run_id": run_id, "path": "a"}, b"x" * (10 * 2**20 + 1))


def test_multipart_and_presigned_transfers_are_not_implemented_on_local_storage(http, experiment_id, run_id):
    folder = f"{experiment_id}/{run_id}/artifacts"

    create = http.post(f"/api/2.0/mlflow-artifacts/mpu/create/{folder}", {"path": "model.ckpt", "num_parts": 2})
    presigned = http.get(f"/api/2.0/mlflow-artifacts/presigned/{folder}/model.ckpt")

    assert_error(
        create, 501, "NOT_IMPLEMENTED", "Multipart upload is not supported for the current artifact repository"
    )
    assert presigned.status_code == 501
