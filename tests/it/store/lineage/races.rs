//! Links that are written at the same moment as what they lead to, by several servers of one database.

use futures_util::future::join_all;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_and_a_link_to_it_that_arrive_together_find_each_other() {
    for database in databases().await {
        let one = database.open().await;
        let other = if database.is_sqlite() { one.clone() } else { database.open().await };
        let of = |number: i64| format!("{number:032x}");
        for number in 0..60 {
            let (parent, child) = (2 * number, 2 * number + 1);
            one.create_run(&OPEN, new_run(child)).await.unwrap();
            let kind = if number % 2 == 0 { "True" } else { "False" };
            let tags = vec![pair("mlflow.parentRunId", &of(parent)), pair("resumedRun", kind)];
            let batch = LogBatch { tags, ..LogBatch::default() };
            let child = of(child);
            let (created, linked) =
                tokio::join!(one.create_run(&OPEN, new_run(parent)), other.log(&OPEN, &child, batch));
            created.unwrap();
            linked.unwrap();

            let graph = one.find_lineage(&OPEN, &of(parent)).await.unwrap();

            assert_eq!((graph.nodes.len(), graph.missing.len()), (2, 0), "{number}");
        }
        assert_eq!(database.int("SELECT count(*) FROM lineage WHERE parent_id IS NOT NULL").await, 30);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn links_that_join_trainings_at_once_leave_one_training() {
    for database in databases().await {
        let one = database.open().await;
        let other = if database.is_sqlite() { one.clone() } else { database.open().await };
        let of = |number: i64| format!("{number:032x}");
        for number in 0..40 {
            one.create_run(&OPEN, new_run(number)).await.unwrap();
        }
        let link = |number: i64| {
            let store = if number % 2 == 0 { one.clone() } else { other.clone() };
            async move {
                let tags = vec![pair("mlflow.parentRunId", &of(number - 1)), pair("resumedRun", "True")];
                let batch = LogBatch { tags, ..LogBatch::default() };
                store.log(&OPEN, &of(number), batch).await
            }
        };
        for linked in join_all((1..40).map(link)).await {
            linked.unwrap();
        }

        let graph = one.find_lineage(&OPEN, &of(20)).await.unwrap();

        assert_eq!((graph.nodes.len(), graph.trainings.len(), graph.trainings[0].attempts), (40, 1, 40));
    }
}
