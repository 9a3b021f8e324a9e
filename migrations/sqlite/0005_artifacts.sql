-- Files of the artifact store as they were when they were stored: what is on the disk now can be compared with it.
CREATE TABLE artifact (
    -- Beneath the root of the store.
    path        TEXT PRIMARY KEY,
    size_bytes  BIGINT NOT NULL,
    sha256      BLOB NOT NULL,
    -- The time of the file itself. A file with another time is not the one that this row tells of.
    modified_ns BIGINT NOT NULL
) WITHOUT ROWID;

-- Directories of the artifact store that belong to an experiment although they are not named by its number. None lies
-- in another.
CREATE TABLE artifact_claim (
    path          TEXT PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE
) WITHOUT ROWID;
-- Where two experiments chose one directory before it was seen to, it belongs to the older.
INSERT INTO artifact_claim (path, experiment_id)
    SELECT rtrim(substr(artifact_location, 19), '/') AS path, min(id) FROM experiment
    WHERE artifact_location LIKE 'mlflow-artifacts:/_%' AND artifact_location NOT LIKE 'mlflow-artifacts://%'
        AND instr(artifact_location, '%') = 0 AND instr(artifact_location, '?') = 0
        AND substr(artifact_location, 19) NOT GLOB '[0-9]*'
    GROUP BY 1;
