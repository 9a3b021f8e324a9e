//! The configuration, as the real binary reads and shows it.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// What a user types in `directory`, and the environment around it.
struct Typed<'a> {
    directory: &'a Path,
    environment: &'a [(&'a str, &'a str)],
}

impl Typed<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_windvane"))
            .env_clear()
            .envs(self.environment.iter().copied())
            .current_dir(self.directory)
            .args(arguments)
            .output()
            .unwrap()
    }

    /// What `windvane config` shows: value and origin by option.
    fn shown(&self, flags: &[&str]) -> BTreeMap<String, (String, String)> {
        let output = self.run(&[&["config"], flags].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let line = |line: &str| {
            let (key, rest) = line.split_once(" = ").unwrap();
            let (value, origin) = rest.rsplit_once("  # ").unwrap();
            (key.to_owned(), (value.to_owned(), origin.to_owned()))
        };
        text(&output.stdout).lines().map(line).collect()
    }

    /// What is said about a configuration that is refused.
    fn refusal(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        said
    }
}

fn in_directory(directory: &Path) -> Typed<'_> {
    Typed { directory, environment: &[] }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(directory: &TempDir, name: &str, content: &str, mode: u32) {
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

fn pair(value: &str, origin: &str) -> (String, String) {
    (value.to_owned(), origin.to_owned())
}

#[test]
fn the_defaults_are_what_the_manual_promises() {
    let directory = directory();

    let shown = in_directory(directory.path()).shown(&[]);

    let promised = [
        ("access_token_hours", "12"),
        ("allow_network_filesystem", "false"),
        ("allow_open", "false"),
        ("allowed_hosts", "[]"),
        ("allowed_origins", "[]"),
        ("artifact_file_limit_mib", "0"),
        ("artifact_free_files", "1000"),
        ("artifact_free_space_mib", "256"),
        ("artifact_run_files", "0"),
        ("artifact_run_limit_mib", "0"),
        ("artifacts", r#""./windvane-data/artifacts""#),
        ("bodies_in_flight_mib", "32"),
        ("data", r#""./windvane-data""#),
        ("database", r#""sqlite:./windvane-data/windvane.db""#),
        ("default_artifact_root", r#""mlflow-artifacts:/""#),
        ("inputs_body_limit_mib", "64"),
        ("json_body_limit_mib", "16"),
        ("listen", r#"["127.0.0.1:5000"]"#),
        ("log_format", r#""auto""#),
        ("log_level", r#""info""#),
        ("max_connections", "4096"),
        ("prefix", r#""""#),
        ("proxy_user_header", r#""""#),
        ("serve_artifacts", "true"),
        ("shared_roots", "[]"),
        ("shutdown_grace_s", "30"),
        ("synchronous", r#""full""#),
        ("tls_certificate", r#""""#),
        ("tls_key", r#""""#),
        ("truncate_long_values", "true"),
        ("trusted_proxies", "[]"),
        ("unix_socket_mode", r#""0600""#),
        ("worker_threads", "4"),
    ];
    let promised = promised.map(|(key, value)| (key.to_owned(), pair(value, "default")));
    assert_eq!(shown, BTreeMap::from(promised));
}

#[test]
fn the_example_is_a_valid_file_that_changes_nothing_and_explains_every_option() {
    let directory = directory();
    let typed = in_directory(directory.path());
    let defaults = typed.shown(&[]);

    let example = text(&typed.run(&["config", "--example"]).stdout);
    write(&directory, "windvane.toml", &example, 0o600);
    let shown = typed.shown(&[]);

    let values = |shown: &BTreeMap<String, (String, String)>| -> Vec<String> {
        shown.iter().map(|(key, (value, _))| format!("{key} = {value}")).collect()
    };
    assert_eq!(values(&shown), values(&defaults));
    assert!(shown.values().all(|(_, origin)| origin == "windvane.toml"));
    let lines: Vec<&str> = example.lines().collect();
    for (before, line) in lines.iter().zip(&lines[1..]) {
        if !line.starts_with('#') && !line.is_empty() {
            assert!(before.starts_with("# "), "nothing explains {line}");
        }
    }
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_defaults() {
    let directory = directory();
    write(&directory, "windvane.toml", "worker_threads = 2\nlog_level = 'warn'\nprefix = '/file'\n", 0o600);
    let environment = [("WINDVANE_PREFIX", "/environment"), ("WINDVANE_LOG_LEVEL", "debug")];
    let typed = Typed { directory: directory.path(), environment: &environment };

    let shown = typed.shown(&["--prefix", "/flag"]);

    assert_eq!(shown["prefix"], pair(r#""/flag""#, "--prefix"));
    assert_eq!(shown["log_level"], pair(r#""debug""#, "WINDVANE_LOG_LEVEL"));
    assert_eq!(shown["worker_threads"], pair("2", "windvane.toml"));
    assert_eq!(shown["synchronous"], pair(r#""full""#, "default"));
}

#[test]
fn a_named_file_is_read_instead_of_the_usual_ones() {
    let directory = directory();
    write(&directory, "windvane.toml", "worker_threads = 2\n", 0o600);
    write(&directory, "other.toml", "worker_threads = 3\n", 0o600);
    let environment = [("WINDVANE_CONFIG", "other.toml")];
    let by_environment = Typed { directory: directory.path(), environment: &environment };

    assert_eq!(
        in_directory(directory.path()).shown(&["--config", "other.toml"])["worker_threads"],
        pair("3", "other.toml")
    );
    assert_eq!(by_environment.shown(&[])["worker_threads"], pair("3", "other.toml"));
    assert_eq!(by_environment.shown(&["--config", "windvane.toml"])["worker_threads"], pair("2", "windvane.toml"));
    let said = in_directory(directory.path()).refusal(&["config", "--config", "absent.toml"]);
    assert!(said.contains("absent.toml") && said.contains("cannot read"), "{said}");
}

#[test]
fn lists_come_from_repeated_flags_from_commas_in_the_environment_and_from_a_single_text() {
    let directory = directory();
    write(&directory, "windvane.toml", "listen = '127.0.0.1:1'\n", 0o600);
    let environment = [("WINDVANE_ALLOWED_HOSTS", "a.example, B.example")];
    let typed = Typed { directory: directory.path(), environment: &environment };

    assert_eq!(typed.shown(&[])["listen"], pair(r#"["127.0.0.1:1"]"#, "windvane.toml"));
    assert_eq!(typed.shown(&[])["allowed_hosts"].0, r#"["a.example", "B.example"]"#);
    let flags = ["--listen", "127.0.0.1:1", "--listen", "unix:s"];
    assert_eq!(typed.shown(&flags)["listen"], pair(r#"["127.0.0.1:1", "unix:s"]"#, "--listen"));
}

#[test]
fn an_unknown_option_is_named_with_the_nearest_known_one() {
    let directory = directory();
    write(&directory, "misspelt.toml", "databse = 'sqlite:x'\n", 0o600);
    let environment = [("WINDVANE_WORKER_THREAD", "2")];
    let typed = Typed { directory: directory.path(), environment: &environment };

    let in_file = in_directory(directory.path()).refusal(&["config", "--config", "misspelt.toml"]);
    let in_environment = typed.refusal(&["server"]);

    assert!(in_file.contains("`databse` (misspelt.toml); did you mean `database`?"), "{in_file}");
    let expected = "`WINDVANE_WORKER_THREAD` (environment); did you mean `WINDVANE_WORKER_THREADS`?";
    assert!(in_environment.contains(expected), "{in_environment}");
}

#[test]
fn what_kubernetes_says_about_a_service_of_our_name_is_no_option() {
    let directory = directory();
    let environment = [
        ("WINDVANE_SERVICE_HOST", "10.0.0.1"),
        ("WINDVANE_PORT", "tcp://10.0.0.1:80"),
        ("WINDVANE_PORT_80_TCP_ADDR", "10.0.0.1"),
    ];
    let typed = Typed { directory: directory.path(), environment: &environment };

    assert!(typed.shown(&[]).values().all(|(_, origin)| origin == "default"));
}

#[test]
fn a_bad_value_is_refused_with_the_option_the_place_the_value_and_what_is_allowed() {
    let directory = directory();
    let typed = in_directory(directory.path());

    for (flags, parts) in [
        (&["--listen", "5000"][..], &["`listen` (--listen)", "'5000'", "ADDR:PORT"][..]),
        (&["--listen", "127.0.0.1:99999"], &["'127.0.0.1:99999'"]),
        (&["--listen", "::1:5000"], &["'::1:5000'", "[::1]:5000"]),
        (&["--tls-certificate", "a.pem"], &["`tls_certificate` (--tls-certificate)", "tls_key"]),
        (&["--tls-key", "a.pem"], &["`tls_key` (--tls-key)", "tls_certificate"]),
        (&["--listen", "unix:"], &["'unix:'", "unix:PATH"]),
        (&["--prefix", "lab"], &["`prefix` (--prefix)", "'lab'", "as /mlflow"]),
        (&["--prefix", "/a/../b"], &["'/a/../b'"]),
        (&["--database", "mysql://u:secret@h/d"], &["mysql://u:***@h/d", "postgres://"]),
        (&["--database", "sqlite:///x.db"], &["two ways", "sqlite:PATH"]),
        (&["--database", "sqlite:"], &["does not name a file"]),
        (&["--artifacts", "s3://bucket/x"], &["`artifacts` (--artifacts)", "s3://bucket/x", "on disk only"]),
        (&["--worker-threads", "0"], &["`worker_threads`", "0 is not between 1 and 64"]),
        (&["--worker-threads", "many"], &["\"many\" is not a whole number"]),
        (&["--allow-open=maybe"], &["`allow_open`", "\"maybe\" is not true or false"]),
        (&["--synchronous", "off"], &["`synchronous`", "off", "full", "normal"]),
        (&["--log-format", "xml"], &["xml", "auto", "human", "json"]),
        (&["--log-level", "loud"], &["'loud' is not a log level"]),
        (&["--allowed-hosts", "a b"], &["'a b' is not a host name"]),
        (&["--allowed-origins", "portal.example.org"], &["'portal.example.org' is not an origin", "https://"]),
        (&["--default-artifact-root", ""], &["`default_artifact_root`", "must not be empty"]),
        (&["--data", ""], &["`data`", "must not be empty"]),
    ] {
        let said = typed.refusal(&[&["config", "--check"], flags].concat());
        for part in parts {
            assert!(said.contains(part), "no {part} for {flags:?} in {said}");
        }
        assert!(!said.contains("secret"));
    }
}

#[test]
fn types_in_the_file_are_checked_too() {
    let directory = directory();
    let typed = in_directory(directory.path());

    for (line, expected) in [
        ("data = 5", "5 is not a text"),
        ("worker_threads = \"4\"", "\"4\" is not a whole number"),
        ("allow_open = \"true\"", "\"true\" is not true or false"),
        ("listen = [5000]", "[5000] is not a list of texts"),
        ("listen = []", "at least one address"),
        ("listen =", "line 1"),
    ] {
        write(&directory, "bad.toml", line, 0o600);
        let said = typed.refusal(&["config", "--config", "bad.toml"]);
        assert!(said.contains(expected) && said.contains("bad.toml"), "{line}: {said}");
    }
}

#[test]
fn no_password_is_shown_and_no_file_with_one_may_be_open_to_everyone() {
    let directory = directory();
    let typed = in_directory(directory.path());
    let line = "database = \"postgres://me:hush@db.example/runs?password=hush\"\n";
    write(&directory, "closed.toml", line, 0o640);
    write(&directory, "open.toml", line, 0o644);
    write(&directory, "broken.toml", "database = \"postgres://me:hush@h/d\" oops\n", 0o600);
    write(&directory, "writable.toml", "worker_threads = 2\n", 0o666);

    let shown = typed.shown(&["--config", "closed.toml"]);
    assert_eq!(shown["database"].0, r#""postgres://me:***@db.example/runs?password=***""#);
    let said = typed.refusal(&["config", "--config", "open.toml"]);
    assert!(said.contains("chmod 600"), "{said}");
    let said = typed.refusal(&["config", "--config", "broken.toml"]);
    assert!(said.contains("line 1") && !said.contains("hush"), "{said}");
    let said = typed.refusal(&["config", "--config", "writable.toml"]);
    assert!(said.contains("chmod o-w"), "{said}");
    let output = typed.run(&["config", "--database", "postgres://me:hush@h/d"]);
    let said = text(&output.stderr);
    assert!(
        said.contains("command line") && !said.contains("hush") && !text(&output.stdout).contains("hush"),
        "{said}"
    );
}

#[test]
fn the_flags_of_mlflow_mean_here_what_they_mean_there() {
    let directory = directory();
    let typed = in_directory(directory.path());

    for (flags, key, value, origin) in [
        (&["--host", "localhost", "--port", "8080"][..], "listen", r#"["localhost:8080"]"#, "--host"),
        (&["--port", "8080"], "listen", r#"["127.0.0.1:8080"]"#, "--port"),
        (&["-p", "8080", "--host", "::1"], "listen", r#"["[::1]:8080"]"#, "--host"),
        (&["--backend-store-uri", "sqlite:///runs.db"], "database", r#""sqlite:runs.db""#, "--backend-store-uri"),
        (&["--backend-store-uri", "sqlite:////srv/r.db"], "database", r#""sqlite:/srv/r.db""#, "--backend-store-uri"),
        (
            &["--backend-store-uri", "postgresql+psycopg2://me@db/runs"],
            "database",
            r#""postgres://me@db/runs""#,
            "--backend-store-uri",
        ),
        (&["--artifacts-destination", "./files"], "artifacts", r#""./files""#, "--artifacts-destination"),
        (&["--artifacts-destination", "file:///srv/files"], "artifacts", r#""/srv/files""#, "--artifacts-destination"),
        (&["--default-artifact-root", "s3://b/x"], "default_artifact_root", r#""s3://b/x""#, "--default-artifact-root"),
        (&["--static-prefix", "/lab"], "prefix", r#""/lab""#, "--static-prefix"),
        (&["--no-serve-artifacts"], "serve_artifacts", "false", "--no-serve-artifacts"),
        (
            &["--cors-allowed-origins", "https://a.example"],
            "allowed_origins",
            r#"["https://a.example"]"#,
            "--allowed-origins",
        ),
    ] {
        assert_eq!(typed.shown(flags)[key], pair(value, origin), "{flags:?}");
    }
}

#[test]
fn flags_of_mlflow_without_meaning_here_are_warned_about() {
    let directory = directory();
    let flags = ["config", "--workers", "4", "--gunicorn-opts", "--timeout 60", "--serve-artifacts"];

    let output = in_directory(directory.path()).run(&flags);

    let said = text(&output.stderr);
    assert!(output.status.success());
    for flag in ["--workers has no effect", "--gunicorn-opts has no effect", "--serve-artifacts has no effect"] {
        assert!(said.contains(flag), "{said}");
    }
}

#[test]
fn what_cannot_be_had_is_refused_with_what_to_do_instead() {
    let directory = directory();
    let typed = in_directory(directory.path());

    for (flags, part) in [
        (&["--app-name", "basic-auth"][..], "leave the flag out"),
        (&["--registry-store-uri", "sqlite:///r.db"], "one database for everything"),
        (&["--artifacts-only"], "MLFLOW_TRACKING_URI"),
        (&["--backend-store-uri", "./mlruns"], "file store"),
        (&["--backend-store-uri", "mysql+pymysql://u:secret@h/d"], "SQLite or PostgreSQL"),
        (&["--backend-store-uri", "sqlite://"], "names no file"),
        (&["--listen", "127.0.0.1:1", "--port", "2"], "cannot be used with"),
        (&["--frobnicate"], "unexpected argument"),
    ] {
        let said = typed.refusal(&[&["server"], flags].concat());
        assert!(said.contains(part), "{flags:?}: {said}");
        assert!(!said.contains("secret"));
    }
}

#[test]
fn a_check_says_yes_with_0_and_no_with_2() {
    let directory = directory();
    let typed = in_directory(directory.path());

    let valid = typed.run(&["config", "--check"]);
    let wrong = typed.refusal(&["config", "--check", "--trusted-proxies", "everyone"]);

    assert!(valid.status.success() && text(&valid.stdout).contains("valid"));
    assert!(wrong.contains("trusted_proxies"), "{wrong}");
    assert!(fs::read_dir(directory.path()).unwrap().next().is_none(), "a check makes nothing");
}

#[test]
fn help_and_version_are_no_failures_and_nothing_at_all_is() {
    let directory = directory();
    let typed = in_directory(directory.path());

    assert_eq!(text(&typed.run(&["--version"]).stdout), concat!("windvane ", env!("CARGO_PKG_VERSION"), "\n"));
    assert!(text(&typed.run(&["--help"]).stdout).contains("MLFLOW_TRACKING_URI"));
    assert!(text(&typed.run(&["server", "--help"]).stdout).contains("--listen"));
    assert_eq!(typed.run(&[]).status.code(), Some(2));
}
