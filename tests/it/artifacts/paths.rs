//! Paths that would lead out of the store, through every route and every address.

use std::fs;

use super::encoded;
use super::sinks::{Owners, PREFIX, ask, sinks, tree};
use crate::support::{self, App, Database};

/// What could lead out of the store, in whatever encoding it comes.
const ESCAPES: [&str; 25] = [
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252fetc%252fpasswd",
    "%25252e%25252e%25252fetc",
    "/etc/passwd",
    "//etc/passwd",
    "///proc/self/root/etc/passwd",
    "..\\..\\etc\\passwd",
    "C:\\Windows\\win.ini",
    "\\\\host\\share\\x",
    "C:x",
    "a/../../x",
    "a/./../../x",
    "./.././x",
    "a//../../x",
    "foo#../../etc",
    "foo?../../etc",
    "foo;../../etc",
    "file:///etc/passwd",
    "file:/etc",
    "FILE:///etc",
    "mlflow-artifacts:/../..",
    "dbfs:/../..",
    "../canary/secret",
];

/// Percent-encoded bytes that are no name of a file of a client.
const NO_NAMES: [&str; 18] = [
    "a%00.png",
    "a%0d%0aSet-Cookie:%20x",
    "a%7f",
    "a%23b",
    "%ff",
    "a%80",
    "%c0%ae%c0%ae/x",
    "%ed%a0%80",
    "%f8%88%80%80%80",
    ".windvane-uploads",
    ".WINDVANE-uploads/0",
    "team/.windvane-uploads/0",
    "lost%2bfound",
    "lost%2bfound/x",
    "%20",
    "a/%20/b",
    "...",
    "a/.%20./b",
];

/// As they are where an address can hold them, and encoded once and twice.
fn attacks() -> Vec<String> {
    let is_sent_as_it_is = |path: &&str| {
        !path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./%;:".contains(&byte))
    };
    let raw = ESCAPES.into_iter().filter(is_sent_as_it_is).map(str::to_owned);
    let once = ESCAPES.into_iter().map(encoded);
    let twice = ESCAPES.into_iter().map(|path| encoded(&encoded(path)));
    raw.chain(once).chain(twice).chain(NO_NAMES.into_iter().map(str::to_owned)).collect()
}

/// Something beside the store that must stay as it is.
fn put_canary(app: &App) {
    let directory = app.directory().join("canary");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("secret"), "canary").unwrap();
    fs::create_dir(directory.join("empty")).unwrap();
}

async fn refuse_all(app: &App, prefix: &str, paths: &[String]) {
    let owners = Owners::create(app, prefix).await;
    for path in paths {
        for sink in sinks() {
            let reply = ask(app, &sink, prefix, &owners, path).await;

            let expected = if sink.is_unsupported { 501 } else { 400 };
            let text = String::from_utf8_lossy(reply.body());
            assert_eq!(reply.status(), expected, "{} {path}: {text}", sink.method);
            assert!(!text.contains("canary"), "{} {path}: {text}", sink.method);
            if reply.status() == 400 && !text.is_empty() {
                assert!(text.contains("\"Invalid path"), "{} {path}: {text}", sink.method);
            }
        }
    }
}

#[tokio::test]
async fn no_path_leaves_the_store_through_any_route() {
    for db in support::databases().await {
        let app = support::app(db).await;
        put_canary(&app);
        super::put(&app, "team/f", "x").await;
        let (outside, inside) = (tree(&app.directory().join("canary")), tree(&app.directory().join("artifacts")));

        refuse_all(&app, "", &attacks()).await;

        assert_eq!(tree(&app.directory().join("canary")), outside);
        assert_eq!(tree(&app.directory().join("artifacts")), inside);
        app.still_serving().await;
    }
}

#[tokio::test]
async fn no_path_leaves_the_store_below_a_prefix() {
    // The prefix is taken off before anything is asked of a database.
    let app = support::app_with(Database::sqlite(), &[("prefix", PREFIX)]).await;
    put_canary(&app);
    let (outside, inside) = (tree(&app.directory().join("canary")), tree(&app.directory().join("artifacts")));

    refuse_all(&app, PREFIX, &attacks()).await;

    assert_eq!(tree(&app.directory().join("canary")), outside);
    assert_eq!(tree(&app.directory().join("artifacts")), inside);
}

#[tokio::test]
async fn names_that_are_too_long_or_too_deep_are_refused_by_every_route() {
    let app = support::app(Database::sqlite()).await;
    let paths = [
        "c".repeat(256),
        format!("d/{}", "é".repeat(128)),
        format!("{}x", "a/".repeat(2_048)),
        "a/".repeat(5_000) + "x",
    ];
    let before = tree(&app.directory().join("artifacts"));

    refuse_all(&app, "", &paths.map(|path| path.replace('é', "%C3%A9"))).await;

    assert_eq!(tree(&app.directory().join("artifacts")), before);
    app.still_serving().await;
}

#[tokio::test]
async fn whether_something_is_there_outside_does_not_show() {
    let app = support::app(Database::sqlite()).await;
    put_canary(&app);
    let owners = Owners::create(&app, "").await;
    let directory = app.directory().to_str().unwrap().to_owned();
    let pairs = [
        ("../canary/secret".to_owned(), "../canary/absent".to_owned()),
        ("../../../../canary/empty".to_owned(), "../../../../canary/absent".to_owned()),
        (format!("{directory}/canary/secret"), format!("{directory}/canary/absent")),
        (format!("file://{directory}/canary/secret"), format!("file://{directory}/canary/absent")),
        ("x/..\\..\\canary\\secret".to_owned(), "x/..\\..\\canary\\absent".to_owned()),
    ];
    for (there, absent) in pairs {
        for sink in sinks() {
            let replies = [
                ask(&app, &sink, "", &owners, &encoded(&there)).await,
                ask(&app, &sink, "", &owners, &encoded(&absent)).await,
            ];
            let [there, absent] = replies.map(|reply| (reply.status(), reply.body().clone()));
            assert_eq!(there, absent);
        }
    }
}

#[tokio::test]
async fn what_names_a_directory_is_neither_written_nor_deleted() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let owners = Owners::create(&app, "").await;
        super::put(&app, &format!("0/{}/artifacts/d/f", owners.run), "x").await;
        let before = tree(&app.directory().join("artifacts"));
        for path in ["", ".", "./", "d/", "d//", "d/.", "%2e", "d%2f", "%20", "%2e%2f"] {
            for sink in sinks().into_iter().filter(|sink| !sink.is_listing && !sink.is_unsupported) {
                // The address of the list is not an address of a file.
                let is_list = ["", "."].contains(&path) && sink.method == axum::http::Method::GET;
                let reply = ask(&app, &sink, "", &owners, path).await;

                assert!(is_list || [400, 404, 405].contains(&reply.status().as_u16()), "{} {path:?}", sink.method);
            }
        }
        assert_eq!(tree(&app.directory().join("artifacts")), before);
    }
}
