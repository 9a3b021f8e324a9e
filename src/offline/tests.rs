//! Which kind of source is seen in what a user names.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::recognise::{Recognised, recognise};

const SQLITE: &[u8] = b"SQLite format 3\0 and so on";

fn directory(files: &[(&str, &[u8])]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    let path = directory.path().to_owned();
    (directory, path)
}

fn refusal(path: impl AsRef<Path>) -> String {
    format!("{:#}", recognise(path.as_ref()).unwrap_err())
}

#[test]
fn a_file_store_is_seen_from_its_root_and_from_above() {
    let (_kept, path) = directory(&[("mlruns/0/meta.yaml", b""), ("notes.txt", b"")]);
    let root = path.join("mlruns");

    assert_eq!(recognise(&path).unwrap(), Recognised::FileStore(root.clone()));
    assert_eq!(recognise(&root).unwrap(), Recognised::FileStore(root.clone()));
    let url = format!("file://{}", root.display());
    assert_eq!(recognise(Path::new(&url)).unwrap(), Recognised::FileStore(root.clone()));
    let link = path.join("link");
    std::os::unix::fs::symlink(&root, &link).unwrap();
    assert_eq!(recognise(&link).unwrap(), Recognised::FileStore(link));
    fs::remove_dir_all(root.join("0")).unwrap();
    assert!(refusal(&root).contains("no runs in"));
    fs::create_dir(root.join(".trash")).unwrap();
    assert_eq!(recognise(&root).unwrap(), Recognised::FileStore(root));
}

#[test]
fn a_database_is_seen_by_its_file_and_by_its_directory() {
    let files: [(&str, &[u8]); 3] =
        [("a b/mlflow.db", SQLITE), ("a b/mlartifacts/1/r/artifacts/x", b""), ("a b/mlruns/1/r/artifacts/x", b"")];
    let (_kept, path) = directory(&files);
    let file = path.join("a b/mlflow.db");
    let expected = Recognised::Database(file.clone());

    assert_eq!(recognise(&file).unwrap(), expected);
    assert_eq!(recognise(&path.join("a b")).unwrap(), expected);
    assert_eq!(recognise(Path::new(&format!("sqlite:///{}?timeout=5", file.display()))).unwrap(), expected);
    assert_eq!(recognise(Path::new(&format!("file://{}/a%20b/mlflow.db", path.display()))).unwrap(), expected);
    assert!(refusal("sqlite:mlflow.db").contains("write sqlite:///PATH"));
}

#[test]
fn what_is_not_clear_is_asked_back() {
    let (_kept, path) = directory(&[("mlflow.db", SQLITE), ("mlruns/0/meta.yaml", b"")]);
    let asked = refusal(&path);
    assert!(asked.contains("both a database and a file store"), "{asked}");
    let url = format!("file://{}/mlruns", path.display());
    assert!(asked.contains(&url) && asked.contains(path.join("mlflow.db").to_str().unwrap()), "{asked}");
    assert!(matches!(recognise(Path::new(&url)), Ok(Recognised::FileStore(_))));
    let url = format!("file://{}", path.display());
    assert!(matches!(recognise(Path::new(&url)), Ok(Recognised::FileStore(_))));
}

#[test]
fn what_is_no_source_is_refused_with_what_was_looked_for() {
    let (_kept, path) =
        directory(&[("windvane/windvane.db", SQLITE), ("text", b"x"), ("empty", b""), ("other/x/y", b"")]);
    std::os::unix::fs::symlink(path.join("other"), path.join("mlruns")).unwrap();
    let (_linked, with_link) = directory(&[("x", SQLITE)]);
    std::os::unix::fs::symlink(with_link.join("x"), with_link.join("mlflow.db")).unwrap();

    assert!(matches!(recognise(&path.join("windvane")), Ok(Recognised::Windvane(_))));
    assert!(refusal(path.join("text")).contains("no SQLite database"));
    assert!(refusal(path.join("empty")).contains("no SQLite database"));
    assert!(refusal(path.join("other")).contains("looked for experiments of an MLflow file store"));
    assert!(refusal(path.join("gone")).contains("No such file"));
    assert!(refusal(&path).contains("links are not followed"));
    assert!(refusal(&with_link).contains("name the database itself"));
    assert!(refusal("/dev/null").contains("neither a directory nor a file"));
    assert!(refusal("file://host/path").contains("names no file of this machine"));
}
