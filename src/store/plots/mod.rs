//! Curves of metrics, for plots: which points to read, in one snapshot, and what to make of them
//! ([`curves`](super::curves)).

mod attempts;
mod inline;
mod read;
mod values;

use std::collections::HashMap;
use std::sync::Arc;

pub use inline::{InlineCurve, InlineRequest};

pub use values::{FoundValues, MetricCell, MetricRow, ValuesRequest};

use self::attempts::Group;
use self::read::Source;
use super::Store;
use super::curves::axis::{Axis, RunAxis, View};
use super::curves::curve::{Curve, Curves, Style};
use super::curves::grid::Frame;
use super::curves::keep::Keep;
use super::curves::survey::{Lookups, Outline, Survey};
use super::curves::walk::Part;
use super::db::Tx;
use crate::error::Result;
use crate::model::Caller;

/// Points that one request may read.
const MAX_POINTS: i64 = 20_000_000;
/// Points of the metric that is the axis, in all runs: their places are all in memory at once.
const MAX_AXIS_POINTS: i64 = 2_000_000;

/// What curves are asked for.
#[derive(Debug, Clone, Default)]
pub struct SeriesRequest {
    /// The public ids of the runs.
    pub run_ids: Vec<String>,
    /// The names of the metrics.
    pub metrics: Vec<String>,
    /// What x is.
    pub axis: Axis,
    /// The first and the last place ([`place_of`](super::curves::grid::place_of)) that are asked for.
    pub range: Option<(i64, i64)>,
    /// Whether the runs of a training are one series.
    pub joined: bool,
    /// Whether, of joined series, the points that later attempts superseded are told too, as series of their own.
    pub superseded: bool,
    /// At most this many buckets a segment, 1 or more.
    pub buckets: usize,
    /// What is told of a bucket.
    pub style: Style,
}

/// Curves in one frame.
#[derive(Debug)]
pub struct FoundSeries {
    /// The frame.
    pub frame: Frame,
    /// The buckets of its grid that are not empty in some series, ascending.
    pub places: Vec<u32>,
    /// The series: of each run or training in the order asked, of each metric in the order asked.
    pub series: Vec<Series>,
}

/// One series.
#[derive(Debug, Default)]
pub struct Series {
    /// The public id of the run; of several runs of a training, the one asked for first.
    pub run_id: String,
    /// The name of the metric.
    pub metric: String,
    /// When relative times begin, in milliseconds since the epoch.
    pub origin_ms: Option<i64>,
    /// The series as a whole.
    pub outline: Outline,
    /// The series in the range.
    pub curve: Curve,
    /// Of a joined series: what came from which run.
    pub attempts: Vec<SeriesAttempt>,
    /// Whether this is what later attempts superseded.
    pub superseded: bool,
}

/// What a run gave to a joined series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesAttempt {
    /// The run's public id.
    pub run_id: String,
    /// The step of its first point.
    pub first_step: i64,
    /// How many points it gave; at least one.
    pub points: u64,
}

impl Store {
    /// The curves of metrics in runs. A run without a metric has an empty series of it.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::error::Error::NotFound) for a run that does not exist or that the caller may not see;
    /// [`Error::Invalid`](crate::error::Error::Invalid) where too many points or figures are asked for.
    pub async fn read_series(&self, caller: &Caller, request: SeriesRequest) -> Result<FoundSeries> {
        let _turn = self.search_turn().await?;
        let axis_name = match &request.axis {
            Axis::Metric(name) => Some(name.as_str()),
            _ => None,
        };
        let names = request.metrics.iter().map(String::as_str).chain(axis_name);
        let keys = self.inner.keys.find_all(self.db(), names).await?;
        let mut tx = self.db().read().await?;
        let groups = attempts::find(&mut tx, caller, &request.run_ids, request.joined).await?;
        let runs: Vec<i64> = groups.iter().flat_map(Group::runs).collect();
        let mut key_ids: Vec<i64> = keys.values().copied().collect();
        key_ids.sort_unstable();
        let source = Source::load(&mut tx, &runs, &key_ids).await?;
        source.check("the request", MAX_POINTS, |_| true)?;

        let origins = match &request.axis {
            Axis::Relative => attempts::read_origins(&mut tx, &groups).await?,
            _ => vec![None; groups.len()],
        };
        let axis_key = axis_name.and_then(|name| keys.get(name).copied());
        let axes = run_axes(&mut tx, &source, axis_key, &groups, &origins).await?;
        let view = Arc::new(View { axis: request.axis.clone(), range: request.range, runs: axes });
        let (parts, mut series) = compose(&request, &keys, &groups, &origins, &source);
        let parts = Arc::new(parts);
        let survey = Survey::new(view.clone(), series.len(), parts.len(), request.buckets);
        let survey = read::walk(&mut tx, &parts, survey).await?;
        for (found, outline) in series.iter_mut().zip(survey.outlines()) {
            found.outline = *outline;
        }
        if request.joined {
            add_attempts(&mut series, &parts, &groups, &survey);
        }
        let outlines = survey.outlines().to_vec();
        let frame = Arc::new(survey.frame(request.buckets));
        let curves = Curves::new(view, request.style, vec![frame.clone(); series.len()], outlines);
        let curves = read::walk(&mut tx, &parts, curves).await?.finish()?;
        for (found, curve) in series.iter_mut().zip(curves) {
            found.curve = curve;
        }
        // Where nothing was superseded, there is no tail.
        series.retain(|series| !series.superseded || series.outline.total > 0);
        let places = used_places(&series, frame.grid.buckets());
        Ok(FoundSeries { frame: Arc::unwrap_or_clone(frame), places, series })
    }
}

