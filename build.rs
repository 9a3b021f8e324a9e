//! Chooses the web pages that the binary carries: `static/dist` when it has been built, else one page that says how to
//! build it. `src/http/ui.rs` embeds the folder that `$PAGES_FOLDER` names; a debug build reads it while it runs, so that
//! `make ui` is all it takes to see a change.
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
    println!("cargo::rerun-if-env-changed=WINDVANE_RELEASE");
    // A relative path here is relative to the package, as build scripts run there.
    let Some(missing) = PAGES.iter().find(|page| !Path::new(BUILT).join(page).is_file()) else {
        // A debug build need not be compiled anew for pages that it only reads.
        let embeds = env::var_os("PROFILE").is_some_and(|profile| profile == "release");
        println!("cargo::rerun-if-changed={}", if embeds { BUILT } else { "build.rs" });
        println!("cargo::rustc-env=PAGES_FOLDER={}", Path::new(BUILT).canonicalize()?.display());
        return Ok(());
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
    let pages = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("ui");
    fs::create_dir_all(&pages)?;
    for page in PAGES {
        fs::copy(FALLBACK, pages.join(page))?;
    }
    println!("cargo::rustc-env=PAGES_FOLDER={}", pages.display());
    Ok(())
}
