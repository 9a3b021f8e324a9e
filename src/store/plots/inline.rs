//! Small curves, one a row of a table.

use std::sync::Arc;

use super::MAX_POINTS;
use super::attempts::{self, Group};
use super::read::{self, Source};
use crate::error::Result;
use crate::model::{Caller, Point};
use crate::store::Store;
use crate::store::curves::axis::{Axis, View};
use crate::store::curves::curve::{Curves, Figures, Style};
use crate::store::curves::grid::{Frame, Grid};
use crate::store::curves::survey::Survey;

/// Buckets of a small curve: a cell of a table has few pixels.
const BUCKETS: usize = 32;

/// Which small curves are asked for.
#[derive(Debug, Clone, Default)]
pub struct InlineRequest {
    /// The public ids of the runs.
    pub run_ids: Vec<String>,
    /// The name of the metric.
    pub metric: String,
    /// Whether the runs of a training are one curve.
    pub joined: bool,
}

/// A metric of a run over all its steps, in at most 32 equal buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct InlineCurve {
    /// The public id of the run; of several runs of a training, the one asked for first.
    pub run_id: String,
    /// The mean of each bucket, `None` where it has no finite value; restarts are not told apart.
    pub mean: Vec<Option<f64>>,
    /// The least and the greatest step.
    pub steps: Option<(i64, i64)>,
    /// How many points there are.
    pub total: u64,
    /// How many of them are not a number.
    pub nan: u64,
    /// The last point.
    pub last: Option<Point>,
}

impl Store {
    /// A small curve of each run, in the order asked. A run without the metric has an empty one.
    ///
    /// # Errors
    /// As [`read_series`](Self::read_series).
    pub async fn read_inline_curves(&self, caller: &Caller, request: InlineRequest) -> Result<Vec<InlineCurve>> {
        let _turn = self.search_turn().await?;
        let key_id = self.inner.keys.find(self.db(), &request.metric).await?;
        let mut tx = self.db().read().await?;
        let groups = attempts::find(&mut tx, caller, &request.run_ids, request.joined).await?;
        let runs: Vec<i64> = groups.iter().flat_map(Group::runs).collect();
        let source = Source::load(&mut tx, &runs, key_id.as_slice()).await?;
        source.check("the request", MAX_POINTS, |_| true)?;
        let (mut parts, mut first_run) = (Vec::new(), 0);
        for (number, group) in groups.iter().enumerate() {
            parts.extend(group.parts(number, first_run, &source, &request.metric, key_id, false));
            first_run += group.attempts.len();
        }
        let parts = Arc::new(parts);
        let view = Arc::new(View { axis: Axis::Step, ..View::default() });
        let survey = Survey::new(view.clone(), groups.len(), parts.len(), 0);
        let outlines = read::walk(&mut tx, &parts, survey).await?.outlines().to_vec();
        let frames: Vec<Arc<Frame>> = (outlines.iter())
            .map(|outline| match outline.steps {
                Some(range) => Frame { grid: Grid::equal(range, BUCKETS, false), range },
                None => Frame::exact(Vec::new(), false, None),
            })
            .map(Arc::new)
            .collect();
        let figures = Figures { mean: true, ..Figures::default() };
        let style = Style { figures, smoothing: 0.0, whole: true };
        let curves = Curves::new(view, style, frames.clone(), outlines.clone());
        let curves = read::walk(&mut tx, &parts, curves).await?.finish()?;
        let curves = groups.into_iter().zip(outlines).zip(frames).zip(curves);
        let curves = curves.map(|(((group, outline), frame), curve)| {
            let mut mean = vec![None; frame.grid.buckets() as usize];
            for segment in curve.segments {
                for (at, value) in segment.at.into_iter().zip(segment.mean) {
                    mean[at as usize] = Some(value);
                }
            }
            InlineCurve {
                run_id: group.run_id,
                mean,
                steps: outline.steps,
                total: outline.total,
                nan: curve.nan.count,
                last: outline.last,
            }
        });
        Ok(curves.collect())
    }
}
