//! Going through the points of series in the order of their histories, a few chunks at a time, without those whose
//! summaries say enough.

use std::collections::HashMap;
use std::sync::Arc;

use super::keep::{Keep, Verdict};
use crate::error::{Error, Result};
use crate::model::Point;
use crate::store::points::chunk::{self, Summary};
use crate::store::points::merge;

/// What is decided at once, however little of it must be read.
const STEPS: usize = 256;

/// A chunk that can be read.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    /// The id of its row.
    pub id: i64,
    /// What it holds.
    pub summary: Summary,
}

/// The points of one metric in one run.
#[derive(Debug, Default)]
pub struct Points {
    /// Its chunks in their order.
    pub chunks: Vec<Chunk>,
    /// The points that are in segments still, in order and each once; some may be in chunks too.
    pub pending: Vec<Point>,
}

/// The points of one attempt in one series.
#[derive(Debug)]
pub struct Part {
    /// The number of the series that it is part of.
    pub series: usize,
    /// The number of its run.
    pub run: usize,
    /// Its points.
    pub points: Arc<Points>,
    /// Which of them count.
    pub keep: Keep,
}

/// What is wanted of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To know that it is there.
    Pass,
    /// Its summary, in place of its points.
    Whole,
    /// Its points.
    Points,
}

/// Who takes the points of parts, of one part after another and of each in order.
pub trait Consumer {
    /// What is wanted of a chunk all of whose points count, and between whose points no others lie.
    fn plan(&self, part: &Part, summary: &Summary) -> Use;
    /// Takes what was planned as [`Use::Pass`].
    fn pass(&mut self, part: &Part, summary: &Summary);
    /// Takes what was planned as [`Use::Whole`].
    fn whole(&mut self, number: usize, part: &Part, summary: &Summary);
    /// Takes points, all of which count.
    fn points(&mut self, number: usize, part: &Part, points: &[Point]);
    /// Hears of points that do not count.
    fn dropped(&mut self, part: &Part, count: usize);
}

/// Something to do, with the number of the part.
#[derive(Debug, Clone, Copy)]
enum Step {
    Chunk(usize, usize, Option<Use>),
    /// The points behind the last chunk.
    Rest(usize),
}

/// How far a walk came.
#[derive(Debug)]
pub struct Walk {
    parts: Arc<Vec<Part>>,
    part: usize,
    chunk: usize,
    /// How many pending points of the part were given.
    pending: usize,
    steps: Vec<Step>,
    buffer: Vec<Point>,
    merged: Vec<Point>,
}

impl Walk {
    /// Begins before the first part.
    pub fn new(parts: Arc<Vec<Part>>) -> Self {
        Walk { parts, part: 0, chunk: 0, pending: 0, steps: Vec::new(), buffer: Vec::new(), merged: Vec::new() }
    }

    /// Decides what comes next; answers the ids of the chunks whose data [`feed`](Self::feed) will need, at most `limit`,
    /// or `None` at the end.
    pub fn plan(&mut self, consumer: &impl Consumer, limit: usize) -> Option<Vec<i64>> {
        let mut ids = Vec::new();
        while let Some(part) = self.parts.get(self.part).filter(|_| self.steps.len() < STEPS) {
            let Some(chunk) = part.points.chunks.get(self.chunk) else {
                self.steps.push(Step::Rest(self.part));
                (self.part, self.chunk) = (self.part + 1, 0);
                continue;
            };
            let wanted = match part.keep.judge(&chunk.summary) {
                _ if !is_alone(&part.points, &chunk.summary) => Some(Use::Points),
                Verdict::All => Some(consumer.plan(part, &chunk.summary)),
                Verdict::Some => Some(Use::Points),
                Verdict::None => None,
            };
            if wanted == Some(Use::Points) {
                if ids.len() == limit {
                    return Some(ids);
                }
                ids.push(chunk.id);
            }
            self.steps.push(Step::Chunk(self.part, self.chunk, wanted));
            self.chunk += 1;
        }
        (!self.steps.is_empty()).then_some(ids)
    }

    /// Gives the consumer what was planned.
    ///
    /// # Errors
    /// [`Error::Internal`] where a chunk is damaged or not there.
    pub fn feed(&mut self, consumer: &mut impl Consumer, data: &HashMap<i64, Vec<u8>>) -> Result<()> {
        let parts = self.parts.clone();
        for step in std::mem::take(&mut self.steps) {
            let (number, chunk, wanted) = match step {
                Step::Rest(number) => {
                    let part = &parts[number];
                    give(consumer, number, part, &part.points.pending[self.pending..], &mut self.merged);
                    self.pending = 0;
                    continue;
                }
                Step::Chunk(number, chunk, wanted) => (number, chunk, wanted),
            };
            let part = &parts[number];
            let Chunk { id, summary } = &part.points.chunks[chunk];
            let waiting = &part.points.pending[self.pending..];
            let before = &waiting[..waiting.partition_point(|point| *point < summary.first)];
            if !before.is_empty() {
                self.pending += before.len();
                give(consumer, number, part, before, &mut self.merged);
            }
            match wanted {
                None => consumer.dropped(part, summary.count),
                Some(Use::Pass) => consumer.pass(part, summary),
                Some(Use::Whole) => consumer.whole(number, part, summary),
                Some(Use::Points) => {
                    let missing = || Error::internal(anyhow::anyhow!("the data of chunk {id} is not there"));
                    self.buffer.clear();
                    chunk::decode_into(data.get(id).ok_or_else(missing)?, &mut self.buffer)?;
                    let mut waiting = &part.points.pending[self.pending..];
                    if waiting.first().is_some_and(|point| *point <= summary.last) {
                        let count = waiting.len();
                        let mut together = Vec::with_capacity(self.buffer.len() + 64);
                        merge::interleave(&self.buffer, &mut waiting, &mut together);
                        self.pending += count - waiting.len();
                        self.buffer = together;
                    }
                    give(consumer, number, part, &self.buffer, &mut self.merged);
                }
            }
        }
        Ok(())
    }
}

/// Whether no pending point lies between the points of a chunk.
fn is_alone(points: &Points, summary: &Summary) -> bool {
    let behind = points.pending.partition_point(|point| *point < summary.first);
    points.pending.get(behind).is_none_or(|point| *point > summary.last)
}

fn give(consumer: &mut impl Consumer, number: usize, part: &Part, points: &[Point], kept: &mut Vec<Point>) {
    if part.keep.is_all() {
        consumer.points(number, part, points);
        return;
    }
    kept.clear();
    kept.extend(points.iter().filter(|point| part.keep.keeps(point)));
    consumer.dropped(part, points.len() - kept.len());
    consumer.points(number, part, kept);
}
