//! What changed when.

use windvane::model::NewLocation;
use windvane::store::Changes;

use super::support::*;

#[tokio::test]
async fn what_changed_since_a_cursor_is_told_with_what_of_it() {
    for database in databases().await {
        let store = database.open().await;
        let elsewhere = store.create_experiment(&OPEN, "elsewhere", NewLocation::Default, &[], NOW).await.unwrap();
        let old = create_run(&store, 1).await;
        let before = store.list_changes(&OPEN, None, &[]).await.unwrap();
        assert_eq!((&before.runs, &before.experiments), (&Some(Vec::new()), &Vec::new()));

        let new = create_run(&store, 2).await;
        store.log(&OPEN, &new, metric("loss", ascending(0, 1))).await.unwrap();
        store.log(&OPEN, &old, param("lr", "1")).await.unwrap();
        store.rename_experiment(&OPEN, elsewhere, "renamed", NOW).await.unwrap();
        let after = store.list_changes(&OPEN, Some(before.cursor), &[]).await.unwrap();

        let mut told = Vec::new();
        for run in after.runs.as_ref().unwrap() {
            assert_eq!(run.experiment_id, 0);
            told.push((number(&run.run_id), run.points, run.params, run.info));
        }
        told.sort_unstable();
        // PostgreSQL may tell of what a transaction before the cursor changed once more, while others still run.
        if database.is_sqlite() {
            assert_eq!(told, [(1, false, true, false), (2, true, false, true)]);
        } else {
            assert!(matches!(told[..], [(1, false, true, _), (2, true, false, true)]), "{told:?}");
        }
        assert_eq!(after.experiments, [0, elsewhere]);
        let of_one = store.list_changes(&OPEN, Some(before.cursor), &[elsewhere]).await.unwrap();
        assert_eq!((of_one.runs, of_one.experiments), (Some(Vec::new()), vec![elsewhere]));
        let from_a_copy = store.list_changes(&OPEN, Some(i64::MAX), &[]).await.unwrap();
        assert_eq!(from_a_copy, Changes { cursor: from_a_copy.cursor, runs: None, experiments: Vec::new() });
    }
}
