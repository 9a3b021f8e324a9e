"""A server with accounts, as the released clients reach it: by name and password, by token, and by Anemoi's own login."""

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from servers import PROGRAM
from support import unique, until

pytestmark = pytest.mark.skipif(not PROGRAM, reason="the server under test was not started here")


def train(client, experiment_id):
    """A run with everything that a training logs, and a file."""
    run_id = client.create_run(experiment_id).info.run_id
    client.log_param(run_id, "lr", 0.1)
    for step in range(3):
        client.log_metric(run_id, "loss", 1.0 / (step + 1), step=step)
    client.set_tag(run_id, "team", "wx")
    client.log_text(run_id, "0.5", "plots/loss.txt")
    client.set_terminated(run_id)
    run = client.get_run(run_id)
    assert (run.data.params, run.data.metrics["loss"], run.data.tags["team"]) == ({"lr": "0.1"}, 1.0 / 3, "wx")
    assert [file.path for file in client.list_artifacts(run_id, "plots")] == ["plots/loss.txt"]
    with open(client.download_artifacts(run_id, "plots/loss.txt"), encoding="utf-8") as file:
        assert file.read() == "0.5"
    return run_id


def error_of(call, *arguments):
    """The code of the error that a call raises."""
    with pytest.raises(MlflowException) as caught:
        call(*arguments)
    return caught.value.error_code


def test_without_a_credential_the_client_is_told_to_sign_in(sign_in):
    client = sign_in()
    with pytest.raises(MlflowException, match="sign in"):
        client.search_experiments()


def test_a_name_and_a_password_log_a_training(closed, sign_in):
    boss = sign_in("boss")
    run_id = train(boss, boss.create_experiment(unique("by-password")))

    ann = sign_in("ann")
    assert error_of(ann.get_run, run_id) == "RESOURCE_DOES_NOT_EXIST"
    mine = ann.create_experiment(unique("of-ann"))
    train(ann, mine)
    assert [found.experiment_id for found in ann.search_experiments()] == [mine]


def test_a_token_of_a_service_logs_until_it_is_revoked(closed, sign_in):
    boss = sign_in("boss")
    name = unique("nightly")
    experiment_id = boss.create_experiment(name)
    closed.manage("role", "give", "robot", "editor", name)
    token = closed.manage("token", "add", "robot", "--scope", "write", "--namespace", name)
    robot = sign_in(token=token)
    run_id = train(robot, experiment_id)
    assert error_of(robot.delete_run, run_id) == "PERMISSION_DENIED"
    assert error_of(robot.create_experiment, unique("more")) == "PERMISSION_DENIED"

    number = closed.manage("token", "list", "robot").splitlines()[1].split()[0]
    closed.manage("token", "revoke", number)

    def is_refused():
        try:
            robot.get_run(run_id)
        except MlflowException:
            return True
        return False

    until(is_refused, "the revoked token is refused")


def test_a_reader_reads_and_changes_nothing(closed, sign_in):
    boss = sign_in("boss")
    name = unique("shown")
    run_id = train(boss, boss.create_experiment(name))
    closed.manage("role", "give", "ann", "reader", name)
    ann = sign_in("ann")

    experiment = ann.get_experiment_by_name(name)
    assert [run.info.run_id for run in ann.search_runs([experiment.experiment_id])] == [run_id]
    assert len(ann.get_metric_history(run_id, "loss")) == 3
    for call, arguments in [
        (ann.log_metric, (run_id, "loss", 1.0)),
        (ann.set_tag, (run_id, "a", "b")),
        (ann.delete_run, (run_id,)),
        (ann.create_run, (experiment.experiment_id,)),
        (ann.log_text, (run_id, "x", "plots/loss.txt")),
    ]:
        with pytest.raises(Exception, match="role 'editor'|role 'manager'|403"):
            call(*arguments)


def test_the_fluent_client_logs_by_password(sign_in):
    sign_in("ann")
    mlflow.set_experiment(unique("fluent"))
    with mlflow.start_run() as run:
        mlflow.log_metrics({"loss": 0.5, "accuracy": 0.9}, step=1)
        mlflow.log_dict({"a": 1}, "config.json")
    assert mlflow.get_run(run.info.run_id).data.metrics["loss"] == 0.5


class TestAnemoi:
    """Anemoi's own code for logging in, from `anemoi-utils` as released."""

    @pytest.fixture
    def anemoi(self, monkeypatch, tmp_path):
        auth = pytest.importorskip("anemoi.utils.mlflow.auth", reason="only with the newest client")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setattr("os.path.expanduser", lambda path: path.replace("~", str(tmp_path), 1))
        return auth

    def test_login_takes_the_seed_and_the_client_logs_with_what_it_gets(self, closed, sign_in, anemoi, monkeypatch):
        from anemoi.utils.mlflow.client import AnemoiMlflowClient

        sign_in()
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "")
        seed = closed.manage("token", "add", "ann", "--login")
        monkeypatch.setattr(anemoi, "getpass", lambda prompt: seed)
        auth = anemoi.TokenAuth(closed.uri + "/")
        auth.login()
        assert [url for url, _ in anemoi.TokenAuth.get_servers()] == [closed.uri]
        auth.login()  # again, with the saved one

        # Every rank of every job has the same one, and uses it when it likes.
        ranks = [anemoi.TokenAuth(closed.uri) for _ in range(8)]
        for rank in ranks:
            rank.authenticate()
        user = ranks[0].user_info()
        assert (user.name, user.username) == ("Ann Ünal >>?~", "ann")
        assert ranks[0].access_expires > 6 * 3600

        client = AnemoiMlflowClient(closed.uri, authentication=True)
        train(client, client.create_experiment(unique("anemoi")))

    def test_a_seed_that_is_not_accepted_is_told_in_a_sentence(self, closed, sign_in, anemoi, monkeypatch):
        sign_in()
        for wrong in ["nonsense", closed.manage("token", "add", "ann")]:
            monkeypatch.setattr(anemoi, "getpass", lambda prompt, wrong=wrong: wrong)
            with pytest.raises(RuntimeError, match="not accepted"):
                anemoi.TokenAuth(closed.uri).login(force_credentials=True)
