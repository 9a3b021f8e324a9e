//! `kill -9` of the server while writers write: what was acknowledged is there, once and whole.

use std::path::Path;
use std::time::Instant;

use crate::support::ledger::{Fleet, Random};
use crate::support::server::Server;
use crate::support::{Database, variable};

const WRITERS: usize = 8;

/// How often the server is killed, unless `CRASH_KILLS` says so.
const KILLS: u64 = 5;

async fn survive_kills(database: Database) {
    let kills = variable("CRASH_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let seed = variable("CRASH_SEED").map_or(1, |seed| seed.parse().unwrap());
    let directory = database.directory().to_owned();
    let kind = if database.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    let mut random = Random::new(seed);
    let mut server = start(&directory, &database);
    let mut fleet = Fleet::start(&directory, WRITERS, seed);
    let started = Instant::now();

    for kill in 1..=kills {
        // Counted in acknowledgements and not in time; the other writers are somewhere in the middle then.
        fleet.wait_for(1 + random.below(200));
        fleet.close_gate();
        server.kill();
        fleet.wait_until_quiet();
        wait_for_the_dead(&database).await;
        let restarted = Instant::now();
        server = start(&directory, &database);
        let start_up = restarted.elapsed();
        let audited = fleet.audit();
        check_integrity(&database).await;
        let (acknowledged, retries) = fleet.count();
        println!(
            "{kind}, kill {kill} of {kills}: {acknowledged} writes acknowledged, {retries} sent again; ready after \
             {start_up:?}; found {audited}"
        );
        fleet.open_gate();
    }
    fleet.stop();
    let status = server.terminate();
    let server = start(&directory, &database);
    let audited = fleet.audit();

    assert!(status.success());
    println!("{kind}: {kills} kills in {:?}, nothing lost of {audited}", started.elapsed());
    server.kill();
}

fn start(directory: &Path, database: &Database) -> Server {
    Server::start(directory, &["--database", database.url()])
}

/// What a killed server had asked PostgreSQL for is done or undone a moment later.
async fn wait_for_the_dead(database: &Database) {
    if database.is_sqlite() {
        return;
    }
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while database.int(others).await > 0 {
        tokio::task::yield_now().await;
    }
}

async fn check_integrity(database: &Database) {
    if database.is_sqlite() {
        let problems = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
        assert_eq!(database.int(problems).await, 0);
        assert_eq!(database.int("SELECT count(*) FROM pragma_foreign_key_check").await, 0);
    }
    // Nothing lies in chunks twice, and no chunk is out of its order.
    let disorder = "SELECT count(*) FROM metric_chunk a JOIN metric_chunk b
        ON a.run_id = b.run_id AND a.key_id = b.key_id AND b.ordinal = a.ordinal + 1
        WHERE (a.last_ms, a.last_step) > (b.first_ms, b.first_step) OR a.count <> 4096";
    assert_eq!(database.int(disorder).await, 0);
}

#[tokio::test]
async fn a_killed_server_on_sqlite_has_all_it_acknowledged() {
    survive_kills(Database::sqlite()).await;
}

#[tokio::test]
async fn a_killed_server_on_postgres_has_all_it_acknowledged() {
    if let Some(database) = Database::postgres().await {
        survive_kills(database).await;
    }
}
