//! Graphs: how far they reach, and what they tell of their runs.

use windvane::error::Error;
use windvane::model::{Point, RunStatus};
use windvane::store::RunUpdate;

use super::*;

/// Creates a run of this number with tags.
async fn create(store: &Store, number: i64, tags: &[(&str, &str)]) -> String {
    let tags = tags.iter().map(|(key, value)| pair(key, value)).collect();
    store.create_run(&OPEN, NewRun { tags, ..new_run(number) }).await.unwrap().run_id
}

/// Logs `count` points, `apart` steps apart.
async fn log_steps(store: &Store, run_id: &str, key: &str, first: i64, apart: i64, count: i64) {
    let points: Vec<Point> =
        (0..count).map(|index| point(NOW + first + index * 1_000, first + index * apart, 0.5)).collect();
    store.log(&OPEN, run_id, metric(key, points)).await.unwrap();
}

fn resume_of(parent: &str) -> [(&'static str, &str); 2] {
    [("mlflow.parentRunId", parent), ("resumedRun", "True")]
}

#[tokio::test]
async fn a_training_sums_up_the_steps_and_the_time_of_its_attempts() {
    for database in databases().await {
        let store = database.open().await;
        let first = create(&store, 1, &[]).await;
        let second = create(&store, 2, &resume_of(&first)).await;
        log_steps(&store, &first, "loss", 50, 50, 11).await;
        log_steps(&store, &second, "loss", 400, 50, 21).await;
        log_steps(&store, &second, "system/cpu", 1, 1, 5_000).await;
        let ended = RunUpdate { end_ms: Some(NOW + 9_002), ..status(RunStatus::Finished) };
        store.update_run(&OPEN, &second, ended).await.unwrap();

        let graph = store.find_lineage(&OPEN, &first).await.unwrap();

        let [training] = &graph.trainings[..] else { panic!("{graph:?}") };
        assert_eq!((training.attempts, training.steps), (2, Some(1_400)));
        // The first was killed: what it logged is its time. The second has an end.
        assert_eq!(training.time_ms, 10_000 + 9_000);
        let steps: Vec<_> = graph.nodes.iter().map(|node| (node.first_step, node.last_step)).collect();
        assert_eq!(steps, [(Some(50), Some(550)), (Some(400), Some(1_400))]);
    }
}

#[tokio::test]
async fn the_step_of_a_fork_is_known_only_where_the_data_show_it() {
    for database in databases().await {
        let store = database.open().await;
        let origin = create(&store, 1, &[]).await;
        log_steps(&store, &origin, "loss", 50, 50, 200).await;
        let mut steps = Vec::new();
        for (number, first) in [(2, 5_050), (3, 50), (4, 90_000)] {
            let fork = create(&store, number, &[("forkedRunId", &origin)]).await;
            log_steps(&store, &fork, "loss", first, 50, 10).await;
            let graph = store.find_lineage(&OPEN, &fork).await.unwrap();
            steps.push(graph.edges.iter().find(|edge| edge.run_id == fork).unwrap().step);
        }
        let silent = create(&store, 5, &[("forkedRunId", &origin)]).await;
        let graph = store.find_lineage(&OPEN, &silent).await.unwrap();

        assert_eq!(steps, [Some(5_050), None, None]);
        assert_eq!(graph.edges.iter().find(|edge| edge.run_id == silent).unwrap().step, None);
        assert_eq!(graph.nodes.len(), 5, "all forks of one origin hang together");
    }
}

#[tokio::test]
async fn a_sweep_and_a_long_chain_are_whole() {
    for database in databases().await {
        let store = database.open().await;
        let parent = create(&store, 1, &[]).await;
        for number in 2..=151 {
            create(&store, number, &[("mlflow.parentRunId", &parent)]).await;
        }
        let mut last = create(&store, 200, &[]).await;
        for number in 201..=260 {
            last = create(&store, number, &resume_of(&last)).await;
        }

        let sweep = store.find_lineage(&OPEN, &format!("{:032x}", 77)).await.unwrap();
        let chain = store.find_lineage(&OPEN, &last).await.unwrap();

        assert_eq!((sweep.nodes.len(), sweep.edges.len(), sweep.trainings.len()), (151, 150, 151));
        assert_eq!((chain.nodes.len(), chain.edges.len(), chain.trainings.len()), (61, 60, 1));
        assert_eq!(chain.nodes.last().unwrap().role, Role::Attempt(61));
    }
}

#[tokio::test]
async fn a_cycle_of_a_thousand_and_a_run_that_everyone_resumes_are_normal_data() {
    for database in databases().await {
        let store = database.open().await;
        let of = |number: i64| format!("{number:032x}");
        for number in 0..1_000 {
            let parent = of((number + 1) % 1_000);
            create(&store, number, &[("mlflow.parentRunId", &parent)]).await;
        }
        for number in 2_000..4_000 {
            create(&store, number, &resume_of(&of(5_000))).await;
        }
        create(&store, 5_000, &[]).await;

        let cycle = store.find_lineage(&OPEN, &of(500)).await.unwrap();
        let star = store.find_lineage(&OPEN, &of(2_500)).await.unwrap();

        assert_eq!((cycle.nodes.len(), cycle.edges.len(), cycle.missing.len()), (1_000, 1_000, 0));
        assert_eq!((star.nodes.len(), star.trainings.len(), star.truncated), (2_001, 1, false));
    }
}

#[tokio::test]
async fn a_graph_of_too_many_runs_says_that_it_is_cut_off() {
    for database in databases().await {
        let store = database.open().await;
        create(&store, 0, &[]).await;
        // Past the store, because only their number matters.
        database
            .run(
                "INSERT INTO run (public_id, experiment_id, name, user_id, status, start_ms, artifact_uri)
                     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5100)
                     SELECT 'n' || i, 0, '', '', 1, i, '' FROM n;
                 INSERT INTO link (run_id, kind, target)
                     SELECT id, 1, '00000000000000000000000000000000' FROM run WHERE public_id LIKE 'n%'",
            )
            .await;

        let graph = store.find_lineage(&OPEN, &format!("{:032x}", 0)).await.unwrap();

        assert!(graph.truncated);
        assert_eq!(graph.nodes.len(), 5_000);
    }
}

#[tokio::test]
async fn runs_in_the_trash_stay_in_the_graph_and_unknown_runs_have_none() {
    for database in databases().await {
        let store = database.open().await;
        let parent = create(&store, 1, &[]).await;
        let child = create(&store, 2, &resume_of(&parent)).await;
        store.delete_run(&OPEN, &parent, NOW).await.unwrap();

        let graph = store.find_lineage(&OPEN, &child).await.unwrap();
        let unknown = store.find_lineage(&OPEN, "nobody").await;

        let stages: Vec<&str> = graph.nodes.iter().map(|node| node.lifecycle.as_str()).collect();
        assert_eq!(stages, ["deleted", "active"]);
        assert!(matches!(unknown, Err(Error::NotFound(_))));
    }
}
