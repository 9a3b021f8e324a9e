//! `experiments/search` and `runs/search` through the router: what they find, in which order, page by page.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{self, App, Reply, START_MS, assert_snapshot};

async fn search_experiments(app: &App, mut request: Value) -> Reply {
    if request.get("max_results").is_none() {
        request["max_results"] = json!(100);
    }
    app.post("experiments/search", request).await
}

/// The names of the experiments in an answer.
fn names(reply: &Reply) -> Vec<String> {
    let answer = reply.expect_ok();
    let experiments = answer["experiments"].as_array().cloned().unwrap_or_default();
    experiments.iter().map(|experiment| experiment["name"].as_str().unwrap().to_owned()).collect()
}

/// The names of the experiments that a filter finds, sorted.
async fn found(app: &App, filter: &str) -> Vec<String> {
    let mut found = names(&search_experiments(app, json!({ "filter": filter })).await);
    found.sort();
    found
}

async fn search_runs(app: &App, mut request: Value) -> Reply {
    if request.get("experiment_ids").is_none() {
        request["experiment_ids"] = json!(["0"]);
    }
    app.post("runs/search", request).await
}

/// The names of the runs in an answer.
fn run_names(reply: &Reply) -> Vec<String> {
    let answer = reply.expect_ok();
    let runs = answer["runs"].as_array().cloned().unwrap_or_default();
    runs.iter().map(|run| run["info"]["run_name"].as_str().unwrap().to_owned()).collect()
}

/// The names of the runs that a filter finds, sorted.
async fn found_runs(app: &App, filter: &str) -> Vec<String> {
    let mut found = run_names(&search_runs(app, json!({ "filter": filter })).await);
    found.sort();
    found
}

fn token(reply: &Reply) -> Option<String> {
    reply.json()["next_page_token"].as_str().map(str::to_owned)
}

// ---- Experiments

#[tokio::test]
async fn experiments_are_found_newest_first_by_get_and_by_post() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for (later, name) in [(1, "a"), (3, "b"), (3, "c")] {
            app.set_clock(START_MS + later);
            app.new_experiment(name).await;
        }
        let tag = json!({ "experiment_id": "1", "key": "k", "value": "v" });
        app.post("experiments/set-experiment-tag", tag).await.expect_ok();

        let posted = search_experiments(&app, json!({})).await;
        let got = app.get("experiments/search?max_results=100").await;

        assert_eq!(names(&posted), ["b", "c", "a", "Default"], "newest first, then by id");
        assert_eq!(got.body, posted.body);
        assert_eq!(posted.json()["experiments"][2]["tags"], json!([{ "key": "k", "value": "v" }]));
        assert_eq!(token(&posted), None);
        let two = app.get("experiments/search?max_results=2&order_by=name&order_by=experiment_id+DESC").await;
        assert_eq!(names(&two), ["Default", "a"]);
    }
}

#[tokio::test]
async fn a_view_shows_what_is_in_use_or_in_the_trash_or_all() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let id = app.new_experiment("gone").await;
        app.post("experiments/delete", json!({ "experiment_id": id })).await.expect_ok();
        let view = async |view: Value| names(&search_experiments(&app, json!({ "view_type": view })).await);

        for active in [json!("ACTIVE_ONLY"), json!(1), json!("1"), Value::Null] {
            assert_eq!(view(active).await, ["Default"]);
        }
        for deleted in [json!("DELETED_ONLY"), json!(2)] {
            assert_eq!(view(deleted).await, ["gone"]);
        }
        for all in [json!("ALL"), json!(3)] {
            assert_eq!(view(all).await.len(), 2);
        }
        let camel = app.get("experiments/search?maxResults=5&viewType=DELETED_ONLY").await;
        assert_eq!(names(&camel), ["gone"]);
        assert_eq!(
            search_experiments(&app, json!({ "view_type": "SOME" })).await.invalid(),
            "Invalid value \"SOME\" for parameter 'view_type' supplied. It must be one of ACTIVE_ONLY (1), \
             DELETED_ONLY (2), ALL (3)."
        );
    }
}

