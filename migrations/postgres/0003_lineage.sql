-- Lineage: which run resumes, forks, nests in or copies which, as rows that are kept beside the tags and params that
-- say so, and what follows from them for tables and curves.
-- Same number, same meaning as the file of this name for SQLite.

-- One statement of a run about another one, by that one's public id: it need not be here yet, nor ever.
-- kind: 1 nest, 2 resume, 3 fork, 4 copy (src/lineage.rs).
CREATE TABLE link (
    run_id BIGINT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    kind   BIGINT NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (run_id, kind, target)
);
CREATE INDEX link_by_target ON link (target, kind, run_id);

-- What links mean for a run: the training that it is part of, named by the least id of its runs, and the run that it is
-- nested in. A run without a row has no links and nothing links to it. experiment_id and start_ms are the run's own.
-- prepared: it only reserved its id (Anemoi's dry run). origin: the public id of what it is a copy of, or its own where
-- copies of it are here. See store/lineage.rs.
CREATE TABLE lineage (
    run_id        BIGINT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    experiment_id BIGINT  NOT NULL,
    start_ms      BIGINT  NOT NULL,
    training_id   BIGINT  NOT NULL,
    parent_id     BIGINT REFERENCES run (id) ON DELETE SET NULL,
    prepared      BOOLEAN NOT NULL,
    origin        TEXT COLLATE "C"
);
CREATE INDEX lineage_by_training ON lineage (training_id);
CREATE INDEX lineage_by_parent ON lineage (parent_id) WHERE parent_id IS NOT NULL;
-- The trees of an experiment are built from this index alone.
CREATE INDEX lineage_by_experiment ON lineage (experiment_id, run_id, training_id, parent_id, start_ms, prepared);

-- Runs whose links are still to be read from their tags and params: done once, when the store is opened.
CREATE TABLE lineage_backlog (run_id BIGINT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE);
INSERT INTO lineage_backlog (run_id)
    SELECT t.run_id FROM tag t WHERE t.key_id IN (SELECT id FROM key WHERE name IN (
        'mlflow.parentRunId', 'resumedRun', 'forkedRun', 'forkedRunId', 'dry_run',
        'mlflow.offline.parentRunId', 'offline.forkedRunId', 'mlflow.server2server.parentRunId',
        'server2server.forkedRunId'))
    UNION
    SELECT p.run_id FROM param p WHERE p.key_id IN (SELECT id FROM key WHERE name IN (
        'config.training.run_id', 'training.run_id', 'metadata.run_id', 'config.training.fork_run_id',
        'training.fork_run_id', 'metadata.offline_run_id', 'metadata.server2server_run_id',
        'config.training.offline_run_id', 'config.training.server2server_run_id',
        'config.training.offline_self_run_id', 'config.training.server2server_self_run_id'));

-- How many points of a chunk have a step before that of the point before them. NULL: made before anyone counted.
ALTER TABLE metric_chunk ADD COLUMN backward_steps BIGINT;
