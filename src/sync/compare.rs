//! What of a run is missing at the server, and whether all of it is there.

use std::collections::{BTreeMap, HashMap};

use super::files::SentFile;
use super::notes::{Note, tag_note};
use super::report::{ProblemReport, RunReport};
use super::transfer::RUN_NAME_TAG;
use crate::digest::{SeriesDigest, hexadecimal};
use crate::error::Result;
use crate::ingest::{Have, HaveRun, HaveSeries, Pair};
use crate::model::{KeyValue, Point, RunStatus};
use crate::offline::OfflineRun;
use crate::validate::{self, Place};

/// A series as the source has it.
pub(super) struct Expected {
    pub key: String,
    pub count: usize,
    pub digest: String,
}

/// A series with what is to be sent of it.
pub(super) struct ReadSeries {
    pub expected: Expected,
    pub rest: Vec<Point>,
}

/// Takes out what no server stores, and says so: the rest of the run is no worse for it.
pub(super) fn leave_out_unstorable(run: &mut OfflineRun, report: &mut RunReport) {
    let mut keep = |list: &str, key: &str, judged: Result<()>| {
        let Err(error) = judged else { return true };
        report.problems.push(ProblemReport { what: format!("{list}/{key}"), why: error.to_string() });
        false
    };
    let judge = |check_key: fn(Place, &str) -> Result<()>, pair: &KeyValue| {
        check_key(Place::Alone, &pair.key)?;
        validate::ingested_value(Place::Alone, &pair.key, &pair.value)
    };
    run.params.retain(|param| keep("params", &param.key, judge(validate::param_key, param)));
    run.tags.retain(|tag| keep("tags", &tag.key, judge(validate::tag_key, tag)));
    run.metrics.retain(|key| keep("metrics", key, validate::metric_key(Place::Alone, key)));
}

/// Whether a server stores this tag of an experiment.
pub(super) fn is_storable_experiment_tag(tag: &KeyValue) -> bool {
    validate::tag_key(Place::Alone, &tag.key).and_then(|()| validate::experiment_tag_value(&tag.value)).is_ok()
}

/// The tags that go with the run's creation: what links it, names its user and its source. All of them but very long ones.
pub(super) fn first_tags(run: &OfflineRun) -> Vec<Pair> {
    let mut room = 256 * 1024_usize;
    let mut fits = |tag: &&KeyValue| {
        let fits = tag.value.len() <= room;
        room -= if fits { tag.value.len() } else { 0 };
        fits
    };
    run.tags.iter().filter(|tag| fits(tag)).cloned().map(Pair::from).collect()
}

/// The tags that are not there, and those that changed here since they arrived and did not change there.
pub(super) fn missing_tags(
    run: &OfflineRun,
    have: Option<&Have>,
    note: Option<&Note>,
    report: &mut RunReport,
) -> Vec<Pair> {
    let mut missing = Vec::new();
    let Some(have) = have else {
        let first = first_tags(run);
        // The name of a run is not sent as one.
        report.sent.tags += first.iter().filter(|tag| tag.key != RUN_NAME_TAG).count();
        let is_first = |key: &str| first.binary_search_by(|tag| tag.key.as_str().cmp(key)).is_ok();
        return run.tags.iter().filter(|tag| !is_first(&tag.key)).cloned().map(Pair::from).collect();
    };
    let there: BTreeMap<&str, &str> = have.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    for tag in &run.tags {
        let noted = note.and_then(|note| note.tags.get(&tag.key));
        match there.get(tag.key.as_str()) {
            None if noted == Some(&tag_note(&tag.value)) => {
                report.kept.push(format!("tag '{}', removed there", tag.key))
            }
            None => missing.push(Pair::from(tag.clone())),
            Some(value) if *value == tag.value => {}
            Some(value) if noted == Some(&tag_note(value)) => missing.push(Pair::from(tag.clone())),
            Some(value) if tag.key == RUN_NAME_TAG => report.kept.push(format!("its name, '{value}'")),
            Some(_) => report.kept.push(format!("tag '{}', which has another value", tag.key)),
        }
    }
    missing
}

