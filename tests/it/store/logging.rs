//! Logging: what a batch brings, what it may not, and that requests which share a commit do not touch one another.

use futures_util::future::join_all;
use windvane::model::{Metric, MetricValue, RunStatus};
use windvane::store::{LogBatch, ModelMetric, RunUpdate};

use super::support::*;

fn whole_batch() -> LogBatch {
    let of_model = |step: i64| ModelMetric {
        key: "loss".to_owned(),
        model_id: new_model(1).model_id,
        dataset_name: "era5".to_owned(),
        dataset_digest: String::new(),
        point: point(NOW + step, step, f64::NAN),
    };
    LogBatch {
        series: vec![
            ("loss".to_owned(), vec![point(NOW + 1, 1, f64::NAN), point(NOW + 2, 2, f64::NAN), point(NOW, 0, 3.5)]),
            ("accuracy".to_owned(), vec![point(NOW, 0, -0.0)]),
        ],
        params: vec![pair("lr", "1e-3"), pair("empty", "")],
        tags: vec![pair("note", "first"), pair("note", "last")],
        model_metrics: vec![of_model(1), of_model(2)],
        single_param: false,
    }
}

#[tokio::test]
async fn a_batch_is_read_back_as_it_was_logged() {
    for database in databases().await {
        let store = database.open().await;
        store.create_logged_model(&OPEN, new_model(1), NOW).await.unwrap();
        let run_id = create_run(&store, 1).await;

        store.log(&OPEN, &run_id, whole_batch()).await.unwrap();

        let run = find_run(&store, &run_id).await;
        let metric = |key: &str, point| Metric { key: key.to_owned(), point };
        let expected = [metric("accuracy", point(NOW, 0, 0.0)), metric("loss", point(NOW + 2, 2, f64::NAN))];
        assert_eq!(run.metrics, expected);
        assert_eq!(run.params, [pair("empty", ""), pair("lr", "1e-3")]);
        assert_eq!(run.tags, [pair("mlflow.runName", "run-1"), pair("note", "last")]);
        let points = [point(NOW, 0, 3.5), point(NOW + 1, 1, f64::NAN), point(NOW + 2, 2, f64::NAN)];
        assert_eq!(bits(&history(&store, &run_id, "loss").await), bits(&points));
        assert_eq!(database.int("SELECT count(*) FROM model_metric WHERE is_nan").await, 2);
    }
}

#[tokio::test]
async fn a_batch_that_is_sent_again_changes_nothing() {
    for database in databases().await {
        let store = database.open().await;
        store.create_logged_model(&OPEN, new_model(1), NOW).await.unwrap();
        let run_id = create_run(&store, 1).await;
        store.log(&OPEN, &run_id, whole_batch()).await.unwrap();
        let (run, points) = (find_run(&store, &run_id).await, history(&store, &run_id, "loss").await);

        store.log(&OPEN, &run_id, whole_batch()).await.unwrap();
        let together = join_all((0..5).map(|_| store.log(&OPEN, &run_id, whole_batch()))).await;

        assert!(together.iter().all(Result::is_ok));
        assert_eq!(find_run(&store, &run_id).await, run);
        assert_eq!(bits(&history(&store, &run_id, "loss").await), bits(&points));
        assert_eq!(database.int("SELECT count(*) FROM model_metric").await, 2);
        let count = database
            .int("SELECT count FROM metric_series s JOIN key k ON k.id = s.key_id WHERE name = 'loss' AND loose");
        assert!(count.await >= 3, "the count is a bound from above");
    }
}

#[tokio::test]
async fn values_are_kept_to_the_last_bit() {
    let values = [
        f64::NAN,
        -f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
        -0.0,
        0.1,
        5e-324,
        f64::MIN_POSITIVE,
        f64::from(0.1_f32),
        1.0 + f64::EPSILON,
    ];
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let points: Vec<_> = values.iter().zip(0..).map(|(value, step)| point(NOW, step, *value)).collect();

        for point in &points {
            store.log(&OPEN, &run_id, metric("each", vec![*point])).await.unwrap();
            let latest = latest(&store, &run_id, "each").await;
            assert_eq!(bits(&[latest]), bits(&[*point]));
        }
        store.log(&OPEN, &run_id, metric("all", points.clone())).await.unwrap();

        assert_eq!(bits(&history(&store, &run_id, "each").await), bits(&points));
        assert_eq!(bits(&history(&store, &run_id, "all").await), bits(&points));
    }
}

