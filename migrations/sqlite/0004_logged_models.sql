-- Logged models. Their points are in model_metric; each of these is a point of a run, too.
CREATE TABLE logged_model (
    model_id       TEXT PRIMARY KEY,
    experiment_id  INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    model_type     TEXT,
    -- As the client says, whether there is such a run or not.
    source_run_id  TEXT,
    -- 1 pending, 2 ready, 3 failed.
    status         BIGINT NOT NULL,
    status_message TEXT,
    artifact_uri   TEXT NOT NULL,
    created_ms     BIGINT NOT NULL,
    updated_ms     BIGINT NOT NULL,
    deleted_ms     BIGINT
);
CREATE INDEX logged_model_by_experiment ON logged_model (experiment_id, created_ms DESC, model_id);

CREATE TABLE logged_model_param (
    model_id TEXT NOT NULL REFERENCES logged_model (model_id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
);

CREATE TABLE logged_model_tag (
    model_id TEXT NOT NULL REFERENCES logged_model (model_id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
);

-- A logged model that a run made, and at which step.
CREATE TABLE model_output (
    run_id   INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    model_id TEXT NOT NULL,
    step     BIGINT NOT NULL,
    PRIMARY KEY (run_id, model_id, step)
);

-- The latest points of a model's metric.
CREATE INDEX model_metric_by_step
    ON model_metric (model_id, key_id, step DESC, timestamp_ms DESC, value DESC, is_nan DESC);
