//! Servers that stop, fill up and are asked by two at once; sources that grow.

use std::fs;
use std::os::unix::net::UnixListener;

use super::{Done, Draft, Sync, have};
use crate::support::disk::SmallDisk;
use crate::support::server::{Client, Server, socket};
use crate::support::{Database, databases};

fn uri(database: &Database) -> String {
    format!("unix:{}", socket(database.directory()).display())
}

fn start(database: &Database) -> Server {
    Server::start(database.directory(), &["--database", database.url()])
}

#[tokio::test]
async fn a_second_sync_sends_nothing_with_notes_and_without() {
    for database in databases().await {
        let server = start(&database);
        let source = tempfile::tempdir().unwrap();
        Draft::new(1).write(source.path());
        let sync = Sync::new(source.path(), &uri(&database));

        let first = sync.run();
        let with_notes = sync.run();
        let without = Sync::new(source.path(), &uri(&database)).run();

        assert_eq!(
            [first.outcomes(), with_notes.outcomes(), without.outcomes()],
            [["arrived"], ["unchanged"], ["unchanged"]]
        );
        assert_eq!(without.only()["sent"], with_notes.only()["sent"]);
        server.kill();
    }
}

#[tokio::test]
async fn a_run_that_grows_sends_what_is_new_of_it() {
    for database in databases().await {
        let server = start(&database);
        let mut client = Client::new(database.directory());
        let source = tempfile::tempdir().unwrap();
        let mut draft = Draft { status: 1, end_ms: None, ..Draft::new(1) };
        draft.write(source.path());
        let sync = Sync::new(source.path(), &uri(&database));
        sync.run();

        draft.series[0].1.push((1_700_000_100_000, 25_000, 0.5));
        draft.files[0].1 = b"{\"longer\": 1}".to_vec();
        draft.tags[1].1 = "changed".to_owned();
        draft.params.push(("late".to_owned(), "1".to_owned()));
        draft.write(source.path());
        // A line of which the end is missing may be the beginning of another number.
        let torn = draft.directory(source.path()).join("metrics/val/loss");
        let whole = fs::read_to_string(&torn).unwrap();
        fs::write(&torn, format!("{whole}1700000000009 0.5 1")).unwrap();
        let grown = sync.run();

        let there = have(&mut client, &draft.run_id).unwrap();
        assert_eq!(there, draft.expected(&there));
        let sent = &grown.only()["sent"];
        assert_eq!(
            (&sent["points"], &sent["files"], &sent["params"], &sent["tags"]),
            (&1.into(), &1.into(), &1.into(), &1.into())
        );

        fs::write(&torn, format!("{whole}1700000000009 0.5 12\n")).unwrap();
        draft.series[1].1.push((1_700_000_000_009, 12, 0.5));
        (draft.status, draft.end_ms) = (3, Some(1_700_000_200_000));
        let ended = Draft { series: Vec::new(), ..draft.clone() };
        ended.write(source.path());
        sync.run();

        let there = have(&mut client, &draft.run_id).unwrap();
        assert_eq!(there, draft.expected(&there));
        server.kill();
    }
}

#[tokio::test]
async fn two_senders_at_once_are_one() {
    for database in databases().await {
        let server = start(&database);
        let mut client = Client::new(database.directory());
        let source = tempfile::tempdir().unwrap();
        let drafts: Vec<Draft> = (1..5).map(Draft::new).collect();
        drafts.iter().for_each(|draft| draft.write(source.path()));
        let senders = [(); 2].map(|()| Sync::new(source.path(), &uri(&database)));

        let running = senders.each_ref().map(Sync::start);
        let done = running.map(|child| Done::of(child.wait_with_output().unwrap()));

        for done in done {
            assert_eq!(done.code, 0, "{done:?}");
        }
        for draft in &drafts {
            let there = have(&mut client, &draft.run_id).unwrap();
            assert_eq!(there, draft.expected(&there));
        }
        server.kill();
    }
}