#[tokio::test]
async fn filters_of_experiments_mean_the_same_on_every_database() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for (later, name) in
            [(1, "alpha"), (2, "Alpha"), (3, "b_ta"), (4, "b%ta"), (5, "[x]*?"), (6, "Äther"), (7, "it's")]
        {
            app.set_clock(START_MS + later);
            app.new_experiment(name).await;
        }
        for (id, key, value) in [("1", "team", "north"), ("2", "team", "South"), ("3", "a b", "x"), ("4", "team", "")] {
            let tag = json!({ "experiment_id": id, "key": key, "value": value });
            app.post("experiments/set-experiment-tag", tag).await.expect_ok();
        }
        let all = ["Default", "alpha", "Alpha", "b_ta", "b%ta", "[x]*?", "Äther", "it's"];
        let without =
            |left_out: &[&str]| -> Vec<&str> { all.into_iter().filter(|name| !left_out.contains(name)).collect() };

        for (filter, expected) in [
            ("", all.to_vec()),
            ("name = 'alpha'", vec!["alpha"]),
            ("attribute.name = \"it's\"", vec!["it's"]),
            ("attributes.name != 'alpha'", without(&["alpha"])),
            // LIKE tells upper and lower case apart, ILIKE does not.
            ("name LIKE 'al%'", vec!["alpha"]),
            ("name LIKE '%LPHA'", vec![]),
            ("name ILIKE '%LPHA'", vec!["alpha", "Alpha"]),
            ("name LIKE 'b_ta'", vec!["b_ta", "b%ta"]),
            ("name LIKE '_l_h_'", vec!["alpha", "Alpha"]),
            // What another language of patterns would take for its own signs is literal.
            ("name LIKE '[x]*?'", vec!["[x]*?"]),
            ("name LIKE '[%'", vec!["[x]*?"]),
            ("name LIKE '*%'", vec![]),
            ("name LIKE '\\%'", vec![]),
            ("name LIKE 'Ä%'", vec!["Äther"]),
            ("name ILIKE 'äth%'", vec![]),
            ("name ILIKE 'ÄTH%'", vec!["Äther"]),
            ("experiment_id = '1'", vec!["alpha"]),
            ("experiment_id != '1'", without(&["alpha"])),
            ("experiment_id IN ('1', '3', '99')", vec!["alpha", "b_ta"]),
            ("experiment_id NOT IN ('1','3')", without(&["alpha", "b_ta"])),
            ("creation_time > 1000005", vec!["Äther", "it's"]),
            ("creation_time >= 1000005 AND creation_time <= 1000006", vec!["[x]*?", "Äther"]),
            ("creation_time = 1000001 and last_update_time > 1000000", vec!["alpha"]),
            ("creation_time != 1000001 AND creation_time < 1000003", vec!["Default", "Alpha"]),
            ("tags.team = 'north'", vec!["alpha"]),
            ("tag.team != 'north'", vec!["Alpha", "b%ta"]),
            ("tags.team = ''", vec!["b%ta"]),
            ("tags.team LIKE 's%'", vec![]),
            ("tags.team ILIKE 's%'", vec!["Alpha"]),
            ("tags.`a b` = 'x'", vec!["b_ta"]),
            ("tags.team IS NOT NULL", vec!["alpha", "Alpha", "b%ta"]),
            ("tags.team IS NULL", without(&["alpha", "Alpha", "b%ta"])),
            ("tags.never IS NULL AND name = 'alpha'", vec!["alpha"]),
            ("tags.never = 'x'", vec![]),
            // Two clauses on one key both hold.
            ("tags.team = 'north' AND tags.team = 'South'", vec![]),
            ("name LIKE 'a%' AND name LIKE '%a' AND", vec!["alpha"]),
            // What would be SQL is a text like any other.
            ("name = \"' OR 1=1 --\"", vec![]),
            ("tags.`x') OR 1=1 --` = 'x'", vec![]),
            ("name = \"'; DROP TABLE experiment; --\"", vec![]),
        ] {
            let mut expected: Vec<&str> = expected;
            expected.sort();
            assert_eq!(found(&app, filter).await, expected, "{filter}");
        }
        app.still_serving().await;
    }
}

