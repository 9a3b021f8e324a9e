//! `find`: experiments and runs by what people have at hand.

use super::get;
use crate::support::{self, START_MS, assert_snapshot};

#[tokio::test]
async fn a_part_of_a_name_finds_experiments_and_runs() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let experiment = app.new_experiment("AIFS 100% ö").await;
        let run = app.new_run_in(&experiment, "my aifs", START_MS).await;

        let found = get(&app, "find?text=%20Aifs%20").await;
        let by_id = get(&app, &format!("find?text={}", &run[..12])).await.expect_ok();

        assert_snapshot!(found, @r#"200 {"experiments":[{"experiment_id":"1","name":"AIFS 100% ö"}],"runs":[{"experiment_id":"1","experiment_name":"AIFS 100% ö","run_id":"[run]","run_name":"my aifs","start_time":1000000,"status":"RUNNING","user_id":""}]}"#);
        assert_eq!(by_id["runs"][0]["run_id"], run.as_str());
        assert_snapshot!(get(&app, "find").await, @r#"200 {"experiments":[],"runs":[]}"#);
        assert_snapshot!(get(&app, "find?text=0%25").await.expect_ok()["experiments"].to_string(), @r#"[{"experiment_id":"1","name":"AIFS 100% ö"}]"#);
    }
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_refused() {
    let app = support::app(support::Database::sqlite()).await;

    assert!(get(&app, "find?text=a%00").await.invalid().contains("NUL"));
    assert!(get(&app, "find?text=a&limit=51").await.invalid().contains("it must be from 1 to 50"));
}