#[tokio::test]
async fn the_latest_point_has_the_greatest_step_then_time_then_value_in_whatever_order_points_come() {
    // Each point is later than those before; of equal places NaN counts as 0.
    let mut ascending = [
        point(NOW + 9, -5, 1e300),
        point(NOW + 8, 3, 7.0),
        point(NOW, 4, 9.0),
        point(NOW + 1, 4, f64::NEG_INFINITY),
        point(NOW + 1, 4, -1.0),
        point(NOW + 1, 4, 0.0),
        point(NOW + 1, 4, f64::NAN),
        point(NOW + 1, 4, 5e-324),
        point(NOW + 1, 4, f64::INFINITY),
    ];
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        for end in 1..=ascending.len() {
            let part = &mut ascending[..end];
            let greatest = part[end - 1];
            let key = format!("one-by-one-{end}");
            // The greatest first, the greatest last, and in the middle.
            for rotation in [0, 1, end / 2] {
                let together = format!("together-{end}-{rotation}");
                let mut points = part.to_vec();
                points.rotate_right(rotation);
                for point in &points {
                    store.log(&OPEN, &run_id, metric(&key, vec![*point])).await.unwrap();
                }
                store.log(&OPEN, &run_id, metric(&together, points)).await.unwrap();
                assert_eq!(bits(&[latest(&store, &run_id, &together).await]), bits(&[greatest]), "{together}");
            }
            assert_eq!(bits(&[latest(&store, &run_id, &key).await]), bits(&[greatest]), "{key}");
        }
    }
}

#[tokio::test]
async fn a_param_that_changes_refuses_its_whole_batch() {
    for database in databases().await {
        let store = database.open().await;
        store.create_logged_model(&OPEN, new_model(1), NOW).await.unwrap();
        let run_id = create_run(&store, 1).await;
        store.log(&OPEN, &run_id, param("lr", "1e-3")).await.unwrap();
        let before = find_run(&store, &run_id).await;

        let mut batch = whole_batch();
        batch.params = vec![pair("new", "1"), pair("lr", "2e-3")];
        let refused = refusal(store.log(&OPEN, &run_id, batch).await);
        let mut single = param("lr", "it's");
        single.single_param = true;
        let single = refusal(store.log(&OPEN, &run_id, single).await);
        let same = store.log(&OPEN, &run_id, param("lr", "1e-3")).await;

        let opening = "INVALID_PARAMETER_VALUE: Changing param values is not allowed.";
        let list = "[{'key': 'lr', 'old_value': '1e-3', 'new_value': '2e-3'}]";
        assert_eq!(refused, format!("{opening} Params were already logged='{list}' for run ID='{run_id}'."));
        let text = format!(
            "{opening} Param with key='lr' was already logged with value='1e-3' for run ID='{run_id}'. Attempted \
             logging new value \"it's\"."
        );
        assert_eq!(single, text);
        assert!(same.is_ok());
        assert_eq!(find_run(&store, &run_id).await, before);
        assert_eq!(history(&store, &run_id, "loss").await, []);
    }
}

#[tokio::test]
async fn requests_that_share_a_commit_are_decided_in_their_order_and_refused_ones_touch_nothing() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let trash = create_run(&store, 2).await;
        let batch = |number: i64| {
            let mut batch = metric(&format!("m-{number}"), vec![point(NOW, number, 1.0)]);
            batch.tags = vec![pair(&format!("t-{number}"), "x")];
            batch.params = vec![pair(&format!("p-{}", number / 4), &format!("{}", number % 2))];
            batch
        };
        // With names that are known already, requests queue in the order in which they are made.
        let named = create_run(&store, 3).await;
        join_all((0..200).step_by(2).map(|number| store.log(&OPEN, &named, batch(number)))).await;
        join_all((0..200).map(|number| store.log(&OPEN, &named, batch(number)))).await;
        store.delete_run(&OPEN, &trash, NOW).await.unwrap();

        // All wait at once, so that most of them share a commit; of every four, three must be refused.
        let requests = (0..200_i64).map(|number| {
            let run_id = match number % 4 {
                2 => trash.as_str(),
                3 => "absent",
                _ => run_id.as_str(),
            };
            store.log(&OPEN, run_id, batch(number))
        });
        let outcomes = join_all(requests).await;

        let accepted: Vec<usize> =
            outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_ok()).map(|(number, _)| number).collect();
        assert_eq!(accepted, (0..200).step_by(4).collect::<Vec<_>>());
        for (number, outcome) in outcomes.into_iter().enumerate().filter(|(_, outcome)| outcome.is_err()) {
            let expected = ["", "Changing param values", "must be in the 'active' state", "not found"][number % 4];
            let text = refusal(outcome);
            assert!(text.contains(expected), "{number}: {text}");
        }
        let run = find_run(&store, &run_id).await;
        assert_eq!((run.metrics.len(), run.params.len(), run.tags.len()), (50, 50, 51));
        assert!(run.metrics.iter().all(|metric| metric.point.step % 4 == 0));
        assert!(run.params.iter().all(|param| param.value == "0"));
        assert!(find_run(&store, &trash).await.metrics.is_empty());
    }
}