#[tokio::test]
async fn a_filter_or_order_that_means_nothing_is_refused_with_its_place() {
    let duplicate = "`order_by` contains duplicate fields";
    for db in support::databases().await {
        let app = support::app(db).await;

        for (filter, expected) in [
            ("name = 'a' OR name = 'b'", "Invalid clause(s) in filter string: 'OR' (at byte 11:"),
            ("bogus.x = 'a'", "Invalid entity type 'bogus'. Valid values are ['attribute', 'tag'] (at byte 0:"),
            ("nothing = 'a'", "Invalid attribute key 'nothing' specified. Valid keys are '{"),
            ("name > 'a'", "Invalid comparator '>' not one of '{'=', '!=', 'LIKE', 'ILIKE'}'"),
            ("name = a", "Parameter value is either not quoted or unidentified quote types used for string value a."),
            ("name = 5", "Expected a quoted string value for attributes. Got value 5"),
            ("creation_time > 'x'", "Expected numeric value type for numeric attribute: creation_time. Found 'x'"),
            ("creation_time > 1.5", "Invalid value for numeric attribute 'creation_time': '1.5'"),
            ("experiment_id = 'x'", "Invalid experiment ID 'x'. Experiment ID must be a valid integer."),
            ("experiment_id IN ()", "While parsing a list in the query, expected a non-empty list of string values"),
            ("name IN ('a')", "Only ['experiment_id'] attributes support comparison with a list of quoted string"),
            ("name IS NULL", "IS NULL / IS NOT NULL is only supported for tags, not for attribute 'name'"),
            ("name = 'a'; name = 'b'", "Search filter contained multiple expression"),
            ("(name = 'a')", "Invalid clause(s) in filter string: '('"),
            ("name = 'a\0'", "Invalid value for parameter 'filter' supplied: it contains a NUL character at byte 9"),
            (&"name = 'a' AND ".repeat(201), "Invalid filter: it has too many comparisons, at most 200 are allowed."),
            (&"(".repeat(100_000), "Invalid filter: it has 100000 bytes, at most 65536 are allowed."),
            (&format!("name LIKE '{}'", "%a".repeat(10_000)), "Invalid pattern '"),
        ] {
            let text = search_experiments(&app, json!({ "filter": filter })).await.invalid();
            assert!(text.starts_with(expected), "{filter:.100}: {text}");
        }
        for (order, expected) in [
            (json!(["tags.k"]), "Invalid order_by entity: tag"),
            (json!(["bogus"]), "Invalid attribute key 'bogus' specified."),
            (json!(["name SIDEWAYS"]), "Invalid ordering key in order_by clause 'name SIDEWAYS'."),
            (json!(["name ASC; DROP TABLE experiment"]), "Invalid order_by clause 'name ASC; DROP TABLE experiment'."),
            (json!(["name", "attribute.name DESC"]), duplicate),
            (json!(vec!["name"; 101]), "Invalid order_by: 101 keys, at most 100 are allowed."),
            (json!([5]), "Invalid value 5 for parameter 'order_by' supplied:  Hint: Value was of type 'int'."),
        ] {
            let text = search_experiments(&app, json!({ "order_by": order })).await.invalid();
            assert!(text.starts_with(expected), "{order}: {text}");
        }
        app.still_serving().await;
    }
}

#[tokio::test]
async fn the_size_of_a_page_of_experiments_must_be_given_and_be_reasonable() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let positive = |value: i64| {
            format!("Invalid value {value} for parameter 'max_results' supplied. It must be a positive integer")
        };

        assert_eq!(app.post("experiments/search", json!({})).await.invalid(), positive(0));
        assert_eq!(app.get("experiments/search").await.invalid(), positive(0));
        for (size, expected) in [
            (json!(0), positive(0)),
            (json!(-1), positive(-1)),
            (json!("-1"), positive(-1)),
            (
                json!(50_001),
                "Invalid value 50001 for parameter 'max_results' supplied. It must be at most 50000".to_owned(),
            ),
            (
                json!(i64::MAX),
                format!("Invalid value {} for parameter 'max_results' supplied. It must be at most 50000", i64::MAX),
            ),
        ] {
            assert_eq!(search_experiments(&app, json!({ "max_results": size })).await.invalid(), expected);
        }
        assert_eq!(names(&search_experiments(&app, json!({ "max_results": "50000" })).await), ["Default"]);
    }
}

