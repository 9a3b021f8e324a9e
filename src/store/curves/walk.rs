//! Going through the points of series in the order of their histories, a few chunks at a time, without those whose
//! summaries say enough.
//!
//! What comes next is planned ([`Planner`]) before what came before was taken ([`Feeder`]), so that the data of chunks
//! can be read meanwhile.

use std::collections::HashMap;
use std::sync::Arc;

use super::keep::{Keep, Verdict};
use crate::error::{Error, Result};
use crate::model::Point;
use crate::store::points::chunk::{Decoder, Summary};
use crate::store::points::{Columns, merge};

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

/// What one run gives to one series. The parts of a series follow each other, and the series come in their order.
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
    /// What is wanted of a chunk all of whose points count, and between whose points no others lie. It may be asked
    /// before the chunks in front of it were given.
    fn plan(&self, part: &Part, summary: &Summary) -> Use;
    /// Whether the timestamps of points are wanted.
    fn wants_timestamps(&self) -> bool;
    /// A part begins.
    ///
    /// # Errors
    /// Those of the consumer.
    fn begin(&mut self, number: usize, part: &Part) -> Result<()>;
    /// Takes what was planned as [`Use::Pass`].
    fn pass(&mut self, part: &Part, summary: &Summary);
    /// Takes what was planned as [`Use::Whole`].
    ///
    /// # Errors
    /// Those of the consumer.
    fn whole(&mut self, part: &Part, summary: &Summary) -> Result<()>;
    /// Takes points, of which there is at least one and which all count.
    ///
    /// # Errors
    /// Those of the consumer.
    fn points(&mut self, part: &Part, points: &Columns) -> Result<()>;
    /// Hears how many points do not count.
    fn dropped(&mut self, part: &Part, count: usize);
}

/// Chunks and what is done with them, up to some place in some part.
#[derive(Debug, Default)]
pub struct Plan {
    steps: Vec<Step>,
    /// The ids of the chunks whose data is needed.
    pub ids: Vec<i64>,
}

#[derive(Debug)]
enum Step {
    Begin(usize),
    Chunk {
        part: usize,
        chunk: usize,
        wanted: Option<Use>,
    },
    /// The points behind the last chunk.
    End(usize),
}

/// Decides what is read.
#[derive(Debug)]
pub struct Planner {
    parts: Arc<Vec<Part>>,
    part: usize,
    chunk: usize,
}

impl Planner {
    /// Before the first part.
    pub fn new(parts: Arc<Vec<Part>>) -> Self {
        Planner { parts, part: 0, chunk: 0 }
    }

    /// What comes next, with the data of at most `limit` chunks; `None` at the end.
    pub fn next(&mut self, consumer: &impl Consumer, limit: usize) -> Option<Plan> {
        let mut plan = Plan::default();
        while let Some(part) = self.parts.get(self.part) {
            if self.chunk == 0 {
                plan.steps.push(Step::Begin(self.part));
            }
            while let Some(chunk) = part.points.chunks.get(self.chunk) {
                let wanted = match part.keep.judge(&chunk.summary) {
                    _ if !is_alone(&part.points, &chunk.summary) => Some(Use::Points),
                    Verdict::All => Some(consumer.plan(part, &chunk.summary)),
                    Verdict::Some => Some(Use::Points),
                    Verdict::None => None,
                };
                if wanted == Some(Use::Points) {
                    plan.ids.push(chunk.id);
                }
                plan.steps.push(Step::Chunk { part: self.part, chunk: self.chunk, wanted });
                self.chunk += 1;
                if plan.ids.len() >= limit {
                    return Some(plan);
                }
            }
            plan.steps.push(Step::End(self.part));
            (self.part, self.chunk) = (self.part + 1, 0);
        }
        (!plan.steps.is_empty()).then_some(plan)
    }
}

/// Whether no pending point lies between the points of a chunk.
fn is_alone(points: &Points, summary: &Summary) -> bool {
    let behind = points.pending.partition_point(|point| *point < summary.first);
    points.pending.get(behind).is_none_or(|point| *point > summary.last)
}

/// Does what was planned.
#[derive(Debug)]
pub struct Feeder {
    parts: Arc<Vec<Part>>,
    /// How many pending points of the part were given.
    given: usize,
    decoder: Decoder,
    columns: Columns,
}

impl Feeder {
    /// Before the first part.
    pub fn new(parts: Arc<Vec<Part>>) -> Self {
        Feeder { parts, given: 0, decoder: Decoder::default(), columns: Columns::default() }
    }

    /// Gives the consumer what was planned, plan after plan in their order.
    ///
    /// # Errors
    /// [`Error::Internal`] where a chunk is damaged or not in `data`, and those of the consumer.
    pub fn feed(&mut self, plan: &Plan, consumer: &mut impl Consumer, data: &HashMap<i64, Vec<u8>>) -> Result<()> {
        let parts = self.parts.clone();
        for step in &plan.steps {
            match *step {
                Step::Begin(number) => {
                    self.given = 0;
                    consumer.begin(number, &parts[number])?;
                }
                Step::Chunk { part, chunk, wanted } => {
                    let (part, Chunk { id, summary }) = (&parts[part], &parts[part].points.chunks[chunk]);
                    self.give_pending(consumer, part, |point| *point < summary.first)?;
                    match wanted {
                        None => consumer.dropped(part, summary.count),
                        Some(Use::Pass) => consumer.pass(part, summary),
                        Some(Use::Whole) => consumer.whole(part, summary)?,
                        Some(Use::Points) => {
                            let missing = || Error::internal(anyhow::anyhow!("the data of chunk {id} is not there"));
                            self.give_chunk(consumer, part, summary, data.get(id).ok_or_else(missing)?)?;
                        }
                    }
                }
                Step::End(part) => self.give_pending(consumer, &parts[part], |_| true)?,
            }
        }
        Ok(())
    }

    fn give_pending(
        &mut self,
        consumer: &mut impl Consumer,
        part: &Part,
        is_due: impl Fn(&Point) -> bool,
    ) -> Result<()> {
        let waiting = &part.points.pending[self.given..];
        let due = &waiting[..waiting.partition_point(is_due)];
        if !due.is_empty() {
            self.given += due.len();
            self.columns.fill(due);
            self.give(consumer, part)?;
        }
        Ok(())
    }

    fn give_chunk(&mut self, consumer: &mut impl Consumer, part: &Part, summary: &Summary, data: &[u8]) -> Result<()> {
        let mut waiting = &part.points.pending[self.given..];
        let is_alone = waiting.first().is_none_or(|point| *point > summary.last);
        let with_timestamps = !is_alone || consumer.wants_timestamps() || part.keep.wants_timestamps();
        self.decoder.decode(data, with_timestamps, &mut self.columns)?;
        if !is_alone {
            let before = waiting.len();
            let chunk: Vec<Point> = self.columns.points().collect();
            let mut together = Vec::with_capacity(chunk.len() + before.min(chunk.len()));
            merge::interleave(&chunk, &mut waiting, &mut together);
            self.given += before - waiting.len();
            self.columns.fill(&together);
        }
        self.give(consumer, part)
    }

    fn give(&mut self, consumer: &mut impl Consumer, part: &Part) -> Result<()> {
        let dropped = part.keep.retain(&mut self.columns);
        if dropped > 0 {
            consumer.dropped(part, dropped);
        }
        if self.columns.steps.is_empty() { Ok(()) } else { consumer.points(part, &self.columns) }
    }
}
