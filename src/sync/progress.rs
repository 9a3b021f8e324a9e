//! How far a sync is: a bar on a terminal, nothing elsewhere.

use std::io::{IsTerminal as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::report::{bytes, grouped};

/// What a point weighs beside the bytes of files: about its line in a file store.
const POINT_BYTES: u64 = 40;

/// Counts what has moved. Clones count together.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: Option<ProgressBar>,
    moved: Arc<Moved>,
}

#[derive(Debug, Default)]
struct Moved {
    points: AtomicU64,
    files: AtomicU64,
    file_bytes: AtomicU64,
}

impl Progress {
    /// Begins with so much to do, in bytes. A bar is shown where standard error is a terminal and `wanted` is set.
    pub fn begin(total: u64, wanted: bool) -> Self {
        let style = ProgressStyle::with_template("{bar:20} {percent:>3}% {eta:>4} left  {wide_msg}");
        let bar = style.ok().filter(|_| wanted && stderr().is_terminal()).map(|style| {
            ProgressBar::with_draw_target(Some(total.max(1)), ProgressDrawTarget::stderr()).with_style(style)
        });
        Progress { bar, moved: Arc::default() }
    }

    /// Points were looked at, and sent where that was needed.
    pub fn points(&self, count: usize) {
        self.moved.points.fetch_add(count as u64, Ordering::Relaxed);
        self.advance(count as u64 * POINT_BYTES);
    }

    /// Bytes of a file were looked at or sent.
    pub fn bytes(&self, count: u64) {
        self.moved.file_bytes.fetch_add(count, Ordering::Relaxed);
        self.advance(count);
    }

    /// A file is done.
    pub fn file(&self) {
        self.moved.files.fetch_add(1, Ordering::Relaxed);
        self.advance(0);
    }

    /// Shows lines above the bar, or on standard output where there is none.
    pub fn tell(&self, lines: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| super::say(lines)),
            None => super::say(lines),
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn advance(&self, by: u64) {
        let Some(bar) = &self.bar else { return };
        // What grew meanwhile is more than was to be done.
        bar.inc(by.min(bar.length().unwrap_or_default().saturating_sub(bar.position())));
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (points, files, moved) = (read(&self.moved.points), read(&self.moved.files), read(&self.moved.file_bytes));
        bar.set_message(format!("points: {}  files: {}  {}", grouped(points), grouped(files), bytes(moved)));
    }
}
