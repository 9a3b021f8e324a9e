use super::*;
use crate::model::Dataset;

/// The text with which something was refused.
fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Invalid(text)) => text,
        other => panic!("not refused as invalid: {other:?}"),
    }
}

const ALONE: Place = Place::Alone;

#[test]
fn an_experiment_name_has_1_to_500_characters_of_any_kind_but_nul() {
    assert!(experiment_name("a\tb / 'c' é").is_ok());
    assert!(experiment_name(&"é".repeat(500)).is_ok());

    assert_eq!(refusal(experiment_name(&"é".repeat(501))), "'name' exceeds the maximum length of 500 characters");
    assert_eq!(refusal(experiment_name(" \t")), "Invalid experiment name: ' \t'. It must not be blank.");
    assert!(refusal(experiment_name("a\0")).contains("'name' supplied: it contains a NUL character at byte 1"));
}

#[test]
fn an_experiment_id_is_an_integer() {
    assert_eq!(experiment_id("17").unwrap(), 17);

    for id in ["abc", "", "1.0", "99999999999999999999"] {
        assert_eq!(
            refusal(experiment_id(id)),
            format!("Invalid experiment ID '{id}'. Experiment ID must be a valid integer.")
        );
    }
}

#[test]
fn an_artifact_location_is_any_uri_without_fragment_params_or_dots_in_its_query() {
    for location in ["s3://b/p?x=1", "relative/path", "/abs/a;b/c", "mlflow-artifacts:/x", "s3://b/p?a=%2e&b=100%25"] {
        assert!(artifact_location(location).is_ok(), "{location}");
    }
    assert!(artifact_location(&"a".repeat(2048)).is_ok());

    for location in ["s3://b/p#x", "path/to;x", "s3://b/p?x=1#y"] {
        assert_eq!(refusal(artifact_location(location)), "'artifact_location' URL can't include fragments or params.");
    }
    for query in ["..", "a=../b", "%2e%2e", "%252e.", ".%25252E"] {
        let location = format!("s3://b/p?{query}");
        assert!(refusal(artifact_location(&location)).starts_with("Invalid query string"), "{location}");
    }
    assert!(refusal(artifact_location("runs:/x/y")).starts_with("Artifact location cannot be a runs:/ URI."));
    assert!(refusal(artifact_location(&"a".repeat(2049))).contains("greater than 2048 characters"));
    assert!(refusal(artifact_location("a\0")).contains("contains a NUL character"));
}

#[test]
fn a_query_that_is_encoded_over_and_over_is_refused() {
    let location = format!("s3://b/p?%{}2e.", "25".repeat(20));

    assert!(refusal(artifact_location(&location)).starts_with("Invalid query string"));
}

#[test]
fn a_location_after_many_question_marks_is_judged_by_its_first() {
    assert!(refusal(artifact_location("s3://b/p?a?..")).starts_with("Invalid query string"));
}

#[test]
fn names_of_the_first_users_pass() {
    for key in
        ["val_WeightedMSELoss/var_001/1", "config.training.x.0.attrs.b", "lr-Adam", "a b:c", "größe", "a..b", "a/..b"]
    {
        assert!(metric_key(ALONE, key).is_ok(), "{key}");
        assert!(param_key(ALONE, key).is_ok(), "{key}");
        assert!(tag_key(ALONE, key).is_ok(), "{key}");
    }
}

#[test]
fn a_name_with_another_character_is_refused() {
    assert_eq!(
        refusal(metric_key(ALONE, "bad$")),
        "Invalid value \"bad$\" for parameter 'name' supplied: Names may only contain alphanumerics, underscores (_), \
         dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
    );
    for key in ["a\nb", "a\0", "a\t", "x'y", "é$", "a\\b"] {
        assert!(refusal(tag_key(ALONE, key)).contains("Names may only contain"), "{key:?}");
    }
}