#[tokio::test]
async fn a_server_that_is_killed_in_the_middle_has_all_of_it_in_the_end() {
    for database in databases().await {
        let mut server = start(&database);
        let mut client = Client::new(database.directory());
        let source = tempfile::tempdir().unwrap();
        let drafts: Vec<Draft> = (1..12).map(Draft::new).collect();
        drafts.iter().for_each(|draft| draft.write(source.path()));
        let sync = Sync::new(source.path(), &uri(&database))
            .with(&["--jobs", "2"])
            .variable("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "100")
            .variable("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0.05");

        let running = sync.start();
        for number in [2, 5, 8] {
            // Counted in what has arrived, not in time.
            while have(&mut client, &drafts[number].run_id).is_none() {
                std::thread::yield_now();
            }
            server.kill();
            server = start(&database);
            client = Client::new(database.directory());
        }
        let done = Done::of(running.wait_with_output().unwrap());

        assert_eq!(done.code, 0, "{done:?}");
        for draft in &drafts {
            let there = have(&mut client, &draft.run_id).unwrap();
            assert_eq!(there, draft.expected(&there));
        }
        server.kill();
    }
}

#[tokio::test]
async fn a_full_disk_there_is_said_and_the_rest_comes_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let database = Database::sqlite();
    let artifacts = disk.path().to_str().unwrap().to_owned();
    let server = Server::start(
        database.directory(),
        &[
            "--database",
            database.url(),
            "--artifacts",
            &artifacts,
            "--artifact-free-space-mib",
            "0",
            "--artifact-free-files",
            "0",
        ],
    );
    let mut client = Client::new(database.directory());
    let source = tempfile::tempdir().unwrap();
    let draft = Draft::new(1);
    draft.write(source.path());
    let sync = Sync::new(source.path(), &uri(&database));

    let filler = disk.fill();
    let full = sync.run();
    fs::remove_file(filler).unwrap();
    let again = sync.run();

    assert_eq!((full.code, full.outcomes()), (3, vec!["incomplete"]), "{full:?}");
    assert!(full.report.to_string().contains("full"), "{full:?}");
    assert_eq!((again.code, again.outcomes()), (0, vec!["arrived"]), "{again:?}");
    let there = have(&mut client, &draft.run_id).unwrap();
    assert_eq!(there, draft.expected(&there));
    server.kill();
}

#[tokio::test]
async fn a_killed_sync_goes_on_where_it_was() {
    let database = Database::sqlite();
    let server = start(&database);
    let mut client = Client::new(database.directory());
    let source = tempfile::tempdir().unwrap();
    let drafts: Vec<Draft> = (1..9).map(Draft::new).collect();
    drafts.iter().for_each(|draft| draft.write(source.path()));
    let sync = Sync::new(source.path(), &uri(&database));

    for number in [0, 3, 6] {
        let mut running = sync.start();
        while have(&mut client, &drafts[number].run_id).is_none() {
            std::thread::yield_now();
        }
        running.kill().unwrap();
        running.wait().unwrap();
    }
    let done = sync.run();

    assert_eq!(done.code, 0, "{done:?}");
    for draft in &drafts {
        let there = have(&mut client, &draft.run_id).unwrap();
        assert_eq!(there, draft.expected(&there));
    }
    server.kill();
}

