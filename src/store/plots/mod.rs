//! Curves of metrics, for plots: which points to read, in one snapshot, and what to make of them (`curves`).

mod attempts;
mod read;

use std::collections::HashMap;
use std::sync::Arc;

use self::attempts::Group;
use self::read::Source;
use super::Store;
use super::curves::axis::{Axis, Lookup, RunAxis, View};
use super::curves::curve::{Curve, Curves};
use super::curves::grid::Grid;
use super::curves::survey::{Collect, Outline, Survey};
use super::curves::walk::Part;
use super::db::Tx;
use crate::error::{Error, Result};
use crate::model::Caller;

/// Points that one request may read.
const MAX_POINTS: i64 = 20_000_000;
/// Points of the metric that is the axis, of all runs: they are all in memory at once.
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
    /// The first and the last place (see [`place_of`](super::place_of)) that are asked for.
    pub range: Option<(i64, i64)>,
    /// Whether the runs of a training are one series.
    pub joined: bool,
    /// Whether the points that later attempts superseded are told too, as series of their own.
    pub superseded: bool,
    /// At most this many buckets a segment, 1 or more.
    pub buckets: usize,
    /// From 0, none, to below 1.
    pub smoothing: f64,
    /// At most this many buckets in all.
    pub max_buckets: usize,
}

/// Curves on one grid.
#[derive(Debug)]
pub struct FoundSeries {
    /// The grid.
    pub grid: Grid,
    /// The buckets of the grid that are not empty in some series, ascending.
    pub places: Vec<u32>,
    /// The series: of each run or training in the order asked, of each metric in the order asked.
    pub series: Vec<Series>,
}

/// One series.
#[derive(Debug)]
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
    /// The step of its first point, if it has any.
    pub first_step: Option<i64>,
    /// How many points.
    pub points: u64,
}

impl Store {
    /// The curves of metrics in runs.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a run that does not exist or that the caller may not see; [`Error::Invalid`] where too
    /// many points or buckets are asked for.
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
        let origins = match &request.axis {
            Axis::Relative => attempts::read_origins(&mut tx, &groups).await?,
            _ => vec![None; groups.len()],
        };
        let mut key_ids: Vec<i64> = keys.values().copied().collect();
        key_ids.sort_unstable();
        let source = Source::load(&mut tx, &runs, &key_ids).await?;
        source.check("the request", MAX_POINTS, |_| true)?;

        let view = Arc::new(View {
            runs: run_axes(&mut tx, &source, &runs, axis_name.map(|name| keys.get(name).copied()), &groups, &origins)
                .await?,
            axis: request.axis.clone(),
            range: request.range,
        });
        let (parts, mut series) = compose(&request, &keys, &groups, &origins, &source);
        let parts = Arc::new(parts);
        let survey = Survey::new(view.clone(), &parts, request.buckets);
        let survey = read::walk(&mut tx, &parts, survey, |_| Ok(())).await?;
        let (grid, outlines, shares) = survey.finish(request.buckets);
        let grid = Arc::new(grid);
        let curves = Curves::new(view, grid.clone(), &outlines, request.smoothing);
        let check = |curves: &Curves| match curves.used() {
            used if used > request.max_buckets => Err(Error::Invalid(format!(
                "the answer would have more than {} buckets; ask for fewer runs, metrics or buckets",
                request.max_buckets
            ))),
            _ => Ok(()),
        };
        let (curves, places) = read::walk(&mut tx, &parts, curves, check).await?.finish();

        for (found, (outline, curve)) in series.iter_mut().zip(outlines.into_iter().zip(curves)) {
            (found.outline, found.curve) = (outline, curve);
        }
        if request.joined {
            for (part, share) in parts.iter().zip(shares) {
                let run_id = groups.iter().flat_map(|group| &group.attempts).nth(part.run);
                let run_id = run_id.map_or_else(String::new, |attempt| attempt.run_id.clone());
                let attempt = SeriesAttempt { run_id, first_step: share.first_step, points: share.points };
                series[part.series].attempts.push(attempt);
            }
        }
        Ok(FoundSeries { grid: Arc::unwrap_or_clone(grid), places, series })
    }
}

/// What each run needs to place its points.
async fn run_axes(
    tx: &mut Tx,
    source: &Source,
    runs: &[i64],
    axis: Option<Option<i64>>,
    groups: &[Group],
    origins: &[Option<i64>],
) -> Result<Vec<RunAxis>> {
    let origins = groups.iter().zip(origins).flat_map(|(group, origin)| group.attempts.iter().map(move |_| *origin));
    let mut axes: Vec<RunAxis> =
        origins.map(|origin| RunAxis { origin_ms: origin.unwrap_or_default(), ..RunAxis::default() }).collect();
    // A name that was never used has no values.
    let Some(Some(key_id)) = axis else { return Ok(axes) };
    source.check("the metric of 'x'", MAX_AXIS_POINTS, |key| key == key_id)?;
    let parts: Vec<Part> = (runs.iter().enumerate())
        .map(|(number, run)| Part {
            series: number,
            run: number,
            points: source.points(*run, key_id),
            keep: Default::default(),
        })
        .collect();
    let collect = Collect { points: vec![Vec::new(); parts.len()] };
    let found = read::walk(tx, &Arc::new(parts), collect, |_| Ok(())).await?;
    let lookups = tokio::task::spawn_blocking(move || found.points.into_iter().map(Lookup::new).collect::<Vec<_>>());
    for (axis, lookup) in axes.iter_mut().zip(lookups.await.map_err(Error::internal)?) {
        axis.lookup = Arc::new(lookup);
    }
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
    let (mut parts, mut series, mut first_run) = (Vec::new(), Vec::new(), 0);
    for (group, origin) in groups.iter().zip(origins) {
        for metric in &request.metrics {
            let key_id = keys.get(metric).copied();
            let kinds: &[bool] = if request.joined && request.superseded { &[false, true] } else { &[false] };
            for superseded in kinds {
                for (number, attempt) in group.attempts.iter().enumerate() {
                    parts.push(Part {
                        series: series.len(),
                        run: first_run + number,
                        points: key_id.map_or_else(Default::default, |key_id| source.points(attempt.id, key_id)),
                        keep: attempt.keep(metric, *superseded),
                    });
                }
                series.push(Series {
                    run_id: group.run_id.clone(),
                    metric: metric.clone(),
                    origin_ms: *origin,
                    outline: Outline::default(),
                    curve: Curve::default(),
                    attempts: Vec::new(),
                    superseded: *superseded,
                });
            }
        }
        first_run += group.attempts.len();
    }
    (parts, series)
}