#[test]
fn a_name_that_is_another_path_is_refused_with_that_path() {
    assert_eq!(
        refusal(metric_key(ALONE, "a//b")),
        "Invalid value \"a//b\" for parameter 'name' supplied: Names may be treated as files in certain cases, and must \
         not resolve to other names when treated as such. This name would resolve to 'a/b'"
    );
    let resolved = [
        ("", "."),
        (".", "."),
        ("..", ".."),
        ("..a", "..a"),
        ("../a", "../a"),
        ("/a", "/a"),
        ("//a", "//a"),
        ("///a", "/a"),
        ("/..", "/"),
        ("a/", "a"),
        ("./a", "a"),
        ("a/./b", "a/b"),
        ("a/../b", "b"),
        ("a/..", "."),
        ("a/../..", ".."),
        ("../../a", "../../a"),
        ("ü//ü", "ü/ü"),
    ];
    for (name, path) in resolved {
        let text = refusal(param_key(ALONE, name));

        assert!(text.ends_with(&format!("would resolve to '{path}'")), "{name}: {text}");
    }
}

#[test]
fn an_error_names_the_item_of_a_list_of_several() {
    assert!(refusal(metric_key(Place::in_list("metrics", 3, 4), "$")).contains("parameter 'metrics[3].name'"));
    assert!(refusal(param_key(Place::in_list("params", 1, 2), "$")).contains("parameter 'params[1].key'"));
    assert!(refusal(tag_key(Place::in_list("tags", 0, 2), "$")).contains("parameter 'tags[0].key'"));
    assert!(refusal(tag_key(Place::in_list("tags", 0, 1), "$")).contains("parameter 'key'"));
}

#[test]
fn keys_have_at_most_250_characters() {
    let (longest, too_long) = ("é".repeat(250), "é".repeat(251));

    assert!(
        metric_key(ALONE, &longest).is_ok() && param_key(ALONE, &longest).is_ok() && tag_key(ALONE, &longest).is_ok()
    );

    assert_eq!(refusal(metric_key(ALONE, &too_long)), "'Metric name' exceeds the maximum length of 250 characters");
    assert_eq!(refusal(param_key(ALONE, &too_long)), "'Param key' exceeds the maximum length of 250 characters");
    assert_eq!(refusal(tag_key(ALONE, &too_long)), "'key' exceeds the maximum length of 250 characters");
    assert_eq!(
        refusal(tag_key(Place::in_list("tags", 2, 3), &too_long)),
        "'tags[2].key' exceeds the maximum length of 250 characters"
    );
}

#[test]
fn a_long_param_value_is_cut_to_6000_characters_or_refused() {
    let (longest, too_long) = ("é".repeat(6000), "é".repeat(6001));

    assert_eq!(param_value(ALONE, &longest, LongValues::Refuse).unwrap(), longest);
    assert_eq!(param_value(ALONE, &too_long, LongValues::Cut).unwrap(), longest);
    assert_eq!(
        refusal(param_value(ALONE, &too_long, LongValues::Refuse)),
        "'Param value' exceeds the maximum length of 6000 characters"
    );
}

#[test]
fn a_long_tag_value_is_cut_to_8000_characters_or_refused() {
    let (longest, too_long) = ("é".repeat(8000), "é".repeat(8001));

    assert_eq!(tag_value(ALONE, &longest, LongValues::Refuse).unwrap(), longest);
    assert_eq!(tag_value(ALONE, &too_long, LongValues::Cut).unwrap(), longest);
    assert_eq!(
        refusal(tag_value(Place::in_list("tags", 1, 2), &too_long, LongValues::Refuse)),
        "'tags[1].value' exceeds the maximum length of 8000 characters"
    );
}

#[test]
fn a_long_value_of_an_experiment_tag_is_never_cut() {
    assert!(experiment_tag_value(&"é".repeat(20_000)).is_ok());
    assert_eq!(
        refusal(experiment_tag_value(&"é".repeat(20_001))),
        "'value' exceeds the maximum length of 20000 characters"
    );
}

#[test]
fn values_with_a_nul_character_are_refused() {
    assert_eq!(
        refusal(param_value(Place::in_list("params", 1, 2), "ab\0", LongValues::Cut)),
        "Invalid value for parameter 'params[1].value' supplied: it contains a NUL character at byte 2, which cannot be \
         stored."
    );
    assert!(refusal(tag_value(ALONE, "\0", LongValues::Cut)).contains("contains a NUL character"));
    assert!(refusal(experiment_tag_value("\0")).contains("contains a NUL character"));
}

#[test]
fn a_timestamp_is_not_negative() {
    assert!(timestamp(ALONE, "a", 1.0, 0).is_ok());
    assert_eq!(
        refusal(timestamp(Place::in_list("metrics", 0, 2), "a", 1.0, -1)),
        "Invalid value -1 for parameter 'metrics[0].timestamp' supplied: metric 'a' (value=1.0). Timestamp must be a \
         nonnegative long (64-bit integer)"
    );
}

