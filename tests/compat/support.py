"""What every suite needs: the server's address, a plain HTTP client, and how to state an expected error."""

import contextlib
import os
import time
import uuid

import pytest
import requests
from mlflow.exceptions import MlflowException

TRACKING_URI = os.environ.get("MLFLOW_TRACKING_URI", "").rstrip("/")

#: True when the suites run against MLflow's own server to prove that they ask for nothing it does not do.
AGAINST_MLFLOW = os.environ.get("COMPAT_REFERENCE") == "1"

#: `small` is what every change is tested with; `full` has the sizes of a real training.
FULL_SCALE = os.environ.get("COMPAT_SCALE", "small") == "full"


def differs_from_mlflow(ours, theirs):
    """The expected value where Windvane answers otherwise than MLflow on purpose; say why where it is used."""
    return theirs if AGAINST_MLFLOW else ours


def unique(prefix):
    """A name no other test uses, so that the suites can share one server and run in any order."""
    return f"{prefix}-{uuid.uuid4().hex}"


def until(look, description, deadline_s=60):
    """Looks again and again until `look` returns something true, and returns that."""
    give_up = time.monotonic() + deadline_s
    while time.monotonic() < give_up:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail(f"{description}: not seen within {deadline_s} s")


@contextlib.contextmanager
def refused(error_code, *texts):
    """The block must make the MLflow client raise this error, with all of the texts in its message."""
    with pytest.raises(MlflowException) as caught:
        yield
    assert caught.value.error_code == error_code
    for text in texts:
        assert text in caught.value.message


class Http:
    """Plain HTTP to the server, as clients in other languages and curl users send it."""

    def __init__(self):
        self._session = requests.Session()

    def request(self, method, path, **arguments):
        return self._session.request(method, TRACKING_URI + path, timeout=120, **arguments)

    def get(self, path, params=None, **arguments):
        """`GET /api/2.0/mlflow/<path>`; a path with a leading slash is used as it is."""
        return self.request("GET", self._full(path), params=params, **arguments)

    def post(self, path, body=None, **arguments):
        """`POST /api/2.0/mlflow/<path>` with a JSON body, unless `data` or `headers` say otherwise."""
        if body is not None:
            arguments["json"] = body
        return self.request("POST", self._full(path), **arguments)

    def ok(self, response):
        """The JSON of a successful answer."""
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"].split(";")[0] == "application/json"
        return response.json()

    @staticmethod
    def _full(path):
        return path if path.startswith("/") else f"/api/2.0/mlflow/{path}"


def assert_error(response, status, error_code, *texts):
    """The answer is MLflow's error envelope with this status, this code and all of the texts in its message."""
    assert response.status_code == status, response.text
    error = response.json()
    assert error["error_code"] == error_code, error
    for text in texts:
        assert text in error["message"], error


def missing(parameter):
    """The message for a required parameter that is absent, null or empty."""
    return (
        f"Missing value for required parameter '{parameter}'. "
        "See the API docs for more information about request parameters."
    )


def history(client, run_id, key):
    """All points of a metric as (timestamp, step, value), in the order in which the server sends them."""
    return [(point.timestamp, point.step, point.value) for point in client.get_metric_history(run_id, key)]
