-- The tracking core. Times are milliseconds since the epoch. "deleted_ms IS NULL" means active.
-- Same number, same meaning as the file of this name for PostgreSQL.

CREATE TABLE experiment (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    name              TEXT    NOT NULL UNIQUE,
    artifact_location TEXT    NOT NULL,
    created_ms        BIGINT  NOT NULL,
    updated_ms        BIGINT  NOT NULL,
    deleted_ms        BIGINT
);

CREATE TABLE experiment_tag (
    experiment_id BIGINT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    key           TEXT   NOT NULL,
    value         TEXT   NOT NULL,
    PRIMARY KEY (experiment_id, key)
) WITHOUT ROWID;

-- The names of metrics, params and tags, once. Never deleted, so that they may be cached for ever.
CREATE TABLE key (
    id   INTEGER PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE
);

CREATE TABLE run (
    id            INTEGER PRIMARY KEY,
    public_id     TEXT    NOT NULL UNIQUE,
    experiment_id BIGINT  NOT NULL REFERENCES experiment (id),
    name          TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    status        BIGINT  NOT NULL,
    start_ms      BIGINT  NOT NULL,
    end_ms        BIGINT,
    deleted_ms    BIGINT,
    artifact_uri  TEXT    NOT NULL
);
CREATE INDEX run_by_start ON run (experiment_id, start_ms DESC, public_id);

-- Values reach 6,000 and 8,000 characters: equality is looked up by their first 200 and then compared in full.
CREATE TABLE param (
    run_id BIGINT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key_id BIGINT NOT NULL REFERENCES key (id),
    value  TEXT   NOT NULL,
    PRIMARY KEY (run_id, key_id)
) WITHOUT ROWID;
CREATE INDEX param_by_value ON param (key_id, substr(value, 1, 200), run_id);

CREATE TABLE tag (
    run_id BIGINT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key_id BIGINT NOT NULL REFERENCES key (id),
    value  TEXT   NOT NULL,
    PRIMARY KEY (run_id, key_id)
) WITHOUT ROWID;
CREATE INDEX tag_by_value ON tag (key_id, substr(value, 1, 200), run_id);

-- One metric of one run. (step, timestamp_ms, value, is_nan) is its latest point, always exact; NaN is stored as 0
-- with the flag. count, min_value and max_value are bounds while "loose" is set: see store/writer.rs.
CREATE TABLE metric_series (
    run_id       BIGINT           NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key_id       BIGINT           NOT NULL REFERENCES key (id),
    value        DOUBLE PRECISION NOT NULL,
    is_nan       BOOLEAN          NOT NULL,
    step         BIGINT           NOT NULL,
    timestamp_ms BIGINT           NOT NULL,
    count        BIGINT           NOT NULL,
    min_value    DOUBLE PRECISION,
    max_value    DOUBLE PRECISION,
    first_ms     BIGINT           NOT NULL,
    first_step   BIGINT           NOT NULL,
    min_step     BIGINT           NOT NULL,
    max_step     BIGINT           NOT NULL,
    loose        BOOLEAN          NOT NULL,
    PRIMARY KEY (run_id, key_id)
) WITHOUT ROWID;

-- The points of all series of one run in one commit (points/segment.rs), until compaction moves them into chunks.
CREATE TABLE metric_segment (
    id     INTEGER PRIMARY KEY,
    run_id BIGINT  NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    points BIGINT  NOT NULL,
    data   BLOB    NOT NULL
);
CREATE INDEX metric_segment_by_run ON metric_segment (run_id);

-- Up to 4,096 points of one series (points/chunk.rs). The chunks of a series, by ordinal, are disjoint and in
-- (timestamp, step, value) order. A NULL value is NaN; min_value and max_value are NULL where there is no number.
CREATE TABLE metric_chunk (
    id          INTEGER PRIMARY KEY,
    run_id      BIGINT           NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key_id      BIGINT           NOT NULL REFERENCES key (id),
    ordinal     BIGINT           NOT NULL,
    count       BIGINT           NOT NULL,
    nan_count   BIGINT           NOT NULL,
    min_value   DOUBLE PRECISION,
    max_value   DOUBLE PRECISION,
    sum_value   DOUBLE PRECISION NOT NULL,
    min_step    BIGINT           NOT NULL,
    max_step    BIGINT           NOT NULL,
    first_ms    BIGINT           NOT NULL,
    first_step  BIGINT           NOT NULL,
    first_value DOUBLE PRECISION,
    last_ms     BIGINT           NOT NULL,
    last_step   BIGINT           NOT NULL,
    last_value  DOUBLE PRECISION,
    data        BLOB             NOT NULL,
    UNIQUE (run_id, key_id, ordinal)
);

-- A point that names a logged model; it is stored in its run's series as well.
CREATE TABLE model_metric (
    run_id         BIGINT           NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key_id         BIGINT           NOT NULL REFERENCES key (id),
    model_id       TEXT             NOT NULL,
    timestamp_ms   BIGINT           NOT NULL,
    step           BIGINT           NOT NULL,
    value          DOUBLE PRECISION NOT NULL,
    is_nan         BOOLEAN          NOT NULL,
    dataset_name   TEXT             NOT NULL,
    dataset_digest TEXT             NOT NULL,
    PRIMARY KEY (model_id, key_id, timestamp_ms, step, value, is_nan, dataset_name, dataset_digest, run_id)
) WITHOUT ROWID;

CREATE TABLE dataset (
    id            INTEGER PRIMARY KEY,
    experiment_id BIGINT  NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    name          TEXT    NOT NULL,
    digest        TEXT    NOT NULL,
    source_type   TEXT    NOT NULL,
    source        TEXT    NOT NULL,
    schema        TEXT,
    profile       TEXT,
    UNIQUE (experiment_id, name, digest)
);

-- A dataset that a run read. Its tags never change once it is linked, so they are one JSON text; "context" is the
-- tag mlflow.data.context among them.
CREATE TABLE dataset_input (
    run_id     BIGINT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    dataset_id BIGINT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    tags       TEXT   NOT NULL,
    context    TEXT,
    PRIMARY KEY (run_id, dataset_id)
) WITHOUT ROWID;

CREATE TABLE model_input (
    run_id   BIGINT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    model_id TEXT   NOT NULL,
    PRIMARY KEY (run_id, model_id)
) WITHOUT ROWID;