#[tokio::test]
async fn pages_of_experiments_join_to_the_whole_in_every_order() {
    for db in support::databases().await {
        let app = support::app(db).await;
        // Times with ties, names in no order.
        for (place, name) in ["d", "a", "C", "b", "é", "z", "A", "B"].into_iter().enumerate() {
            app.set_clock(START_MS + place as i64 / 3);
            app.new_experiment(name).await;
        }
        for (order, whole) in [
            (json!([]), "A B b é z Default d a C"),
            (json!(["name"]), "A B C Default a b d z é"),
            (json!(["attribute.name DESC"]), "é z d b a Default C B A"),
            (json!(["experiment_id DESC"]), "B A z é b C a d Default"),
            (json!(["creation_time ASC", "name DESC"]), "d a Default C é z b B A"),
            (json!(["creation_time DESC", "name ASC"]), "A B b z é C Default a d"),
            (json!(["last_update_time asc"]), "C a d Default z é b B A"),
        ] {
            let request = json!({ "order_by": order });
            let everything = names(&search_experiments(&app, request.clone()).await);
            assert_eq!(everything.join(" "), whole, "{order}");

            for size in [1, 2, 8] {
                let (mut joined, mut page_token) = (Vec::new(), String::new());
                for _ in 0..=everything.len() {
                    let mut request = request.clone();
                    request["max_results"] = json!(size);
                    request["page_token"] = json!(page_token);
                    let page = search_experiments(&app, request).await;
                    joined.extend(names(&page));
                    match token(&page) {
                        Some(next) => page_token = next,
                        None => break,
                    }
                }
                assert_eq!(joined, everything, "{order} in pages of {size}");
            }
        }
    }
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_search_alone() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for name in ["a", "b", "c"] {
            app.new_experiment(name).await;
        }
        let request = json!({ "max_results": 1, "order_by": ["name"], "filter": "name LIKE '%'" });
        let good = token(&search_experiments(&app, request.clone()).await).unwrap();
        let with = async |changes: Value| {
            let mut request = request.clone();
            request["page_token"] = json!(good);
            request.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            search_experiments(&app, request).await
        };
        // The place alone is changed: a name of another type, one that no text can have, a place of another length.
        let forged = |place: Value| {
            let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
            let mut content: Value = serde_json::from_slice(&bytes).unwrap();
            assert!(content["p"].is_array(), "the place is where this test looks for it");
            content["p"] = place;
            URL_SAFE_NO_PAD.encode(content.to_string())
        };

        with(json!({})).await.expect_ok();
        // The size of a page may change from one to the next.
        with(json!({ "max_results": 2 })).await.expect_ok();
        for changes in [
            json!({ "filter": "name LIKE 'a%'" }),
            json!({ "order_by": ["name DESC"] }),
            json!({ "order_by": [] }),
            json!({ "view_type": "ALL" }),
            json!({ "page_token": "%%" }),
            json!({ "page_token": "bm9uc2Vuc2U" }),
            json!({ "page_token": "x".repeat(100_000) }),
            json!({ "page_token": "\0" }),
            json!({ "page_token": forged(json!([1, 2])) }),
            json!({ "page_token": forged(json!(["a"])) }),
            json!({ "page_token": forged(json!(["a", "b"])) }),
            json!({ "page_token": forged(json!(["a\0", 1])) }),
            json!({ "page_token": forged(json!([null, 1])) }),
            json!({ "page_token": forged(json!(["a", 1, 2])) }),
            json!({ "page_token": forged(json!({})) }),
        ] {
            let text = with(changes.clone()).await.invalid();
            assert!(text.starts_with("Invalid page token"), "{changes:.100}: {text}");
        }
        let number = with(json!({ "page_token": 5 })).await.invalid();
        assert!(number.starts_with("Invalid value 5 for parameter 'page_token'"), "{number}");
        app.still_serving().await;
    }
}

// ---- Runs

/// Runs of the default experiment with params and tags to look for.
async fn some_runs(app: &App) {
    for (start_ms, name, lr) in [(10, "a", "0.1"), (30, "b", "0.2"), (20, "c", "0.1"), (20, "d", "")] {
        let run_id = app.new_run_in("0", name, start_ms).await;
        let batch = json!({ "run_id": run_id, "params": [{ "key": "lr", "value": lr }],
                            "tags": [{ "key": "a b", "value": name }, { "key": "mlflow.user", "value": "ada" }],
                            "metrics": [{ "key": "m", "value": start_ms, "timestamp": 1, "step": 2 }] });
        app.post("runs/log-batch", batch).await.expect_ok();
    }
}

