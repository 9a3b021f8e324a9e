//! The command `demo`.

use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::StoreFlags;

/// `windvane demo`
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Where the example goes.
    #[command(flatten)]
    pub store: StoreFlags,
    /// The moment at which the example is looked at, as 2026-11-23T12:00:00Z [default: now]
    ///
    /// Told the same moment, it is the same each time: ids, names, values and times.
    #[arg(long = "at", value_name = "TIME", value_parser = parse_moment)]
    pub at_ms: Option<i64>,
}

/// The moment that an RFC 3339 text tells, in milliseconds since the epoch.
fn parse_moment(text: &str) -> Result<i64, String> {
    let moment = OffsetDateTime::parse(text, &Rfc3339);
    let moment = moment.map_err(|error| format!("{error}; give a time as 2026-11-23T12:00:00Z"))?;
    // The example reaches back some weeks, and no time that is kept may lie before the epoch.
    if moment.year() < 1971 {
        return Err("the year must be 1971 or later".to_owned());
    }
    Ok(moment.unix_timestamp() * 1_000 + i64::from(moment.millisecond()))
}
