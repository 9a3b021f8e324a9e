"""A checkpoint of the size that trainings write goes through the released client and comes back as it was.

`COMPAT_SCALE=full` makes it 600 MiB, which is beyond the size from which clients ask for multipart uploads.
"""

import hashlib
import os
import random

import mlflow
from mlflow import MlflowClient

from support import FULL_SCALE, unique

MEBIBYTE = 1 << 20
#: The last byte is one too many for any block size.
SIZE_BYTES = (600 if FULL_SCALE else 20) * MEBIBYTE + 1


def write(path):
    """Writes bytes that do not repeat, and returns their SHA-256."""
    digest, chance, left = hashlib.sha256(), random.Random(7), SIZE_BYTES
    with open(path, "wb") as file:
        while left:
            block = chance.randbytes(min(left, MEBIBYTE))
            digest.update(block)
            file.write(block)
            left -= len(block)
    return digest.hexdigest()


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(MEBIBYTE):
            digest.update(block)
    return digest.hexdigest()


def test_a_checkpoint_comes_back_as_it_was(http, tmp_path):
    mlflow.set_experiment(unique("checkpoints"))
    checkpoint = tmp_path / "last.ckpt"
    written = write(checkpoint)

    with mlflow.start_run() as run:
        mlflow.log_artifact(checkpoint, "checkpoints")
    # Files of this size must not pile up: pytest keeps its folders, and lanes run side by side.
    checkpoint.unlink()
    (listed,) = MlflowClient().list_artifacts(run.info.run_id, "checkpoints")
    downloaded = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="checkpoints/last.ckpt", dst_path=str(tmp_path / "down")
    )
    read = sha256(downloaded)
    os.unlink(downloaded)

    location = f"{run.info.experiment_id}/{run.info.run_id}/artifacts/checkpoints"
    assert http.request("DELETE", f"/api/2.0/mlflow-artifacts/artifacts/{location}").status_code == 200
    assert (listed.path, listed.file_size) == ("checkpoints/last.ckpt", SIZE_BYTES)
    assert read == written