/// What each run needs to place its points.
async fn run_axes(
    tx: &mut Tx,
    source: &Source,
    axis_key: Option<i64>,
    groups: &[Group],
    origins: &[Option<i64>],
) -> Result<Vec<RunAxis>> {
    let origins = groups.iter().zip(origins).flat_map(|(group, origin)| group.attempts.iter().map(move |_| *origin));
    let mut axes: Vec<RunAxis> =
        origins.map(|origin| RunAxis { origin_ms: origin.unwrap_or_default(), ..RunAxis::default() }).collect();
    let Some(key_id) = axis_key else { return Ok(axes) };
    source.check("the metric of 'x'", MAX_AXIS_POINTS, |key| key == key_id)?;
    let part = |(number, run): (usize, i64)| Part {
        series: number,
        run: number,
        points: source.points(run, key_id),
        keep: Keep::default(),
    };
    let parts: Vec<Part> = groups.iter().flat_map(Group::runs).enumerate().map(part).collect();
    let lookups = Lookups::new(parts.len());
    let lookups = read::walk(tx, &Arc::new(parts), lookups).await?.finish();
    axes.iter_mut().zip(lookups).for_each(|(axis, lookup)| axis.lookup = lookup);
    Ok(axes)
}

/// The series that an answer will have, still empty, with the parts that they consist of.
fn compose(
    request: &SeriesRequest,
    keys: &HashMap<String, i64>,
    groups: &[Group],
    origins: &[Option<i64>],
    source: &Source,
) -> (Vec<Part>, Vec<Series>) {
    let kinds: &[bool] = if request.joined && request.superseded { &[false, true] } else { &[false] };
    let (mut parts, mut series, mut first_run) = (Vec::new(), Vec::new(), 0);
    for (group, origin) in groups.iter().zip(origins) {
        for metric in &request.metrics {
            for superseded in kinds {
                let key_id = keys.get(metric).copied();
                parts.extend(group.parts(series.len(), first_run, source, metric, key_id, *superseded));
                series.push(Series {
                    run_id: group.run_id.clone(),
                    metric: metric.clone(),
                    origin_ms: *origin,
                    superseded: *superseded,
                    ..Series::default()
                });
            }
        }
        first_run += group.attempts.len();
    }
    (parts, series)
}

fn add_attempts(series: &mut [Series], parts: &[Part], groups: &[Group], survey: &Survey) {
    let runs: Vec<&str> =
        groups.iter().flat_map(|group| &group.attempts).map(|attempt| attempt.run_id.as_str()).collect();
    for (part, share) in parts.iter().zip(survey.shares()) {
        if let Some(first_step) = share.first_step {
            let run_id = runs[part.run].to_owned();
            series[part.series].attempts.push(SeriesAttempt { run_id, first_step, points: share.points });
        }
    }
}

/// The buckets that are not empty in some series.
fn used_places(series: &[Series], buckets: u32) -> Vec<u32> {
    let mut used = vec![false; buckets as usize];
    for Series { curve, .. } in series {
        let marks = [&curve.nan, &curve.infinity, &curve.negative_infinity].map(|marks| &marks.at);
        for at in curve.segments.iter().map(|segment| &segment.at).chain(marks).flatten() {
            used[*at as usize] = true;
        }
    }
    (0..buckets).filter(|bucket| used[*bucket as usize]).collect()
}