#[test]
fn a_run_id_is_up_to_256_letters_digits_underscores_and_dashes() {
    for id in ["0123456789abcdef0123456789abcdef", "A-b_9", &"a".repeat(256)] {
        assert!(run_id_form(id).is_ok(), "{id}");
    }

    assert_eq!(refusal(run_id_form("nope!")), "Invalid value \"nope!\" for parameter 'run_id' supplied.");
    for id in ["", "-a", "_a", "a b", "é", "a\n", &"a".repeat(257)] {
        assert!(refusal(run_id_form(id)).ends_with("for parameter 'run_id' supplied."), "{id}");
    }
}

#[test]
fn a_run_is_named_by_field_or_tag_but_not_by_both_differently() {
    assert_eq!(run_name(Some("x"), None).unwrap(), Some("x"));
    assert_eq!(run_name(Some(""), Some("y")).unwrap(), Some("y"));
    assert_eq!(run_name(Some("x"), Some("x")).unwrap(), Some("x"));
    assert_eq!(run_name(None, Some("")).unwrap(), None);
    assert_eq!(
        refusal(run_name(Some("x"), Some("y"))),
        "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='x', \
         mlflow.runName='y')."
    );
}

#[test]
fn a_batch_has_limits_for_each_kind_and_for_all_together() {
    assert!(batch_size(1000, 0, 0).is_ok());
    assert!(batch_size(800, 100, 100).is_ok());

    assert_eq!(
        refusal(batch_size(0, 101, 0)),
        "A batch logging request can contain at most 100 params. Got 101 params. Please split up params across \
         multiple requests and try again."
    );
    assert!(refusal(batch_size(1001, 0, 0)).contains("at most 1000 metrics. Got 1001 metrics."));
    assert!(refusal(batch_size(0, 0, 101)).contains("at most 100 tags. Got 101 tags."));
    assert!(refusal(batch_size(900, 100, 1)).contains(
        "at most 1000 metrics, params, and tags. Got 1001 metrics, params, and tags. Please split up \
                       metrics, params, and tags across"
    ));
}

#[test]
fn repeated_param_keys_are_listed_as_python_does() {
    assert!(unique_param_keys(["a", "b", "A"]).is_ok());
    assert_eq!(
        refusal(unique_param_keys(["q", "q", "z", "a b", "a b", "q"])),
        "Duplicate parameter keys have been submitted: ['q', 'a b', 'q']. Please ensure the request contains only one \
         param value per param key."
    );
}

fn dataset_of(change: impl Fn(&mut DatasetInput)) -> DatasetInput {
    let dataset = Dataset {
        name: "n".repeat(500),
        digest: "d".repeat(36),
        source_type: "local".to_owned(),
        source: "s".repeat(65_535),
        schema: Some("c".repeat(1_048_575)),
        profile: None,
    };
    let tags = vec![KeyValue { key: "k".repeat(255), value: "v".repeat(500) }];
    let mut input = DatasetInput { dataset, tags };
    change(&mut input);
    input
}

#[test]
fn a_dataset_is_limited_in_every_field_and_the_error_names_which_of_them() {
    type Change = fn(&mut DatasetInput);
    let changes: [(&str, usize, Change); 7] = [
        ("name", 500, |input| input.dataset.name.push('x')),
        ("digest", 36, |input| input.dataset.digest.push('x')),
        ("source", 65_535, |input| input.dataset.source.push('x')),
        ("schema", 1_048_575, |input| input.dataset.schema = Some("c".repeat(1_048_576))),
        ("profile", 16_777_215, |input| input.dataset.profile = Some("p".repeat(16_777_216))),
        ("key", 255, |input| input.tags[0].key.push('x')),
        ("value", 500, |input| input.tags[0].value.push('x')),
    ];
    assert!(dataset_inputs(&[dataset_of(|_| {})]).is_ok());

    for (field, limit, change) in changes {
        assert_eq!(
            refusal(dataset_inputs(&[dataset_of(|_| {}), dataset_of(change)])),
            format!("'{field}' exceeds the maximum length of {limit} characters (in datasets[1])")
        );
    }
    assert!(
        refusal(dataset_inputs(&[dataset_of(|input| input.dataset.source_type.push('\0'))]))
            .contains("'source_type' supplied: it contains a NUL character")
    );
}

