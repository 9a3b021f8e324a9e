//! `experiments/search`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::token;
use crate::support::{self, App, Reply, START_MS};

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
