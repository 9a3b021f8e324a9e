//! The sources keep to the rooms of docs/ARCHITECTURE.md: who may import whom, and where foreign crates may be used.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What each top-level module may import of this crate. Whoever adds an edge draws it in docs/ARCHITECTURE.md too.
const MAY_IMPORT: [(&str, &[&str]); 27] = [
    ("main", &["cli", "config", "demo", "logs", "manage", "server", "state", "sync", "view"]),
    ("view", &["config", "http", "logs", "offline", "server", "state", "store", "sync"]),
    ("manage", &["access", "cli", "config", "error", "model", "state", "store", "validate"]),
    ("demo", &["artifacts", "config", "error", "model", "state", "store"]),
    ("cli", &["config", "logs", "server", "sync", "view"]),
    ("server", &["artifacts", "config", "error", "http", "logs", "state", "store", "telemetry", "validate"]),
    (
        "http",
        &[
            "access",
            "artifacts",
            "config",
            "digest",
            "error",
            "ingest",
            "lineage",
            "model",
            "run_name",
            "search",
            "state",
            "store",
            "telemetry",
            "validate",
        ],
    ),
    ("sync", &["config", "digest", "error", "ingest", "model", "offline", "validate"]),
    ("ingest", &["artifacts", "digest", "error", "model", "store"]),
    ("offline", &["artifacts", "digest", "model", "store"]),
    ("digest", &["model"]),
    ("state", &["access", "artifacts", "config", "error", "files", "store", "telemetry", "validate"]),
    ("access", &["error", "model", "store", "unix_users", "validate"]),
    ("files", &["artifacts", "error", "store"]),
    ("store", &["digest", "error", "lineage", "model", "search", "validate"]),
    ("artifacts", &["error", "model", "validate"]),
    ("search", &["error", "model", "validate"]),
    ("lineage", &[]),
    ("validate", &["error", "model"]),
    ("logs", &["config"]),
    ("config", &[]),
    ("telemetry", &[]),
    ("run_name", &[]),
    ("unix_users", &[]),
    ("model", &[]),
    ("error", &[]),
    ("lib", &[]),
];

/// Crates that only some places may know.
const FENCED: [(&str, &[&str]); 4] = [
    ("sqlx::", &["src/store/", "src/offline/mlflow_db"]),
    ("axum::", &["src/http", "src/server", "src/state.rs"]),
    ("std::env::", &["src/config", "src/main.rs"]),
    ("rust_embed::", &["src/http/ui.rs"]),
];

/// Lines after which a file has a second subject.
const LONGEST: usize = 600;

fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting = vec![root.join("src")];
    let mut found = BTreeMap::new();
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(root).unwrap().to_owned(), text);
            }
        }
    }
    assert!(found.len() > 30, "the sources were found");
    found
}

/// The code of a file: no comments, and nothing after its unit tests begin.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// The top-level module of a file.
fn module(path: &Path) -> String {
    let first = path.iter().nth(1).unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules of this crate that a file names, after `crate::` or in a group after it.
fn imports(text: &str) -> BTreeSet<String> {
    let code = code(text).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (place, _) in code.match_indices("crate::") {
        if place > 0 && code.as_bytes()[place - 1].is_ascii_alphanumeric() {
            continue;
        }
        let rest = &code[place + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            // The first word of each item of the group, at its own depth.
            Some(group) => first_words(group),
            None => vec![rest],
        };
        let word = |name: &str| name.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap().to_owned();
        found.extend(names.into_iter().map(word));
    }
    found.remove("");
    found
}

fn first_words(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (place, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(group[start..place].trim());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(group[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    found
}

#[test]
fn modules_import_only_what_lies_below_them() {
    let rules: BTreeMap<&str, &[&str]> = MAY_IMPORT.into_iter().collect();
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let module = module(&path);
        let Some(allowed) = rules.get(module.as_str()) else {
            broken.push(format!("{}: the module {module} has no rule", path.display()));
            continue;
        };
        for import in imports(&text) {
            if import != module && !allowed.contains(&import.as_str()) {
                broken.push(format!("{} imports {import}", path.display()));
            }
        }
    }

    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn foreign_crates_stay_behind_their_fences() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        for (crate_name, places) in FENCED {
            let inside =
                places.iter().any(|place| path.starts_with(place) || path.to_str().unwrap().starts_with(place));
            if !inside && code(&text).any(|line| line.contains(crate_name)) {
                broken.push(format!("{} uses {crate_name}", path.display()));
            }
        }
    }

    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn sql_is_declared_safe_in_one_place() {
    let with: Vec<PathBuf> =
        sources().into_iter().filter(|(_, text)| text.contains("AssertSqlSafe(")).map(|(path, _)| path).collect();

    assert_eq!(with, [Path::new("src/store/sql.rs")]);
}

#[test]
fn no_file_has_grown_a_second_subject() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, code(&text).count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{} has {lines} lines", path.display()))
        .collect();

    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| -> BTreeSet<String> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
        let entries = std::fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };

    assert_eq!(names("sqlite"), names("postgres"));
}