/// Compares a series with what is known of it there: `known` is the count and the digest.
pub(super) fn compare(key: String, points: Vec<Point>, known: Option<(usize, String)>) -> ReadSeries {
    let mut digest = SeriesDigest::default();
    let prefix = known.as_ref().map(|(count, _)| *count).filter(|count| *count <= points.len());
    let (start, rest) = points.split_at(prefix.unwrap_or_default());
    start.chunks(4_096).for_each(|part| digest.update(part));
    let is_prefix = prefix.is_some() && known.is_some_and(|(_, known)| hexadecimal(&digest.clone().finish()) == known);
    rest.chunks(4_096).for_each(|part| digest.update(part));
    let (count, digest) = (points.len(), hexadecimal(&digest.finish()));
    let rest = if is_prefix { rest.to_vec() } else { points };
    ReadSeries { expected: Expected { key, count, digest }, rest }
}

/// The state and end time to set there, if any. What ended last counts; a run goes on there when it has grown here.
pub(super) fn end_of(
    run: &OfflineRun,
    there: Option<&HaveRun>,
    report: &mut RunReport,
) -> Option<(RunStatus, Option<i64>)> {
    let here = (run.status, run.end_ms);
    let Some(there) = there else { return (here != (RunStatus::Running, None)).then_some(here) };
    let status = RunStatus::from_name(&there.status)?;
    if here == (status, there.end_time) {
        return None;
    }
    let is_news = if !status.is_end() {
        run.status.is_end() || run.status != status
    } else if run.status.is_end() {
        run.end_ms > there.end_time
    } else {
        report.sent.points + report.sent.params > 0
    };
    if !is_news {
        // An end time that MLflow's clients leave when they resume a run is no difference worth a word.
        if run.status != status {
            report.kept.push(format!("its state, {}", there.status));
        }
        return None;
    }
    Some(here)
}

/// That everything is there that was sent or found there.
pub(super) fn prove(
    run: &OfflineRun,
    there: &Have,
    expected: &[Expected],
    files: &[SentFile],
) -> std::result::Result<(), String> {
    let lost = |what: String| Err(format!("{what} is not there as it was sent; try again"));
    let series: HashMap<&str, &HaveSeries> = there.series.iter().map(|series| (series.key.as_str(), series)).collect();
    for Expected { key, count, digest } in expected.iter().filter(|series| series.count > 0) {
        match series.get(key.as_str()) {
            // More points than here: others log to this run too, and what was acknowledged is kept.
            Some(found) if found.count > *count || found.digest == *digest => {}
            _ => return lost(format!("metric '{key}'")),
        }
    }
    if there.params.count < run.params.len() {
        return lost("a param".to_owned());
    }
    let found: HashMap<&str, &str> =
        there.files.files.iter().map(|file| (file.path.as_str(), file.digest.as_str())).collect();
    for file in files {
        if found.get(file.path.as_str()) != Some(&file.digest.as_str()) {
            return lost(format!("file '{}'", file.path));
        }
    }
    Ok(())
}

/// What a copy lacks of a run.
pub(super) fn lacks(there: &Have, copy: &Have, expected: &[Expected]) -> Vec<String> {
    let mut lacks = Vec::new();
    if copy.params.count < there.params.count {
        lacks.push(format!("{} of {} params", there.params.count - copy.params.count, there.params.count));
    }
    let of_copy: HashMap<&str, usize> = copy.series.iter().map(|series| (series.key.as_str(), series.count)).collect();
    let missing = |series: &&Expected| of_copy.get(series.key.as_str()).copied().unwrap_or_default() < series.count;
    let metrics = expected.iter().filter(missing).count();
    if metrics > 0 {
        lacks.push(format!("points of {metrics} of {} metrics", expected.len()));
    }
    let of_copy: HashMap<&str, &str> =
        copy.files.files.iter().map(|file| (file.path.as_str(), file.digest.as_str())).collect();
    let files = there.files.files.iter();
    let files = files.filter(|file| of_copy.get(file.path.as_str()) != Some(&file.digest.as_str())).count();
    if files > 0 {
        lacks.push(format!("{files} of {} files", there.files.files.len()));
    }
    lacks
}