#[test]
fn a_request_has_at_most_1000_datasets() {
    let dataset = Dataset {
        name: "n".to_owned(),
        digest: "d".to_owned(),
        source_type: String::new(),
        source: String::new(),
        schema: None,
        profile: None,
    };
    let inputs = vec![DatasetInput { dataset, tags: Vec::new() }; 1001];

    assert!(dataset_inputs(&inputs[..1000]).is_ok());
    assert!(refusal(dataset_inputs(&inputs)).contains("at most 1000 datasets. Got 1001 datasets."));
}

#[test]
fn searches_for_experiments_need_a_page_size_up_to_50000() {
    assert_eq!(experiment_results(Some(50_000)).unwrap(), 50_000);
    assert_eq!(
        refusal(experiment_results(None)),
        "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"
    );
    assert_eq!(
        refusal(experiment_results(Some(50_001))),
        "Invalid value 50001 for parameter 'max_results' supplied. It must be at most 50000"
    );
}

#[test]
fn searches_for_runs_have_pages_of_1000_unless_told() {
    assert_eq!(run_results(None).unwrap(), 1000);
    assert_eq!(run_results(Some(50_000)).unwrap(), 50_000);
    assert_eq!(
        refusal(run_results(Some(0))),
        "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"
    );
    assert!(refusal(run_results(Some(50_001))).starts_with(
        "Invalid value 50001 for parameter 'max_results' supplied:  Hint: Value was of type 'int'. See the API \
             docs for more information about request parameters."
    ));
}

#[test]
fn a_history_without_page_size_is_whole() {
    assert_eq!(history_results(None).unwrap(), None);
    assert_eq!(history_results(Some(25_000)).unwrap(), Some(25_000));
    assert_eq!(
        refusal(history_results(Some(0))),
        "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer."
    );
}

#[test]
fn histories_of_several_runs_are_capped() {
    assert_eq!(bulk_results(None).unwrap(), 25_000);
    assert_eq!(bulk_results(Some(i64::MAX)).unwrap(), 25_000);
    assert_eq!(bulk_results(Some(0)).unwrap(), 0);
    assert!(refusal(bulk_results(Some(-1))).starts_with("Invalid value -1 for parameter 'max_results' supplied."));
    assert!(bulk_runs(1).is_ok() && bulk_runs(100).is_ok());
    assert_eq!(refusal(bulk_runs(0)), "GetMetricHistoryBulk request must specify at least one run_id.");
    assert_eq!(
        refusal(bulk_runs(101)),
        "GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received 101 run_ids."
    );
    assert_eq!(bulk_metric_key(Some("m")).unwrap(), "m");
    assert_eq!(refusal(bulk_metric_key(None)), "GetMetricHistoryBulk request must specify a metric_key.");
}

#[test]
fn samples_of_histories_are_limited() {
    assert_eq!(interval_results(None).unwrap(), 2500);
    for max_results in [0, 2501, -1] {
        assert!(refusal(interval_results(Some(max_results))).starts_with("max_results must be between 1 and 2500."));
    }
    assert!(interval_runs(100).is_ok());
    assert_eq!(
        refusal(interval_runs(0)),
        "Missing value for required parameter 'run_ids'. See the API docs for more information about request parameters."
    );
    assert!(
        refusal(interval_runs(101)).starts_with(
            "GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received 101 run_ids."
        )
    );
}

#[test]
fn a_step_interval_has_two_ends_in_order() {
    assert_eq!(step_interval(None, None).unwrap(), None);
    assert_eq!(step_interval(Some(-5), Some(-5)).unwrap(), Some(-5..=-5));
    assert_eq!(
        refusal(step_interval(Some(1), None)),
        "If either start step or end step are specified, both must be specified."
    );
    assert_eq!(
        refusal(step_interval(Some(2), Some(1))),
        "end_step must be greater than start_step. Found start_step=2 and end_step=1."
    );
}

#[test]
fn datasets_of_1_to_20_experiments_can_be_searched() {
    assert!(dataset_search_experiments(20).is_ok());
    assert!(refusal(dataset_search_experiments(0)).contains("at least one experiment_id"));
    assert!(refusal(dataset_search_experiments(21)).contains("more than 20 experiment_ids. Received 21"));
}
