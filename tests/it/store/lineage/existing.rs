//! Runs that were there before links were kept.

use super::*;
use crate::support::Database;

/// What version 2 of the schema held: a training of two attempts, a copy, and a sweep that is longer than one transaction
/// of the backlog.
const VERSION_2: &str = "
    INSERT INTO key (name) VALUES ('mlflow.parentRunId'), ('resumedRun'), ('metadata.offline_run_id'),
        ('metadata.run_id'), ('note');
    INSERT INTO experiment (id, name, artifact_location, created_ms, updated_ms) VALUES (0, 'Default', 'x', 1, 1);
    INSERT INTO run (id, public_id, experiment_id, name, user_id, status, start_ms, artifact_uri) VALUES
        (1, 'w-a', 0, '', '', 1, 1, ''), (2, 'w-b', 0, '', '', 1, 2, ''), (3, 'w-c', 0, '', '', 1, 3, '');
    INSERT INTO run (id, public_id, experiment_id, name, user_id, status, start_ms, artifact_uri)
        WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 1210)
        SELECT i, 's-' || i, 0, '', '', 1, i, '' FROM n;
    INSERT INTO tag (run_id, key_id, head, experiment_id, start_ms) VALUES
        (2, 1, 'w-a', 0, 2), (2, 2, 'True', 0, 2), (1, 5, 'w-b', 0, 1);
    INSERT INTO tag (run_id, key_id, head, experiment_id, start_ms)
        SELECT id, 1, 's-10', 0, start_ms FROM run WHERE id > 10;
    INSERT INTO param (run_id, key_id, head, experiment_id, start_ms) VALUES
        (3, 3, 'w-a', 0, 3), (3, 4, 'w-c', 0, 3), (1, 4, 'w-a', 0, 1);
    INSERT INTO run_change (run_id, version, points_version, params_version, info_version) SELECT id, 1, 1, 1, 1 FROM run";

#[tokio::test]
async fn runs_of_an_earlier_version_are_linked_when_it_is_opened() {
    let mut databases = vec![Database::sqlite()];
    databases.extend(Database::empty_postgres().await);
    for database in databases {
        database.migrate_to(2).await;
        database.run(VERSION_2).await;
        for _ in 0..2 {
            let store = database.open().await;

            let training = store.find_lineage(&OPEN, "w-b").await.unwrap();
            let sweep = store.find_lineage(&OPEN, "s-777").await.unwrap();

            let expected =
                ["a: attempt 1 in a", "b -resume-> a", "b: attempt 2 in a", "c -copy-> a", "c: copy of attempt 1 in a"];
            assert_eq!(Vec::from_iter(lines("w", &training)), expected);
            assert_eq!((sweep.nodes.len(), sweep.edges.len()), (1_201, 1_200));
            assert_eq!(database.int("SELECT count(*) FROM lineage WHERE parent_id = 10").await, 1_200);
            assert_eq!(database.int("SELECT count(*) FROM lineage_backlog").await, 0);
            store.close().await;
        }
    }
}
