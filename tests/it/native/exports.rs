//! `export/rows`: whole tables as CSV.

use serde_json::{Value, json};

use super::{get, log_metric, log_param, post, rows, set_tag};
use crate::support::{self, App, Reply};

/// The records of an answer, which has no quoted line ends.
#[track_caller]
fn records(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"runs.csv\"");
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    text.strip_suffix("\r\n").unwrap().split("\r\n").map(str::to_owned).collect()
}

async fn export(app: &App, request: Value) -> Vec<String> {
    records(&post(app, "export/rows", request).await)
}

#[tokio::test]
async fn a_table_is_exported_whole_with_whole_values_that_are_no_formulas() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let long = format!("=1+{}", "é".repeat(3_000));
        let (first, second) = (app.new_run_in("0", "a,\"b\"", 1).await, app.new_run_in("0", "-x", 2).await);
        log_param(&app, &first, "p", &long).await;
        log_param(&app, &second, "p", "-1e-4").await;
        log_metric(&app, &first, "m", "NaN").await;
        log_metric(&app, &second, "m", 0.1).await;
        log_metric(&app, &second, "-inf", "-Infinity").await;
        set_tag(&app, &second, "t", "=HYPERLINK(\"http://x\")").await;
        let third = app.new_run_in("0", "gone", 3).await;
        app.post("runs/delete", json!({ "run_id": third })).await.expect_ok();

        let columns = [
            "attribute.run_name",
            "params.p",
            "metrics.m",
            "metrics.\"-inf\"",
            "tags.t",
            "start_time",
            "end_time",
            "status",
        ];
        let found =
            export(&app, json!({ "experiment_ids": ["0"], "columns": columns, "order_by": ["start_time"] })).await;

        assert_eq!(
            found,
            [
                "run_id,experiment_id,lifecycle_stage,attribute.run_name,params.p,metrics.m,metrics.-inf,tags.t,\
                 attribute.start_time,attribute.end_time,attribute.status"
                    .to_owned(),
                format!("{first},0,active,\"a,\"\"b\"\"\",'{long},NaN,,,1,,RUNNING"),
                format!("{second},0,active,'-x,-1e-4,0.1,-Infinity,\"'=HYPERLINK(\"\"http://x\"\")\",2,,RUNNING"),
            ]
        );
        let all = "export/rows?experiment_ids=0&run_view_type=ALL&order_by=start_time&columns=metrics.m";
        assert_eq!(records(&get(&app, all).await)[3], format!("{third},0,deleted,"));
        let matching = "export/rows?experiment_ids=0&filter=params.p%20LIKE%20'-%25'";
        assert_eq!(records(&get(&app, matching).await)[1..], [format!("{second},0,active")]);
        for nothing in
            ["export/rows", "export/rows?experiment_ids=77", "export/rows?experiment_ids=0&filter=params.p%3D'x'"]
        {
            assert_eq!(records(&get(&app, nothing).await), ["run_id,experiment_id,lifecycle_stage"], "{nothing}");
        }
    }
}

#[tokio::test]
async fn a_long_table_is_exported_in_the_order_of_the_pages() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for number in 0..60 {
            let run_id = app.new_run_in("0", &format!("run {number}"), number % 7).await;
            if number % 3 > 0 {
                log_metric(&app, &run_id, "m", number % 5).await;
            }
            log_param(&app, &run_id, "wide", &"x".repeat(6_000)).await;
        }
        let wide: Vec<String> = (0..500).map(|_| "params.wide".to_owned()).collect();
        let asked =
            |columns: &[String]| json!({ "experiment_ids": ["0"], "columns": columns, "order_by": ["metrics.m DESC"] });

        let found = export(&app, asked(&["metrics.m".to_owned()])).await;

        let mut table = asked(&["metrics.m".to_owned()]);
        table["limit"] = 100.into();
        let table = rows(&app, table).await;
        let ids: Vec<&str> = table["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect();
        let exported: Vec<&str> = found[1..].iter().map(|record| record.split(',').next().unwrap()).collect();
        assert_eq!(exported, ids);
        // Five hundred times 6,000 characters a row: parts of one row.
        let few = json!({ "experiment_ids": ["0"], "columns": wide, "filter": "metrics.m = 4" });
        let found = export(&app, few).await;
        assert_eq!(found.len(), 1 + 8);
        assert!(found[1..].iter().all(|record| record.len() == 32 + ",0,active".len() + 500 * 6_001));
    }
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_before_anything_is_sent() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let refusal = async |request: Value| post(&app, "export/rows", request).await.invalid();

        assert!(refusal(json!({ "experiment_ids": ["x"] })).await.contains("experiment ID 'x'"));
        assert!(refusal(json!({ "filter": "metrics.a ~ 1" })).await.contains("'~'"));
        assert!(refusal(json!({ "order_by": ["nothing.x"] })).await.contains("nothing"));
        assert!(refusal(json!({ "columns": ["metrics"] })).await.contains("metrics"));
        assert!(refusal(json!({ "run_view_type": "SOME" })).await.contains("'run_view_type'"));
        let many = vec!["metrics.a"; 2_001];
        assert_eq!(refusal(json!({ "columns": many })).await, "'columns' has 2001 items; at most 2000 are allowed");
    }
}
