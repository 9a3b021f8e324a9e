//! That the principal statements of searches are answered from the indexes that were made for them: the plans of both
//! databases, as snapshots. A plan that changes is not wrong, but somebody should look at it.
//!
//! SQLite has no statistics, so its plans do not depend on what is stored. PostgreSQL's do: there are 12,000 runs, few enough that `ANALYZE` reads all rows instead of a sample, and
//! `auto_explain` tells the plan of each statement as it is executed, with the values that the store has bound.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use windvane::store::{RunSearch, Store};

use super::statements::{self, Statement};
use super::support::*;
use crate::support::variable;

/// Set where plans are made.
const EXPLAINING: &str = "WINDVANE_TEST_EXPLAIN";
/// The version of PostgreSQL whose plans the snapshots hold.
const POSTGRES_VERSION: i64 = 15;

/// What was executed since the last look: statements on SQLite, statements with their plans on PostgreSQL.
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn take_heard() -> Vec<String> {
    std::mem::take(&mut *HEARD.lock().unwrap_or_else(PoisonError::into_inner))
}

struct Listener;

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let heard = match event.metadata().target() {
            "sqlx::query" if Statement::is_on_sqlite() => statements::one_line(&Statement::of(event)),
            "sqlx::postgres::notice" => {
                let mut notice = Notice::default();
                event.record(&mut notice);
                notice.0
            }
            _ => return,
        };
        HEARD.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
    }
}

#[derive(Default)]
struct Notice(String);

impl Visit for Notice {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.0 = value.to_owned();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// 12,000 runs in three experiments, most of them in the first; SQL of both databases.
fn seeds(bytes: &str) -> Vec<String> {
    let runs = "WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 12000)";
    let experiment = "CASE n % 10 WHEN 8 THEN 1 WHEN 9 THEN 2 ELSE 0 END";
    let series = "metric_series (run_id, key_id, value, is_nan, step, timestamp_ms, count, first_ms, first_step, \
                  min_step, max_step, loose, experiment_id, start_ms)";
    let texts = "(run_id, key_id, head, tail, experiment_id, start_ms)";
    let head = "x".repeat(200);
    vec![
        "INSERT INTO experiment (id, name, artifact_location, created_ms, updated_ms)
         VALUES (1, 'one', 'mlflow-artifacts:/1', 1, 1), (2, 'two', 'mlflow-artifacts:/2', 1, 1)"
            .to_owned(),
        "INSERT INTO key (id, name) VALUES (101, 'loss'), (102, 'rare'), (103, 'lr'), (104, 'batch'), (105, 'config'),
         (106, 'team'), (107, 'mlflow.runName')"
            .to_owned(),
        format!(
            "INSERT INTO run (id, public_id, experiment_id, name, user_id, status, start_ms, end_ms, artifact_uri)
             {runs} SELECT n, CAST(1000000 + n * 7919 % 20011 AS TEXT), {experiment}, 'run', 'ada', 1 + n % 5, n * 10,
             CASE WHEN n % 5 > 0 THEN n * 10 + 5 END, 'mlflow-artifacts:/' FROM i"
        ),
        // Behind all that a transaction of PostgreSQL will ever be called here.
        format!("INSERT INTO run_change {runs} SELECT n, 1000000000 + n, 1000000000 + n, 1, 1 FROM i"),
        format!(
            "INSERT INTO {series} {runs} SELECT n, 101, n * 7919 % 1000 / 8.0, n % 50 = 1, 1, 1, 1, 1, 1, 1, 1, FALSE,
             {experiment}, n * 10 FROM i WHERE n % 10 > 0"
        ),
        format!(
            "INSERT INTO {series} {runs} SELECT n, 102, n, FALSE, 1, 1, 1, 1, 1, 1, 1, FALSE,
             {experiment}, n * 10 FROM i WHERE n % 400 = 7"
        ),
        format!(
            "INSERT INTO param {texts} {runs} SELECT n, 103, CAST(n % 8 AS TEXT), NULL, {experiment}, n * 10 FROM i
             UNION ALL SELECT n, 104, CAST(n % 200 AS TEXT), NULL, {experiment}, n * 10 FROM i
             UNION ALL SELECT n, 105, '{head}', CAST(n AS TEXT), {experiment}, n * 10 FROM i WHERE n % 100 = 5"
        ),
        format!(
            "INSERT INTO tag {texts} {runs} SELECT n, 106, CAST(n % 20 AS TEXT), NULL, {experiment}, n * 10 FROM i
             WHERE n % 3 > 0 UNION ALL SELECT n, 107, 'run-' || CAST(n AS TEXT), NULL, {experiment}, n * 10 FROM i"
        ),
        "INSERT INTO dataset (id, experiment_id, name, digest, source_type, source)
         VALUES (1, 0, 'era5', 'd', '', ''), (2, 0, 'cerra', 'd', '', '')"
            .to_owned(),
        format!(
            "INSERT INTO dataset_input (run_id, dataset_id, tags) {runs}
             SELECT n, CASE n % 50 WHEN 7 THEN 1 ELSE 2 END, '[]' FROM i WHERE n % 5 = 2"
        ),
        // Of another format, so that they are known and not used.
        format!(
            "INSERT INTO document_rest (run_id, version, format, json) {runs} SELECT n, n, 0, CAST('{{}}' AS {bytes}) FROM i"
        ),
        format!(
            "INSERT INTO document_params (run_id, version, format, json) {runs} SELECT n, n, 0, CAST('{{}}' AS {bytes}) FROM i"
        ),
    ]
}

/// A database with all that and nothing else, and how to ask it for plans.
struct Explained {
    database: Database,
    told: BTreeSet<String>,
    plans: String,
}

impl Explained {
    async fn new(database: Database) -> Self {
        database.open().await.close().await;
        if database.is_sqlite() {
            let mut connection = SqliteConnectOptions::new().filename(database.file()).connect().await.unwrap();
            for seed in seeds("BLOB") {
                connection.execute(AssertSqlSafe(seed)).await.unwrap();
            }
            connection.close().await.unwrap();
        } else {
            let mut connection = PgConnection::connect(database.url()).await.unwrap();
            let name: String =
                sqlx::query_scalar("SELECT current_database()").fetch_one(&mut connection).await.unwrap();
            let settings = [
                ("session_preload_libraries", "auto_explain"),
                ("auto_explain.log_min_duration", "0"),
                ("client_min_messages", "log"),
                // What an index alone can answer depends on when the last vacuum ran.
                ("enable_indexonlyscan", "off"),
                // What depends on the machine.
                ("jit", "off"),
                ("max_parallel_workers_per_gather", "0"),
            ];
            let settings = settings.map(|(key, value)| format!("ALTER DATABASE {name} SET {key} = '{value}'"));
            for statement in seeds("BYTEA").into_iter().chain(["ANALYZE".to_owned()]).chain(settings) {
                connection.execute(AssertSqlSafe(statement)).await.unwrap();
            }
        }
        Explained { database, told: BTreeSet::new(), plans: String::new() }
    }