#[tokio::test]
async fn a_request_that_the_database_refuses_does_not_spoil_those_that_share_its_commit() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        database
            .run(if database.is_sqlite() {
                "CREATE TRIGGER poison BEFORE INSERT ON param WHEN new.head = 'poison'
                 BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
            } else {
                "ALTER TABLE param ADD CONSTRAINT poison CHECK (head <> 'poison')"
            })
            .await;

        let requests = (0..100).map(|number| {
            let mut batch = metric("loss", vec![point(NOW, number, 1.0)]);
            batch.params = vec![pair(&format!("p-{number}"), if number % 10 == 7 { "poison" } else { "fine" })];
            store.log(&OPEN, &run_id, batch)
        });
        let outcomes = join_all(requests).await;

        for (number, outcome) in outcomes.into_iter().enumerate() {
            match number % 10 {
                7 => assert_eq!(refusal(outcome), "INTERNAL_ERROR: internal error"),
                _ => outcome.unwrap(),
            }
        }
        assert_eq!(find_run(&store, &run_id).await.params.len(), 90);
        let steps: Vec<i64> = history(&store, &run_id, "loss").await.iter().map(|point| point.step).collect();
        assert_eq!(steps, (0..100).filter(|step| step % 10 != 7).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn requests_of_many_kinds_and_runs_share_commits() {
    for database in databases().await {
        let store = database.open().await;
        store.create_logged_model(&OPEN, new_model(1), NOW).await.unwrap();
        let ids = join_all((0..40).map(|number| create_run(&store, number))).await;

        let log = join_all(ids.iter().map(|run_id| store.log(&OPEN, run_id, whole_batch())));
        let ends = join_all(ids.iter().zip(0_i64..).map(|(run_id, number)| {
            let name = Some(format!("renamed-{number}"));
            store.update_run(&OPEN, run_id, RunUpdate { status: Some(RunStatus::Finished), end_ms: Some(number), name })
        }));
        let inputs = join_all(ids.iter().map(|id| store.log_inputs(&OPEN, id, Vec::new(), vec![format!("m-{id}")])));
        let (logged, ended, linked) = tokio::join!(log, ends, inputs);

        assert!(
            logged.iter().all(Result::is_ok) && ended.iter().all(Result::is_ok) && linked.iter().all(Result::is_ok)
        );
        for (run_id, number) in ids.iter().zip(0_i64..) {
            let run = find_run(&store, run_id).await;
            assert_eq!((run.info.name, run.info.status), (format!("renamed-{number}"), RunStatus::Finished));
            assert_eq!(run.info.end_ms, Some(number));
            assert_eq!((run.metrics.len(), run.params.len(), run.tags.len()), (2, 2, 2));
            assert_eq!(run.model_inputs, [format!("m-{run_id}")]);
        }
    }
}

#[tokio::test]
async fn a_batch_may_bring_more_names_and_params_than_one_statement_holds() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let series = (0..1_500).map(|number| (format!("m/{number}"), vec![point(NOW, number, 0.5)]));
        let params = (0..9_000).map(|number| pair(&format!("p/{number}"), "v"));
        let batch = LogBatch { series: series.collect(), params: params.collect(), ..LogBatch::default() };

        store.log(&OPEN, &run_id, batch.clone()).await.unwrap();
        store.log(&OPEN, &run_id, batch).await.unwrap();

        let run = find_run(&store, &run_id).await;
        assert_eq!((run.metrics.len(), run.params.len()), (1_500, 9_000));
        assert!(run.metrics.iter().all(|metric| metric.point.value == MetricValue::new(0.5)));
    }
}
