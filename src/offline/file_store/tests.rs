//! Stores written by hand, as MLflow writes them and as nobody should.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Instant;

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::PATIENCE;
use crate::model::{Lifecycle, MetricValue, Point, RunStatus};
use crate::offline::{Found, OfflineRun, Problem, RunPlace, Source};

const RUN: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

pub(super) struct Store {
    directory: TempDir,
}

impl Store {
    /// A store with one experiment and one run in it.
    pub(super) fn with_run() -> Store {
        let store = Store { directory: tempfile::tempdir().unwrap() };
        store.experiment("1", "ex");
        store.run("1", RUN, "status: 1\nstart_time: 1700000000000\nend_time: null\n");
        store
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn write(&self, below: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    fn experiment(&self, place: &str, name: &str) {
        self.write(
            &format!("{place}/meta.yaml"),
            format!("experiment_id: '{place}'\nlifecycle_stage: active\nname: {name}\n"),
        );
    }

    fn run(&self, experiment: &str, id: &str, more: &str) {
        let above = experiment.rsplit('/').next().unwrap();
        let meta = format!("experiment_id: '{above}'\nlifecycle_stage: active\nrun_id: {id}\nrun_name: a run\n{more}");
        self.write(&format!("{experiment}/{id}/meta.yaml"), meta);
        for folder in ["params", "metrics", "tags", "artifacts"] {
            fs::create_dir_all(self.path(&format!("{experiment}/{id}/{folder}"))).unwrap();
        }
    }

    /// The path of something in the run.
    pub(super) fn in_run(&self, below: &str) -> PathBuf {
        self.path(&format!("1/{RUN}/{below}"))
    }

    pub(super) fn write_in_run(&self, below: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        self.write(&format!("1/{RUN}/{below}"), contents)
    }

    async fn open(&self) -> Source {
        Source::open(self.directory.path(), None, Path::new("/nonexistent")).await.unwrap()
    }

    async fn found(&self) -> Found {
        self.open().await.find_runs().await.unwrap()
    }

    /// The only run.
    async fn place(&self) -> RunPlace {
        let mut found = self.found().await;
        assert_eq!(found.problems, []);
        assert_eq!(found.runs.len(), 1);
        found.runs.remove(0)
    }

    async fn read(&self) -> OfflineRun {
        self.open().await.read(&self.place().await).await.unwrap()
    }

    async fn mark(&self) -> String {
        self.open().await.look(&self.place().await).await.unwrap().mark
    }

    /// The points of metric `m` with these lines, as (timestamp, step, value), and the problems.
    async fn points(&self, lines: impl AsRef<[u8]>) -> (Vec<(i64, i64, f64)>, Vec<String>) {
        self.write_in_run("metrics/m", lines);
        let series = self.open().await.series(&self.place().await, "m").await.unwrap();
        let points = series.points.iter().map(|it| (it.timestamp_ms, it.step, it.value.get())).collect();
        (points, series.problems.into_iter().map(|problem| problem.why).collect())
    }
}

fn texts(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| format!("{}: {}", problem.what, problem.why)).collect()
}

fn make_pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[tokio::test]
async fn a_run_is_read_as_it_was_logged() {
    let store = Store::with_run();
    store.write("1/meta.yaml", "experiment_id: '1'\nname: 'a: b # c ''quoted'' long long\n  folded'\n");
    store.run("1", RUN, "status: 3\nstart_time: 1700000000000\nend_time: 1700000009000\nuser_id: '0123'\n");
    store.write_in_run("params/config.training.lr", "0.5");
    store.write_in_run("params/empty", "");
    store.write_in_run("params/nested/deeply/key", " two\r\nlines\n");
    store.write_in_run("tags/mlflow.parentRunId", OTHER);
    store.write_in_run("metrics/val/loss", "1700000001000 0.25 1\n");
    store.write_in_run("metrics/a b", "1700000001000 0.25 1\n");
    store.write_in_run("artifacts/plots/a + (b).png", "12345");
    store.write_in_run("artifacts/empty", "");

    let (source, place) = (store.open().await, store.place().await);
    let run = source.read(&place).await.unwrap();
    let files = source.files(&place).await.unwrap();

    assert_eq!(run.experiment, "a: b # c 'quoted' long long folded");
    assert_eq!((run.name.as_str(), run.user_id.as_str()), ("a run", "0123"));
    assert_eq!((run.status, run.lifecycle), (RunStatus::Finished, Lifecycle::Active));
    assert_eq!((run.start_ms, run.end_ms), (1_700_000_000_000, Some(1_700_000_009_000)));
    let params: Vec<(&str, &str)> = run.params.iter().map(|it| (it.key.as_str(), it.value.as_str())).collect();
    let expected = [("config.training.lr", "0.5"), ("empty", ""), ("nested/deeply/key", " two\r\nlines\n")];
    assert_eq!(params, expected);
    assert_eq!((run.tags[0].key.as_str(), run.tags[0].value.as_str()), ("mlflow.parentRunId", OTHER));
    assert_eq!(run.metrics, ["a b", "val/loss"]);
    assert_eq!((run.problems.len(), run.left_out.len()), (0, 0));
    let listed: Vec<(&str, u64)> = files.files.iter().map(|it| (it.path.as_str(), it.size_bytes)).collect();
    assert_eq!(listed, [("empty", 0), ("plots/a + (b).png", 5)]);
    let mut contents = String::new();
    let file = source.open_file(&place, "plots/a + (b).png").await.unwrap();
    file.unwrap().read_to_string(&mut contents).unwrap();
    assert_eq!(contents, "12345");
    assert!(source.open_file(&place, "plots/gone").await.unwrap().is_none());
}

#[tokio::test]
async fn runs_of_old_and_new_versions_are_understood() {
    let store = Store::with_run();
    store.write_in_run(
        "meta.yaml",
        format!("name: ''\nrun_uuid: {RUN}\nstatus: 5\nstart_time: 5\ntags: []\nuser_id: null\n"),
    );
    store.write_in_run("tags/mlflow.runName", "by tag");
    let run = store.read().await;
    assert_eq!(
        (run.name.as_str(), run.status, run.start_ms, run.user_id.as_str()),
        ("by tag", RunStatus::Killed, 5, "")
    );

    fs::remove_file(store.in_run("tags/mlflow.runName")).unwrap();
    store.write_in_run("meta.yaml", "name: \"oldest \\U0001F600\"\nstatus: FAILED\n");
    let run = store.read().await;
    assert_eq!((run.name.as_str(), run.status, run.end_ms), ("oldest \u{1f600}", RunStatus::Failed, None));
}

#[tokio::test]
async fn a_line_without_its_break_waits_for_the_rest_until_the_run_has_ended() {
    let store = Store::with_run();
    let torn = "10 0.5 1\n20 0.5 1";
    assert_eq!(store.points(torn).await, (vec![(10, 1, 0.5)], Vec::new()));
    assert_eq!(store.points("10 0.5 1\n17000").await, (vec![(10, 1, 0.5)], Vec::new()));

    store.run("1", RUN, "status: 3\n");
    for torn in [torn, "10 0.5 1\n17000"] {
        let (points, problems) = store.points(torn).await;
        assert_eq!(points, [(10, 1, 0.5)], "half a number is none");
        assert_eq!(problems, ["line 2 cannot be read: it has no end, and may be cut"]);
    }
}

#[tokio::test]
async fn a_line_of_two_gigabytes_is_given_up_at_once() {
    let store = Store::with_run();
    let path = store.write_in_run("metrics/m", "10 0.5 1\n");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(2 << 30).unwrap();

    let series = store.open().await.series(&store.place().await, "m").await.unwrap();

    assert_eq!(series.points, [Point { timestamp_ms: 10, step: 1, value: MetricValue::new(0.5) }]);
    let expected = "metrics/m: line 2 cannot be read: it is too long; from there on the file is not read";
    assert_eq!(texts(&series.problems), [expected]);
}

#[tokio::test]
async fn params_that_are_too_large_or_no_text_are_problems() {
    let store = Store::with_run();
    let large = store.write_in_run("params/large", "");
    fs::OpenOptions::new().write(true).open(&large).unwrap().set_len(2 << 30).unwrap();
    store.write_in_run("params/binary", b"\xff\xfe");
    fs::write(store.in_run("params").join(OsStr::from_bytes(b"na\xffme\n")), "x").unwrap();
    store.write_in_run("params/good", "x");
    store.write_in_run("params/full", "x".repeat(1024 * 1024));

    let run = store.read().await;

    assert_eq!(run.params.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["full", "good"]);
    let expected = [
        "params/binary: it is not UTF-8",
        "params/large: it is larger than 1048576 bytes",
        "params/na\u{fffd}me\\n: its name is not UTF-8",
    ];
    assert_eq!(texts(&run.problems), expected);
}

#[tokio::test]
async fn nothing_leads_out_of_the_store_and_nothing_hangs() {
    let store = Store::with_run();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    for folder in ["params", "tags", "metrics", "artifacts"] {
        symlink(outside.path().join("secret"), store.in_run(&format!("{folder}/link"))).unwrap();
        symlink(outside.path(), store.in_run(&format!("{folder}/folder"))).unwrap();
        make_pipe(&store.in_run(&format!("{folder}/pipe")));
        symlink("/proc/self/environ", store.in_run(&format!("{folder}/proc"))).unwrap();
        symlink(".", store.in_run(&format!("{folder}/loop"))).unwrap();
    }

    let (source, place) = (store.open().await, store.place().await);
    let run = source.read(&place).await.unwrap();
    let files = source.files(&place).await.unwrap();

    assert_eq!((run.params.len(), run.tags.len(), run.metrics.len(), files.files.len()), (0, 0, 0, 0));
    assert_eq!((run.problems.len(), files.problems.len()), (15, 5));
    assert_eq!(files.problems[0].why, "it is a link, and links are not followed");
    assert_eq!(files.problems[3].why, "it is no ordinary file");
    for path in ["link", "pipe", "proc", "folder/secret", "../meta.yaml", "/etc/passwd", "a/../../meta.yaml", ""] {
        assert!(!matches!(source.open_file(&place, path).await, Ok(Some(_))), "{path}");
    }
    for metric in ["link", "pipe", "proc", "folder/secret", "../meta.yaml"] {
        assert!(source.series(&place, metric).await.is_err(), "{metric}");
    }
    assert_eq!(source.look(&place).await.unwrap().mark.len(), 64);
}

#[tokio::test]
async fn folders_that_are_links_are_problems_and_no_runs() {
    let store = Store::with_run();
    let elsewhere = Store::with_run();
    symlink(elsewhere.path("1"), store.path("2")).unwrap();
    symlink(elsewhere.path(&format!("1/{RUN}")), store.path(&format!("1/{OTHER}"))).unwrap();
    fs::remove_dir(store.in_run("artifacts")).unwrap();
    symlink(elsewhere.in_run("artifacts"), store.in_run("artifacts")).unwrap();
    fs::remove_dir(store.in_run("params")).unwrap();
    symlink(elsewhere.in_run("params"), store.in_run("params")).unwrap();

    let found = store.found().await;
    let source = store.open().await;
    let run = source.read(&found.runs[0]).await.unwrap();
    let files = source.files(&found.runs[0]).await.unwrap();

    assert_eq!(found.runs.len(), 1);
    let link = "it is a link, and links are not followed";
    assert_eq!(texts(&found.problems), [format!("1/{OTHER}: {link}"), format!("2: {link}")]);
    assert_eq!(texts(&run.problems), [format!("params: {link}")]);
    assert_eq!(texts(&files.problems), [format!("artifacts: {link}")]);
}

#[tokio::test]
async fn deleted_experiments_and_runs_are_in_the_trash() {
    let store = Store::with_run();
    store.experiment(".trash/2", "gone");
    store.run(".trash/2", OTHER, "status: 3\nstart_time: 1\n");
    let third = "3".repeat(32);
    store.run("1", &third, "start_time: 2\n");
    let meta = format!("experiment_id: '1'\nlifecycle_stage: deleted\nrun_id: '{third}'\nstart_time: 2\nstatus: 4\n");
    store.write(&format!("1/{third}/meta.yaml"), meta);

    let found = store.found().await;

    let runs: Vec<_> =
        found.runs.iter().map(|run| (run.run_id.as_str(), run.lifecycle, run.experiment.as_str())).collect();
    let expected =
        [(OTHER, Lifecycle::Deleted, "gone"), (&third, Lifecycle::Deleted, "ex"), (RUN, Lifecycle::Active, "ex")];
    assert_eq!(runs, expected);
    assert_eq!(found.problems, []);
    for run in &found.runs {
        assert_eq!(store.open().await.read(run).await.unwrap().lifecycle, run.lifecycle);
    }
}

#[tokio::test]
async fn what_is_no_run_is_passed_over_and_what_is_no_good_run_is_told() {
    let store = Store::with_run();
    store.write("models/m/meta.yaml", "name: m\n");
    store.write("1/models/m-1/meta.yaml", "x: 1\n");
    store.write("1/traces/tr-1/trace_info.yaml", "x: 1\n");
    store.write("1/notes.txt", "x");
    store.write("empty/x", "");
    fs::create_dir(store.path(&format!("1/{}", "a".repeat(32)))).unwrap();
    store.write(&format!("1/{}/params/x", "b".repeat(32)), "");
    store.write(&format!("1/{}/meta.yaml", "c".repeat(32)), "status: [\n");
    store.write(&format!("1/{}/meta.yaml", "d".repeat(32)), "status: 9\n");
    store.write(&format!("1/{}/meta.yaml", "e".repeat(32)), format!("run_id: {OTHER}\nstatus: 1\n"));
    store.write(&format!("1/{}/meta.yaml", "f".repeat(32)), "");
    store.write(&format!("1/{}/meta.yaml", "0".repeat(32)), "run_name: cut");
    store.write(&format!("4/{OTHER}/meta.yaml"), "status: 1\n");

    let found = store.found().await;

    assert_eq!(found.runs.iter().map(|run| run.run_id.as_str()).collect::<Vec<_>>(), [RUN]);
    let mut problems = texts(&found.problems);
    problems.sort_unstable();
    let expected = [
        format!("1/{}/meta.yaml: its end is missing", "0".repeat(32)),
        format!("1/{}: it has no meta.yaml", "b".repeat(32)),
        format!("1/{}/meta.yaml: it is no YAML of MLflow's, see line 1", "c".repeat(32)),
        format!("1/{}/meta.yaml: status: '9' is none of MLflow's", "d".repeat(32)),
        format!("1/{}/meta.yaml: it is that of run '{OTHER}'", "e".repeat(32)),
        format!("1/{}/meta.yaml: it is empty", "f".repeat(32)),
        "4: it has no meta.yaml; the runs in it, 1, are not read".to_owned(),
    ];
    assert_eq!(problems, expected);
}

#[tokio::test]
async fn of_two_runs_with_one_id_that_is_read_which_lies_where_it_belongs() {
    let store = Store::with_run();
    store.experiment("0-copy", "copy");
    let meta = fs::read(store.in_run("meta.yaml")).unwrap();
    store.write(&format!("0-copy/{RUN}/meta.yaml"), meta);

    let found = store.found().await;

    assert_eq!(found.runs.iter().map(|run| run.experiment.as_str()).collect::<Vec<_>>(), ["ex"]);
    let expected = format!("0-copy/{RUN}: a run of this id lies in '1/{RUN}' too; that one is read");
    assert_eq!(texts(&found.problems), [expected]);
}

#[tokio::test]
async fn datasets_are_read_and_models_are_counted() {
    let store = Store::with_run();
    store.write(
        "1/datasets/d1/meta.yaml",
        "digest: '12'\nname: era\nprofile: null\nschema: s\nsource: '{}'\nsource_type: local\n",
    );
    let input = |id: &str| {
        format!(
            "destination_id: x\ndestination_type: RUN\nsource_id: {id}\nsource_type: DATASET\ntags:\n  context: train\n"
        )
    };
    store.write_in_run("inputs/a/meta.yaml", input("d1"));
    store.write_in_run("inputs/b/meta.yaml", input("gone"));
    store.write_in_run("inputs/c/meta.yaml", input("../../../etc"));
    store.write_in_run("inputs/d/meta.yaml", "source_id: m-1\nsource_type: MODEL\ntags: {}\n");
    fs::create_dir(store.in_run("inputs/e")).unwrap();
    store.write_in_run("outputs/m-1/meta.yaml", "x: 1\n");
    store.write_in_run("outputs/m-2/meta.yaml", "x: 1\n");

    let run = store.read().await;

    assert_eq!(run.datasets.len(), 1);
    let input = &run.datasets[0];
    assert_eq!((input.dataset.name.as_str(), input.dataset.digest.as_str()), ("era", "12"));
    assert_eq!((input.dataset.schema.as_deref(), input.dataset.profile.as_deref()), (Some("s"), None));
    assert_eq!((input.tags[0].key.as_str(), input.tags[0].value.as_str()), ("context", "train"));
    assert_eq!(run.left_out, ["2 logged models", "1 logged model that it read"]);
    let expected = ["inputs/b: the dataset 'gone' is not there", "inputs/c: its name leads elsewhere"];
    assert_eq!(texts(&run.problems), expected);
}

#[tokio::test]
async fn meta_files_are_read_in_every_form_that_pyyaml_writes() {
    let store = Store::with_run();
    let profile = format!("{{\"a\": \"{}\", \"b\": 1}}", "x".repeat(50_000));
    let dataset = format!(
        "digest: '1'\nname: null_\nprofile: '{profile}'\nschema: ''\nsource: |-\n  one\n  two\nsource_type: a\n"
    );
    store.write("1/datasets/d/meta.yaml", dataset);
    let long = "k".repeat(250);
    let tags = format!("tags:\n  ? {long}\n  : \"folded \\\n    text \\u00e9\\r\\n\"\n  '123': 'yes'\n  n: 'it''s'\n");
    store.write_in_run("inputs/i/meta.yaml", format!("source_id: d\nsource_type: DATASET\n{tags}"));

    let run = store.read().await;

    assert_eq!(run.problems, []);
    let input = &run.datasets[0];
    assert_eq!(input.dataset.profile.as_deref(), Some(profile.as_str()));
    assert_eq!((input.dataset.schema.as_deref(), input.dataset.source.as_str()), (Some(""), "one\ntwo"));
    let tags: Vec<_> = input.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    assert_eq!(tags, [("123", "yes"), (long.as_str(), "folded text \u{e9}\r\n"), ("n", "it's")]);
}

#[tokio::test]
async fn artifacts_that_lie_elsewhere_are_told() {
    let store = Store::with_run();
    let files_with = async |uri: &str| {
        store.run("1", RUN, &format!("status: 3\nartifact_uri: {uri}\n"));
        let files = store.open().await.files(&store.place().await).await.unwrap();
        texts(&files.problems)
    };
    assert_eq!(files_with(&format!("file:///old/place/1/{RUN}/artifacts")).await, Vec::<String>::new());
    let elsewhere = format!("s3://bucket/{RUN}/artifacts");
    assert_eq!(files_with(&elsewhere).await, [format!("artifacts: they lie at '{elsewhere}' and are not read")]);
}

#[tokio::test]
async fn a_mark_differs_after_every_change_and_only_then() {
    let store = Store::with_run();
    store.write_in_run("params/p", "1");
    store.write_in_run("metrics/deep/m", "1 2 3\n");
    store.write_in_run("artifacts/a/b", "1");
    let mut marks = vec![store.mark().await];
    assert_eq!(store.mark().await, marks[0]);

    store.write_in_run("params/q", "1");
    marks.push(store.mark().await);
    store.write_in_run("params/deep/q", "1");
    marks.push(store.mark().await);
    store.write_in_run("metrics/deep/m", "1 2 3\n4 5 6\n");
    marks.push(store.mark().await);
    store.write_in_run("artifacts/a/b", "22");
    marks.push(store.mark().await);
    fs::remove_file(store.in_run("artifacts/a/b")).unwrap();
    marks.push(store.mark().await);
    store.write_in_run("tags/t", "");
    marks.push(store.mark().await);
    store.run("1", RUN, "status: 3\n");
    marks.push(store.mark().await);
    store.experiment("1", "renamed");
    marks.push(store.mark().await);
    fs::create_dir(store.path(".trash")).unwrap();
    fs::rename(store.path("1"), store.path(".trash/1")).unwrap();
    marks.push(store.mark().await);

    let count = marks.len();
    marks.sort_unstable();
    marks.dedup();
    assert_eq!(marks.len(), count);
}

#[tokio::test]
async fn what_vanishes_is_an_error_for_the_run_and_nothing_for_its_parts() {
    let store = Store::with_run();
    store.write_in_run("metrics/m", "1 2 3\n");
    let (source, place) = (store.open().await, store.place().await);
    fs::remove_file(store.in_run("metrics/m")).unwrap();
    assert_eq!(source.series(&place, "m").await.unwrap(), Default::default());

    fs::remove_dir_all(store.in_run("")).unwrap();

    assert!(source.read(&place).await.unwrap_err().to_string().contains(RUN));
    assert!(source.look(&place).await.is_err());
    assert_eq!(source.series(&place, "m").await.unwrap(), Default::default());
    assert_eq!(source.files(&place).await.unwrap(), Default::default());
    assert!(source.open_file(&place, "a").await.unwrap().is_none());
    fs::remove_dir_all(store.path("")).unwrap();
    assert!(source.find_runs().await.is_err());
}

/// What is read after the wait is in the tests of `read`.
#[tokio::test]
async fn an_empty_param_of_a_running_run_is_waited_for() {
    let store = Store::with_run();
    store.write_in_run("params/deep/p", "");
    let (source, place) = (store.open().await, store.place().await);
    let began = Instant::now();

    let run = source.read(&place).await.unwrap();

    assert!(began.elapsed() >= PATIENCE);
    assert_eq!(run.params[0].value, "");
}

#[tokio::test]
async fn artifacts_with_names_that_no_path_may_have_are_problems() {
    let store = Store::with_run();
    for name in [b"a#b".as_slice(), b"new\nline", b"\xff", b"...", b"good"] {
        fs::write(store.in_run("artifacts").join(OsStr::from_bytes(name)), "x").unwrap();
    }
    let mut deep = store.in_run("artifacts");
    for _ in 0..130 {
        deep.push("d");
        fs::create_dir(&deep).unwrap();
    }
    fs::write(deep.join("file"), "x").unwrap();

    let files = store.open().await.files(&store.place().await).await.unwrap();

    assert_eq!(files.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!(files.problems.len(), 5);
    assert!(files.problems.iter().any(|it| it.what == "artifacts/new\\nline" && it.why.contains("control character")));
    assert!(files.problems.iter().any(|it| it.why == "it lies 128 folders deep"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_contents_of_a_store_panic(
        experiment in contents(),
        meta in contents(),
        input in contents(),
        lines in prop_oneof![contents(), lines().prop_map(String::into_bytes)],
        value in contents(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = Store::with_run();
            let source = store.open().await;
            let place = store.place().await;
            for (file, contents) in [
                ("meta.yaml", &meta),
                ("inputs/i/meta.yaml", &input),
                ("metrics/m", &lines),
                ("params/p", &value),
                ("tags/mlflow.runName", &value),
            ] {
                store.write_in_run(file, contents);
            }
            store.write("1/datasets/d/meta.yaml", &input);
            let _ = source.read(&place).await;
            let series = source.series(&place, "m").await.unwrap();
            assert!(series.points.is_sorted());
            source.look(&place).await.unwrap();
            source.files(&place).await.unwrap();
            store.write("1/meta.yaml", &experiment);
            source.find_runs().await.unwrap();
        });
    }
}

/// What meta files are made of, ending as they do so that nobody waits for more.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::sample::select(vec![
        "status",
        "run_id",
        "name",
        "tags",
        "source_type",
        "source_id",
        "DATASET",
        "d",
        ": ",
        ":",
        "\n",
        "\n  ",
        "- ",
        "'",
        "\"",
        "null",
        "3",
        "[",
        "{",
        "}",
        "&a ",
        "*a",
        "!!binary ",
        "|\n",
        "%YAML 1.1\n",
        "---\n",
        "#",
        "\\x",
        "é",
        "\t",
        "? ",
        "<<",
    ]);
    prop_oneof![
        proptest::collection::vec(pieces, 0..30).prop_map(|pieces| pieces.concat().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..60),
    ]
    .prop_map(|mut bytes| {
        bytes.push(b'\n');
        bytes
    })
}

fn lines() -> impl Strategy<Value = String> {
    "([0-9-]{0,20} [0-9einfa.+-]{0,12} [0-9-]{0,3}[ \n\r]{0,2}){0,8}"
}