    /// Adds the plans of the statements that `act` executes first, to what was told.
    async fn explain(&mut self, title: &str, act: impl AsyncFnOnce(&Store)) {
        let store = self.database.open().await;
        take_heard();
        act(&store).await;
        // Closing waits for the threads that report what SQLite was asked.
        store.close().await;
        writeln!(self.plans, "### {title}\n").unwrap();
        for heard in take_heard() {
            let (statement, plan) = if self.database.is_sqlite() {
                (heard.clone(), String::new())
            } else {
                let Some(parts) = plan_of(&heard) else { continue };
                parts
            };
            let statement = without_lists(&statement);
            let is_searching = statement.starts_with("SELECT") && !statement.contains("metric_segment");
            if !is_searching || !self.told.insert(statement.clone()) {
                continue;
            }
            let plan = if self.database.is_sqlite() { self.query_plan(&heard).await } else { plan };
            writeln!(self.plans, "{statement}\n{plan}").unwrap();
        }
    }

    /// What SQLite says how it would execute a statement.
    async fn query_plan(&self, statement: &str) -> String {
        let mut connection = SqliteConnectOptions::new().filename(self.database.file()).connect().await.unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let mut depths = std::collections::HashMap::from([(0, 0)]);
        let mut plan = String::new();
        for (id, parent, _, detail) in rows {
            let depth = depths[&parent] + 1;
            depths.insert(id, depth);
            writeln!(plan, "{}{detail}", "  ".repeat(depth)).unwrap();
        }
        plan
    }

