//! Finding runs and experiments by what people have at hand.

use windvane::model::NewLocation;
use windvane::store::{NewRun, Store};

use super::support::*;

/// The names of the experiments and the numbers of the runs that are found.
async fn found(store: &Store, text: &str, limit: usize) -> (Vec<String>, Vec<i64>) {
    let found = store.find_by_text(&OPEN, text, limit).await.unwrap();
    let experiments = found.experiments.into_iter().map(|(_, name)| name).collect();
    (experiments, found.runs.iter().map(|(run, _)| number(&run.run_id)).collect())
}

#[tokio::test]
async fn names_ids_and_jobs_are_found_the_newest_first() {
    for database in databases().await {
        let store = database.open().await;
        store.create_experiment(&OPEN, "AIFS 50%", NewLocation::Default, &[], NOW).await.unwrap();
        store.create_experiment(&OPEN, "aifs old", NewLocation::Default, &[], NOW - 1).await.unwrap();
        let gone = store.create_experiment(&OPEN, "aifs gone", NewLocation::Default, &[], NOW).await.unwrap();
        let names = ["Aifs-Transformer", "aifs-gnn", "other", "aifs-deleted"];
        let mut runs = Vec::new();
        for (number, name) in (0xabc_000..).zip(names) {
            runs.push(
                store.create_run(&OPEN, NewRun { name: name.to_owned(), ..new_run(number) }).await.unwrap().run_id,
            );
        }
        let in_gone = NewRun { experiment_id: gone, name: "aifs".to_owned(), ..new_run(5) };
        store.create_run(&OPEN, in_gone).await.unwrap();
        store.log(&OPEN, &runs[0], tag("SLURM_JOB_ID", "4711")).await.unwrap();
        store.log(&OPEN, &runs[2], param("slurm_job_id", "4711")).await.unwrap();
        store.log(&OPEN, &runs[1], tag("another", "4711")).await.unwrap();
        store.delete_run(&OPEN, &runs[3], NOW).await.unwrap();
        store.delete_experiment(&OPEN, gone, NOW).await.unwrap();

        let experiments = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            found(&store, "AIFS", 8).await,
            (experiments(&["AIFS 50%", "aifs old"]), vec![0xabc_001, 0xabc_000])
        );
        assert_eq!(found(&store, "aifs", 1).await, (experiments(&["AIFS 50%"]), vec![0xabc_001]));
        assert_eq!(found(&store, "50%", 8).await, (experiments(&["AIFS 50%"]), vec![]));
        assert_eq!(found(&store, "4711", 8).await, (vec![], vec![0xabc_002, 0xabc_000]));
        assert_eq!(found(&store, "471", 8).await, (vec![], vec![]));
        assert_eq!(found(&store, &runs[0][..30], 8).await, (vec![], vec![0xabc_002, 0xabc_001, 0xabc_000]));
        assert_eq!(found(&store, &runs[1], 8).await, (vec![], vec![0xabc_001]));
        assert_eq!(found(&store, "'; --", 8).await, (vec![], vec![]));
        assert_eq!(found(&store, "", 8).await, (vec![], vec![]));
        store.close().await;
    }
}

#[tokio::test]
async fn a_run_is_told_with_its_experiment() {
    for database in databases().await {
        let store = database.open().await;
        let run = create_run(&store, 1).await;

        let found = store.find_by_text(&OPEN, "RUN-1", 8).await.unwrap();

        let (info, experiment) = &found.runs[0];
        assert_eq!((info.run_id.as_str(), info.name.as_str(), experiment.as_str()), (run.as_str(), "run-1", "Default"));
        store.close().await;
    }
}