#[tokio::test]
async fn runs_are_found_newest_first_with_all_that_was_logged() {
    for db in support::databases().await {
        let app = support::app(db).await;
        some_runs(&app).await;
        let mut middle: Vec<(String, &str)> = Vec::new();
        for name in ["c", "d"] {
            let reply = search_runs(&app, json!({ "filter": format!("run_name = '{name}'") })).await;
            middle.push((reply.json()["runs"][0]["info"]["run_id"].as_str().unwrap().to_owned(), name));
        }
        middle.sort();

        let reply = search_runs(&app, json!({})).await;

        assert_eq!(run_names(&reply), ["b", middle[0].1, middle[1].1, "a"], "then by id");
        assert_eq!(reply.json().get("next_page_token"), None);
        let one = search_runs(&app, json!({ "filter": "tags.`a b` = 'a'" })).await;
        assert_snapshot!(one, @r#"200 {"runs":[{"data":{"metrics":[{"key":"m","step":2,"timestamp":1,"value":10.0}],"params":[{"key":"lr","value":"0.1"}],"tags":[{"key":"a b","value":"a"},{"key":"mlflow.runName","value":"a"},{"key":"mlflow.user","value":"ada"}]},"info":{"artifact_uri":"mlflow-artifacts:/0/[run]/artifacts","experiment_id":"0","lifecycle_stage":"active","run_id":"[run]","run_name":"a","run_uuid":"[run]","start_time":10,"status":"RUNNING","user_id":""},"inputs":{},"outputs":{}}]}"#);
        let explicit = search_runs(&app, json!({ "order_by": ["attribute.start_time DESC"] })).await;
        assert_eq!(explicit.body, reply.body);
    }
}

#[tokio::test]
async fn runs_are_looked_for_in_the_experiments_and_the_view_that_are_named() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let other = app.new_experiment("other").await;
        for (experiment, name) in [("0", "kept"), ("0", "gone"), (&other, "elsewhere")] {
            let run_id = app.new_run_in(experiment, name, 1).await;
            if name == "gone" {
                app.post("runs/delete", json!({ "run_id": run_id })).await.expect_ok();
            }
        }
        let search = async |request: Value| run_names(&app.post("runs/search", request).await);

        for nothing in [json!({}), json!({ "experiment_ids": [] }), json!({ "experiment_ids": ["99"] })] {
            assert_snapshot!(app.post("runs/search", nothing).await, @"200 {}");
        }
        assert_eq!(search(json!({ "experiment_ids": ["0"] })).await, ["kept"]);
        assert_eq!(search(json!({ "experimentIds": ["0"] })).await, ["kept"]);
        assert_eq!(search(json!({ "experiment_ids": "0" })).await, ["kept"], "one id alone is a list of one");
        assert_eq!(search(json!({ "experiment_ids": ["0", other, "99"] })).await.len(), 2);
        for deleted in [json!("DELETED_ONLY"), json!(2)] {
            assert_eq!(search(json!({ "experiment_ids": ["0"], "run_view_type": deleted })).await, ["gone"]);
        }
        assert_eq!(search(json!({ "experiment_ids": ["0"], "run_view_type": "ALL" })).await.len(), 2);

        // A mistake is told even where nothing would be found.
        for (request, expected) in [
            (json!({ "filter": "nonsense" }), "Invalid attribute key 'nonsense' specified."),
            (json!({ "order_by": ["dataset.name"] }), "Invalid identifier type 'dataset'"),
            (json!({ "experiment_ids": ["x"] }), "Invalid experiment ID 'x'. Experiment ID must be a valid integer."),
            (json!({ "experiment_ids": [0] }), "Invalid value 0 for parameter 'experiment_ids' supplied:"),
            (
                json!({ "run_view_type": "SOME" }),
                "Invalid value \"SOME\" for parameter 'run_view_type' supplied. It must be",
            ),
            (
                json!({ "experiment_ids": vec!["1"; 16_385] }),
                "'experiment_ids' has 16385 items; at most 16384 are allowed",
            ),
        ] {
            let text = app.post("runs/search", request).await.invalid();
            assert!(text.starts_with(expected), "{text}");
        }
        app.still_serving().await;
    }
}

