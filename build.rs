//! Chooses the web pages that the binary carries: `static/dist` when it has been built, else one page that says how to
//! build it. `src/http/ui.rs` embeds whatever ends up in `$OUT_DIR/ui`.
//!
//! It never runs npm: `cargo build` works without Node, and only `make ui` needs the network.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// The page that stands in for all of the UI.
const FALLBACK: &str = "static/fallback.html";
/// The pages that `src/http/ui.rs` serves.
const PAGES: [&str; 2] = ["index.html", "account.html"];
/// Where `make ui` leaves the UI.
const BUILT: &str = "static/dist";

fn main() -> io::Result<()> {
    // A relative path here is relative to the package, as build scripts run there.
    let embedded = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("ui");
    if embedded.exists() {
        fs::remove_dir_all(&embedded)?;
    }
    fs::create_dir_all(&embedded)?;

    println!("cargo::rerun-if-env-changed=WINDVANE_RELEASE");
    let missing = PAGES.iter().find(|page| !Path::new(BUILT).join(page).is_file());
    let Some(missing) = missing else {
        println!("cargo::rerun-if-changed={BUILT}");
        return copy_tree(Path::new(BUILT), &embedded);
    };
    if env::var_os("WINDVANE_RELEASE").is_some() {
        println!("cargo::error=a release carries the web pages, and {BUILT}/{missing} is missing: run `make ui` first");
        return Ok(());
    }
    println!(
        "cargo::warning=the web pages are not built, so the binary carries a page that says so; `make ui` builds them"
    );
    // A watched path that does not exist makes cargo run this script, and compile the crate, at every build. The folder
    // above it exists, and its time changes when the pages are built.
    println!("cargo::rerun-if-changed=static");
    for page in PAGES {
        fs::copy(FALLBACK, embedded.join(page))?;
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