#[test]
fn a_second_sync_of_the_same_does_not_begin_while_the_first_is_at_work() {
    let source = tempfile::tempdir().unwrap();
    Draft::new(1).write(source.path());
    // A server that takes a request and says nothing.
    let silent = source.path().join("silent");
    let listener = UnixListener::bind(&silent).unwrap();
    let sync = Sync::new(source.path(), &format!("unix:{}", silent.display()));

    let mut first = sync.start();
    let _request = listener.accept().unwrap();
    let second = sync.run();

    assert_eq!(second.code, 1);
    assert!(second.told.contains("is at work"), "{second:?}");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[tokio::test]
async fn more_files_than_one_answer_tells_arrive_and_are_known_again() {
    let database = Database::sqlite();
    let server = start(&database);
    let source = tempfile::tempdir().unwrap();
    // More than the 10,000 that `have` tells at once.
    let files = (0..10_500).map(|number| (format!("tiny/{number:05}.txt"), number.to_string().into_bytes()));
    let draft = Draft { files: files.collect(), ..Draft::new(1) };
    draft.write(source.path());

    let first = Sync::new(source.path(), &uri(&database)).run();
    let again = Sync::new(source.path(), &uri(&database)).run();

    assert_eq!((first.code, &first.only()["sent"]["files"]), (0, &10_500.into()), "{first:?}");
    assert_eq!(again.outcomes(), ["unchanged"], "{again:?}");
    server.kill();
}

#[tokio::test]
async fn clocks_decide_nothing() {
    for database in databases().await {
        let server = start(&database);
        let mut client = Client::new(database.directory());
        let source = tempfile::tempdir().unwrap();
        let mut draft = Draft::new(1);
        // Measured before 1971 and in the far future; files were written then, too.
        draft.series.push(("skewed".to_owned(), vec![(1, 5, 0.5), (9_999_999_999_999, 0, 0.25)]));
        let sync = Sync::new(source.path(), &uri(&database));
        for (number, year) in [(0, 1), (1, 130), (2, 2)] {
            draft.files[0].1 = format!("{{\"version\": {number}}}").into_bytes();
            draft.write(source.path());
            let config = fs::File::options()
                .write(true)
                .open(draft.directory(source.path()).join("artifacts/config.json"))
                .unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(year * 365 * 24 * 3_600);
            config.set_times(fs::FileTimes::new().set_modified(time)).unwrap();

            let done = sync.run();

            assert_eq!(done.outcomes(), ["arrived"], "{done:?}");
            let there = have(&mut client, &draft.run_id).unwrap();
            assert_eq!(there, draft.expected(&there));
        }
        server.kill();
    }
}

#[tokio::test]
async fn what_a_source_lost_is_not_lost_at_the_server() {
    for database in databases().await {
        let server = start(&database);
        let mut client = Client::new(database.directory());
        let source = tempfile::tempdir().unwrap();
        let draft = Draft::new(1);
        draft.write(source.path());
        let sync = Sync::new(source.path(), &uri(&database));
        sync.run();

        let run = draft.directory(source.path());
        let metric = run.join("metrics/loss");
        let half = fs::read(&metric).unwrap();
        // Cut within a line, as by a full disk: what is left of it is no point.
        fs::write(&metric, &half[..half.len() / 2]).unwrap();
        fs::remove_file(run.join("metrics/val/loss")).unwrap();
        fs::remove_file(run.join("params/config.lr")).unwrap();
        fs::remove_file(run.join("tags/note")).unwrap();
        fs::remove_file(run.join("artifacts/config.json")).unwrap();
        let done = sync.run();

        assert_eq!((done.code, done.outcomes()), (3, vec!["incomplete"]), "{done:?}");
        assert_eq!(done.only()["problems"][0]["what"], "metrics/loss", "{done:?}");
        assert_eq!(done.only()["sent"]["points"], 0, "{done:?}");
        let there = have(&mut client, &draft.run_id).unwrap();
        assert_eq!(there, draft.expected(&there));
        server.kill();
    }
}

#[tokio::test]
async fn a_tag_that_changes_arrives_also_where_something_else_cannot_be_read() {
    let database = Database::sqlite();
    let server = start(&database);
    let mut client = Client::new(database.directory());
    let source = tempfile::tempdir().unwrap();
    let mut draft = Draft::new(1);
    draft.write(source.path());
    let garbage = draft.directory(source.path()).join("metrics/garbage");
    fs::write(&garbage, "no point\n").unwrap();
    let sync = Sync::new(source.path(), &uri(&database));

    for value in ["one", "two", "three"] {
        draft.tags[1].1 = value.to_owned();
        draft.write(source.path());
        let done = sync.run();
        assert_eq!((done.code, done.outcomes()), (3, vec!["incomplete"]), "{done:?}");
        assert_eq!(done.only()["kept"], serde_json::Value::Null, "{done:?}");
    }
    fs::remove_file(garbage).unwrap();
    let mended = sync.run();

    assert_eq!(mended.outcomes(), ["unchanged"], "{mended:?}");
    let there = have(&mut client, &draft.run_id).unwrap();
    assert_eq!(there, draft.expected(&there));
    server.kill();
}

#[test]
fn a_sync_that_cannot_begin_says_why_in_json_too() {
    let source = tempfile::tempdir().unwrap();
    Draft::new(1).write(source.path());

    let done = Sync::new(source.path(), "unix:/nowhere/socket").run();

    assert_eq!((done.code, &done.report["exit_code"]), (1, &1.into()), "{done:?}");
    assert!(done.report["error"].as_str().unwrap().contains("/nowhere/socket"), "{done:?}");
    let empty = Sync::new(source.path(), "").run();
    assert!(empty.code == 2 && empty.told.contains("--destination"), "{empty:?}");
}

#[tokio::test]
async fn nothing_of_a_run_gets_into_another_one_of_its_id() {
    for database in databases().await {
        let server = start(&database);
        let mut client = Client::new(database.directory());
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let draft = Draft::new(1);
        draft.write(first.path());
        Sync::new(first.path(), &uri(&database)).run();
        let before = have(&mut client, &draft.run_id).unwrap();

        let mut other = draft.clone();
        other.params[0].1 = "0.2".to_owned();
        other.tags.push(("new".to_owned(), "tag".to_owned()));
        // In several bodies.
        other.series.push(("other".to_owned(), (0..50_000).map(|step| (1_700_000_000_000, step, 0.5)).collect()));
        other.files.push(("other.txt".to_owned(), b"other".to_vec()));
        other.write(second.path());
        let refused = Sync::new(second.path(), &uri(&database)).run();

        assert_eq!((refused.code, refused.outcomes()), (1, vec!["refused"]), "{refused:?}");
        let reason = refused.only()["reason"].as_str().unwrap();
        assert!(reason.contains("config.lr") && reason.contains("0.2"), "{reason}");
        assert_eq!(have(&mut client, &draft.run_id).unwrap(), before);
        server.kill();
    }
}
