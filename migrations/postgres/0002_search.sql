-- Searching: indexes that give an order of runs within one experiment, what changed when, and runs as stored text.
-- Same number, same meaning as the file of this name for SQLite.

-- A run never changes its experiment or its start, so both are repeated where they make an index an order: by value, and
-- where values are equal by the newest start.
ALTER TABLE param ADD COLUMN experiment_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE param ADD COLUMN start_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tag ADD COLUMN experiment_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tag ADD COLUMN start_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE metric_series ADD COLUMN experiment_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE metric_series ADD COLUMN start_ms BIGINT NOT NULL DEFAULT 0;
DROP INDEX param_by_value;
DROP INDEX tag_by_value;
-- Indexes hold the first 200 characters of a value. In a column of their own, with the rest in another, an index
-- alone answers what nearly every question needs. See store/texts.rs.
ALTER TABLE param RENAME COLUMN value TO head;
ALTER TABLE tag RENAME COLUMN value TO head;
ALTER TABLE param ADD COLUMN tail TEXT COLLATE "C";
ALTER TABLE tag ADD COLUMN tail TEXT COLLATE "C";
UPDATE param SET head = substr(head, 1, 200), tail = substr(head, 201) WHERE length(head) > 200;
UPDATE tag SET head = substr(head, 1, 200), tail = substr(head, 201) WHERE length(head) > 200;
UPDATE param SET experiment_id = r.experiment_id, start_ms = r.start_ms FROM run r WHERE r.id = param.run_id;
UPDATE tag SET experiment_id = r.experiment_id, start_ms = r.start_ms FROM run r WHERE r.id = tag.run_id;
UPDATE metric_series SET experiment_id = r.experiment_id, start_ms = r.start_ms FROM run r
    WHERE r.id = metric_series.run_id;
CREATE INDEX param_by_value ON param (experiment_id, key_id, head, start_ms DESC, run_id);
CREATE INDEX tag_by_value ON tag (experiment_id, key_id, head, start_ms DESC, run_id);
CREATE INDEX metric_by_value ON metric_series (experiment_id, key_id, is_nan, value, start_ms DESC, run_id);
-- The few values that the indexes above hold in part.
CREATE INDEX param_long ON param (experiment_id, key_id) WHERE tail IS NOT NULL;
CREATE INDEX tag_long ON tag (experiment_id, key_id) WHERE tail IS NOT NULL;
CREATE INDEX dataset_input_by_dataset ON dataset_input (dataset_id, run_id);
-- Counting the runs of every experiment reads this index alone.
CREATE INDEX run_by_state ON run (experiment_id, deleted_ms, status, start_ms);

-- The commit that last changed a run: its points, its params, and everything else. See store/changes.rs.
CREATE TABLE run_change (
    run_id         BIGINT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    version        BIGINT NOT NULL,
    points_version BIGINT NOT NULL,
    params_version BIGINT NOT NULL,
    info_version   BIGINT NOT NULL
);
CREATE INDEX run_change_by_version ON run_change (version);
INSERT INTO run_change (run_id, version, points_version, params_version, info_version) SELECT id, 1, 1, 1, 1 FROM run;
ALTER TABLE experiment ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

-- Runs as searches answer them, in two parts: the params, and everything else. A text is true if its version is that of
-- the run's last change of what it holds, and stale otherwise. See store/documents.rs.
CREATE TABLE document_rest (
    run_id  BIGINT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    format  BIGINT NOT NULL,
    json    BYTEA NOT NULL
);
CREATE TABLE document_params (
    run_id  BIGINT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    format  BIGINT NOT NULL,
    json    BYTEA NOT NULL
);
-- Compressing what is copied out again and again would cost more than it saves.
ALTER TABLE document_rest ALTER COLUMN json SET STORAGE EXTERNAL;
ALTER TABLE document_params ALTER COLUMN json SET STORAGE EXTERNAL;