#[tokio::test]
async fn runs_are_found_by_what_equals_their_params_tags_and_attributes() {
    for db in support::databases().await {
        let app = support::app(db).await;
        some_runs(&app).await;
        let special = json!({ "experiment_id": "0", "run_name": "e", "start_time": 40, "user_id": "grace" });
        let created = app.post("runs/create", special).await.expect_ok();
        let info = &created["run"]["info"];
        let (run_id, uri) = (info["run_id"].as_str().unwrap(), info["artifact_uri"].as_str().unwrap());
        app.post("runs/update", json!({ "run_id": run_id, "status": "FAILED", "end_time": 99 })).await.expect_ok();
        // Values that are alike in the part that an index holds.
        let long = |end: &str| format!("{}{end}", "é".repeat(300));
        for (key, end) in [("long", "1"), ("half", "")] {
            let param = json!({ "run_id": run_id, "key": key, "value": long(end) });
            app.post("runs/log-parameter", param).await.expect_ok();
        }

        for (filter, expected) in [
            ("params.lr = '0.1'".to_owned(), vec!["a", "c"]),
            ("param.`lr` = \"0.2\"".to_owned(), vec!["b"]),
            ("parameters.lr = ''".to_owned(), vec!["d"]),
            ("params.LR = '0.1'".to_owned(), vec![]),
            ("params.lr = '0.10'".to_owned(), vec![]),
            ("params.never = 'x'".to_owned(), vec![]),
            (format!("params.long = '{}'", long("1")), vec!["e"]),
            (format!("params.long = '{}'", long("2")), vec![]),
            (format!("params.long = '{}'", long("")), vec![]),
            (format!("params.half = '{}'", long("")), vec!["e"]),
            ("tags.`a b` = 'b'".to_owned(), vec!["b"]),
            ("tag.mlflow.user = 'ada' AND params.lr = '0.1'".to_owned(), vec!["a", "c"]),
            ("params.lr = '0.1' AND params.lr = '0.2'".to_owned(), vec![]),
            ("attribute.run_name = 'c'".to_owned(), vec!["c"]),
            ("run.`run name` = 'c'".to_owned(), vec!["c"]),
            ("status = 'FAILED'".to_owned(), vec!["e"]),
            ("status = 'failed'".to_owned(), vec![]),
            ("attr.user_id = 'grace'".to_owned(), vec!["e"]),
            (format!("run_id = '{run_id}'"), vec!["e"]),
            (format!("attributes.artifact_uri = '{uri}'"), vec!["e"]),
            ("start_time = 20".to_owned(), vec!["c", "d"]),
            ("end_time = 99".to_owned(), vec!["e"]),
            ("params.lr = \"' OR 1=1 --\"".to_owned(), vec![]),
        ] {
            assert_eq!(found_runs(&app, &filter).await, expected, "{filter:.80}");
        }
        // The name of a run is compared by its tag.
        app.post("runs/delete-tag", json!({ "run_id": run_id, "key": "mlflow.runName" })).await.expect_ok();
        assert_eq!(found_runs(&app, "run_name = 'e'").await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_wrong_filter_is_refused_with_the_text_of_the_reference() {
    for db in support::databases().await {
        let app = support::app(db).await;
        some_runs(&app).await;

        for (filter, expected) in [
            ("params.lr = 1", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"),
            ("params.lr = x", "Parameter value is either not quoted or unidentified quote types"),
            ("params.lr > 'x'", "Invalid comparator '>' not one of '{"),
            (
                "bogus.x = 'x'",
                "Invalid entity type 'bogus'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
            ),
            ("x = 'y'", "Invalid attribute key 'x' specified. Valid keys are '{"),
            ("dataset.foo = 'x'", "Invalid dataset key 'foo' specified."),
            (
                "status IN ('RUNNING')",
                "Only ['run_id'] attributes support comparison with a list of quoted string values.",
            ),
            (
                "end_time IS NULL",
                "IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' 'end_time'",
            ),
            ("metrics.m > 'a'", "Expected numeric value type for metric. Found 'a'"),
            ("params.lr = '\0'", "Invalid value for parameter 'filter' supplied: it contains a NUL character"),
        ] {
            let text = search_runs(&app, json!({ "filter": filter })).await.invalid();
            assert!(text.starts_with(expected), "{filter}: {text}");
        }
        app.still_serving().await;
    }
}

#[tokio::test]
async fn pages_of_runs_stay_right_while_runs_are_added_and_deleted() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let mut ids = Vec::new();
        // Many runs that started together: the ids decide.
        for number in 0..25 {
            ids.push(app.new_run_in("0", &format!("run {number}"), number / 10).await);
        }
        let whole = run_names(&search_runs(&app, json!({})).await);

        let (mut joined, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = search_runs(&app, json!({ "max_results": 10, "page_token": page_token })).await;
            joined.extend(run_names(&page));
            pages += 1;
            // Newer than all: they belong before the first page.
            for late in 0..3 {
                app.new_run_in("0", &format!("late {pages} {late}"), 1_000 + late).await;
            }
            // One that was seen goes.
            let last = page.json()["runs"].as_array().unwrap().last().unwrap()["info"]["run_id"].clone();
            app.post("runs/delete", json!({ "run_id": last })).await.expect_ok();
            match token(&page) {
                Some(next) => page_token = next,
                None => break,
            }
        }

        assert_eq!(pages, 3);
        assert_eq!(joined, whole);
        assert_eq!(joined.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }
}

#[tokio::test]
async fn a_page_longer_than_one_part_of_the_answer_comes_whole() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for number in 0..203 {
            app.new_run_in("0", &format!("run {number}"), number).await;
        }

        let expected: Vec<String> = (0..203).rev().map(|number| format!("run {number}")).collect();
        assert_eq!(run_names(&search_runs(&app, json!({})).await), expected);
        let page = search_runs(&app, json!({ "max_results": 202 })).await;
        assert_eq!(run_names(&page), expected[..202]);
        let rest = search_runs(&app, json!({ "max_results": 202, "page_token": token(&page) })).await;
        assert_eq!((run_names(&rest), token(&rest)), (vec!["run 0".to_owned()], None));
    }
}

#[tokio::test]
async fn the_size_of_a_page_and_its_token_are_checked() {
    for db in support::databases().await {
        let app = support::app(db).await;
        some_runs(&app).await;
        let good = token(&search_runs(&app, json!({ "max_results": 1 })).await).unwrap();

        for (size, expected) in [
            (json!(0), "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"),
            (json!("-7"), "Invalid value -7 for parameter 'max_results' supplied. It must be a positive integer"),
            (
                json!(50_001),
                "Invalid value 50001 for parameter 'max_results' supplied:  Hint: Value was of type 'int'.",
            ),
            (json!(1.5), "Invalid value 1.5 for parameter 'max_results' supplied:  Hint: Value was of type 'float'."),
            (json!(1e300), "Invalid value 1e+300 for parameter 'max_results' supplied:  Hint"),
            (
                json!("many"),
                "Invalid value \"many\" for parameter 'max_results' supplied:  Hint: Value was of type 'str'.",
            ),
        ] {
            let text = search_runs(&app, json!({ "max_results": size })).await.invalid();
            assert!(text.starts_with(expected), "{text}");
        }
        assert_eq!(run_names(&search_runs(&app, json!({ "max_results": 50_000 })).await).len(), 4);
        for request in [
            json!({ "page_token": "!!" }),
            json!({ "page_token": "eyJvZmZzZXQiOiAxfQ==" }),
            json!({ "page_token": good, "filter": "params.lr = '0.1'" }),
            json!({ "page_token": good, "run_view_type": "ALL" }),
            json!({ "page_token": good, "experiment_ids": ["0", "1"] }),
            json!({ "page_token": good, "order_by": ["start_time DESC"] }),
        ] {
            let text = search_runs(&app, request).await.invalid();
            assert!(text.starts_with("Invalid page token"), "{text}");
        }
        assert_eq!(run_names(&search_runs(&app, json!({ "page_token": good })).await).len(), 3);
        app.still_serving().await;
    }
}
