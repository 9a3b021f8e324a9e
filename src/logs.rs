//! Log records on standard error: one line each, whatever a client wrote into them.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

use tracing::error;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Config, LogFormat};

/// What is left of a record that grew beyond all reason, in bytes.
const MAX_RECORD_BYTES: usize = 16 * 1024;

/// Whether logs are for people rather than for programs.
pub fn are_human(config: &Config) -> bool {
    match config.log_format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    }
}

/// Starts writing records, and makes every panic one of them. Does nothing where logs were started before.
pub fn start(config: &Config) {
    let levels: Targets = config.log_level.parse().expect("checked with the configuration");
    let human = are_human(config);
    let registry = tracing_subscriber::registry().with(levels);
    // Colours would be escape sequences, which `OneLine` does not let through.
    let layer = fmt::layer().with_ansi(false);
    let started = if human {
        registry.with(layer.with_target(false).with_writer(|| OneLine { out: io::stderr(), json: false })).try_init()
    } else {
        registry.with(layer.json().with_writer(|| OneLine { out: io::stderr(), json: true })).try_init()
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or("no message");
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            error!(panic.place = %place, "panic at {place}: {message:?}");
        }));
    }
}

/// Makes one line of what is written in one call: the formatters write one record at a time.
struct OneLine<W> {
    out: W,
    json: bool,
}

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = record.strip_suffix(b"\n").unwrap_or(record);
        if text.len() <= MAX_RECORD_BYTES && !text.iter().any(u8::is_ascii_control) {
            self.out.write_all(record)?;
        } else {
            self.out.write_all(self.tamed(&String::from_utf8_lossy(text)).as_bytes())?;
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W> OneLine<W> {
    /// The record without line breaks and escape sequences, and cut to a sane length, as a line.
    fn tamed(&self, text: &str) -> String {
        let cut = &text[..text.floor_char_boundary(MAX_RECORD_BYTES)];
        if self.json {
            // JSON escapes control characters itself; a record that is cut is no JSON any more, so it is quoted.
            let record = serde_json::json!({
                "level": "WARN",
                "fields": { "message": format!("cut a log record of {} bytes", text.len()), "start": cut },
            });
            return format!("{record}\n");
        }
        let mut line = String::with_capacity(cut.len() + 64);
        for character in cut.chars() {
            match character {
                character if character.is_control() => line.extend(character.escape_default()),
                character => line.push(character),
            }
        }
        if cut.len() < text.len() {
            write!(line, "… ({} bytes)", text.len()).expect("writing to a String");
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: bool, record: &str) -> String {
        let mut out = Vec::new();
        OneLine { out: &mut out, json }.write_all(record.as_bytes()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn line_breaks_and_escape_sequences_of_a_field_do_not_reach_the_terminal() {
        let line = written(false, "deleted run `a\r\nINFO forged\x1b[2J`\n");

        assert_eq!(line, "deleted run `a\\r\\nINFO forged\\u{1b}[2J`\n");
    }

    #[test]
    fn a_huge_record_is_cut_and_stays_one_line_of_its_format() {
        let huge = "é".repeat(MAX_RECORD_BYTES);

        let human = written(false, &huge);
        let json = written(true, &format!("{{\"message\":\"{huge}\"}}\n"));

        assert!(human.len() < MAX_RECORD_BYTES + 100 && human.ends_with("bytes)\n"));
        let record: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(record["level"], "WARN");
    }
}