    async fn explain_search(&mut self, title: &str, search: RunSearch) {
        let act = async |store: &Store| {
            let mut page = store.search_runs(&OPEN, search).await.unwrap();
            run_ids(&mut page).await;
        };
        self.explain(title, act).await;
    }
}

/// A statement whose lists of placeholders have one item, however many were bound.
fn without_lists(statement: &str) -> String {
    let mut short = statement.to_owned();
    while short.contains("(?,?") {
        short = short.replace("(?,?", "(?");
    }
    short
}

/// A line of a plan without estimates, and without the items of long lists and texts.
fn without_values(line: &str) -> String {
    let line = line.split("  (cost=").next().unwrap_or_default();
    // Versions are numbers of transactions.
    let is_long = |quoted: &str| quoted.len() > 60 || line.contains("version > '");
    let shorten = |quoted: &str| if is_long(quoted) { "…".to_owned() } else { quoted.to_owned() };
    // Quoted values stand between the others.
    let parts = line.split('\'').enumerate();
    parts
        .map(|(place, part)| if place % 2 == 1 { shorten(part) } else { part.to_owned() })
        .collect::<Vec<_>>()
        .join("'")
}

/// The statement of a notice of `auto_explain`, in one line, and its plan without estimates.
fn plan_of(notice: &str) -> Option<(String, String)> {
    let (_, text) = notice.split_once("Query Text: ")?;
    let first = text.lines().position(|line| line.contains("  (cost="))?;
    let statement: Vec<&str> = text.lines().take(first).collect();
    let mut plan = String::new();
    for line in text.lines().skip(first) {
        writeln!(plan, "  {}", without_values(line)).unwrap();
    }
    Some((statements::one_line(&statement.join(" ")), plan))
}

/// A page of a hundred runs, of a whole database of which few match anything.
fn hundred(filter: &str, order: &str) -> RunSearch {
    RunSearch { limit: 100, ..search(filter, order) }
}

async fn explain_all(explained: &mut Explained) {
    let config = format!("params.config = '{}1305'", "x".repeat(200));
    for (title, filter, order) in [
        ("the newest", "", ""),
        ("the oldest", "", "start_time"),
        ("walk along a metric", "", "metrics.loss"),
        ("walk along a metric within bounds, downwards", "metrics.loss < 100", "metrics.loss DESC"),
        ("walk along a metric that few have, and the rest", "", "metrics.rare"),
        ("walk along a tag", "", "tags.team"),
        ("walk along a name, with a second key", "", "run_name DESC, metrics.loss"),
        ("walk along a param with long values, and the rest", "", "params.config"),
        (
            "walk past everything else",
            "params.lr LIKE '%3' AND tags.team IS NOT NULL AND params.config IS NULL AND metrics.loss != 5 \
             AND run_name ILIKE 'RUN%' AND status != 'FAILED' AND end_time > 7 AND user_id LIKE 'a%' \
             AND dataset.name NOT IN ('cerra')",
            "",
        ),
        ("sort what equals a param", "params.batch = '7'", "metrics.loss"),
        ("sort what equals a long param", &config, ""),
        ("sort what a metric bounds", "metrics.rare > 5", "tags.team"),
        ("sort what is new", "start_time > 119000", "metrics.loss DESC"),
        ("sort what is named", "run_id IN ('1000001', '1000002', '1000003')", ""),
        ("sort what read a dataset", "dataset.name = 'era5'", "params.lr, end_time DESC"),
        ("sort everything", "", "end_time"),
    ] {
        explained.explain_search(title, hundred(filter, order)).await;
    }
    for (title, order) in [("the second page of the newest", ""), ("the second page along a metric", "metrics.loss")] {
        let store = explained.database.open().await;
        let after = store.search_runs(&OPEN, hundred("", order)).await.unwrap().next;
        store.close().await;
        explained.explain_search(title, RunSearch { after, ..hundred("", order) }).await;
    }
    let three = RunSearch { experiments: vec![0, 1, 2], ..hundred("params.lr LIKE '_'", "metrics.loss") };
    explained.explain_search("walks through three experiments", three).await;
    let many = RunSearch { experiments: (0..17).collect(), ..hundred("", "metrics.loss") };
    explained.explain_search("more experiments than are walked", many).await;
    let changes = async |store: &Store| {
        let now = store.list_changes(&OPEN, None, &[]).await.unwrap().cursor;
        store.list_changes(&OPEN, Some(now), &[]).await.unwrap();
    };
    explained.explain("what changed", changes).await;
}

#[test]
fn searches_are_answered_from_the_indexes_that_were_made_for_them() {
    if variable(EXPLAINING).is_none() {
        // Only a subscriber of a whole process hears what sqlx executes, and other tests would be heard as well.
        let name = "store::search_plans::searches_are_answered_from_the_indexes_that_were_made_for_them";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([name, "--exact", "--nocapture"]).env(EXPLAINING, "1").env_remove(statements::RECORD);
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(output.status.success(), "{text}");
        return;
    }
    tracing_subscriber::registry().with(Listener).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        for database in databases().await {
            if !database.is_sqlite() {
                let version =
                    database.int("SELECT CAST(current_setting('server_version_num') AS BIGINT) / 10000").await;
                if version != POSTGRES_VERSION {
                    eprintln!("no plans are compared: the server is PostgreSQL {version}, not {POSTGRES_VERSION}");
                    continue;
                }
            }
            let name = if database.is_sqlite() { "sqlite" } else { "postgres" };
            let mut explained = Explained::new(database).await;
            explain_all(&mut explained).await;
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(format!("search_plans_{name}"), explained.plans);
            });
        }
    });
}
