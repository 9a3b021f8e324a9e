//! Params, tags and points as bodies of bounded size.

use serde::Serialize;

use crate::ingest::{Number, Pair};
use crate::model::Point;

/// Points of one body: a megabyte of JSON at most, one commit at the server.
const POINTS: usize = 20_000;
/// Bytes of params and tags of one body, as they are in memory.
const TEXT_BYTES: usize = 512 * 1024;

/// One body of `ingest/parts`, and what is in it.
#[derive(Debug, Serialize)]
pub struct Parts {
    run_id: String,
    params: Vec<Pair>,
    tags: Vec<Pair>,
    series: Vec<SeriesPart>,
    #[serde(skip)]
    points: usize,
    #[serde(skip)]
    text_bytes: usize,
}

#[derive(Debug, Serialize)]
struct SeriesPart {
    key: String,
    timestamps: Vec<i64>,
    steps: Vec<i64>,
    values: Vec<Number>,
}

impl Parts {
    /// An empty one.
    pub fn new(run_id: &str) -> Self {
        Parts {
            run_id: run_id.to_owned(),
            params: Vec::new(),
            tags: Vec::new(),
            series: Vec::new(),
            points: 0,
            text_bytes: 0,
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.points == 0 && self.params.is_empty() && self.tags.is_empty()
    }

    /// Adds a param. Answers the body that was full before, if it was.
    pub fn param(&mut self, pair: Pair) -> Option<Parts> {
        let full = self.make_room(&pair);
        self.params.push(pair);
        full
    }

    /// As [`param`](Self::param), for a tag.
    pub fn tag(&mut self, pair: Pair) -> Option<Parts> {
        let full = self.make_room(&pair);
        self.tags.push(pair);
        full
    }

    /// Adds as many of the points of a metric as there is room for, and takes them off. Answers the body once it is full.
    pub fn points(&mut self, key: &str, points: &mut &[Point]) -> Option<Parts> {
        let taken;
        (taken, *points) = points.split_at(points.len().min(POINTS - self.points));
        if !taken.is_empty() {
            self.points += taken.len();
            self.series.push(SeriesPart {
                key: key.to_owned(),
                timestamps: taken.iter().map(|point| point.timestamp_ms).collect(),
                steps: taken.iter().map(|point| point.step).collect(),
                values: taken.iter().map(|point| Number(point.value.get())).collect(),
            });
        }
        (self.points == POINTS).then(|| self.take())
    }

    /// The body, which is empty afterwards.
    pub fn take(&mut self) -> Parts {
        let empty = Parts::new(&self.run_id);
        std::mem::replace(self, empty)
    }

    /// The body as it is sent.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers have JSON")
    }

    fn make_room(&mut self, pair: &Pair) -> Option<Parts> {
        let bytes = pair.key.len() + pair.value.len();
        let full = (self.text_bytes > 0 && self.text_bytes + bytes > TEXT_BYTES).then(|| self.take());
        self.text_bytes += bytes;
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MetricValue;

    fn pair(bytes: usize) -> Pair {
        Pair { key: "k".to_owned(), value: "v".repeat(bytes) }
    }

    #[test]
    fn bodies_are_full_and_bounded_and_hold_every_point_once() {
        let points: Vec<Point> = (0..3 * POINTS as i64 / 2)
            .map(|step| Point { timestamp_ms: step, step, value: MetricValue::new(0.5) })
            .collect();
        let mut parts = Parts::new("r");
        let mut bodies = Vec::new();

        for key in ["a", "b"] {
            let mut rest = points.as_slice();
            while !rest.is_empty() {
                bodies.extend(parts.points(key, &mut rest));
            }
        }
        bodies.push(parts.take());

        assert_eq!(bodies.iter().map(|body| body.points).collect::<Vec<_>>(), [POINTS, POINTS, POINTS, 0]);
        let steps = |key: &str| -> Vec<i64> {
            let series = bodies.iter().flat_map(|body| &body.series).filter(|series| series.key == key);
            series.flat_map(|series| series.steps.clone()).collect()
        };
        let all: Vec<i64> = points.iter().map(|point| point.step).collect();
        assert_eq!((steps("a"), steps("b")), (all.clone(), all));
    }

    #[test]
    fn texts_begin_a_new_body_where_one_would_be_too_large() {
        let mut parts = Parts::new("r");

        assert!(parts.param(pair(TEXT_BYTES)).is_none(), "one that is larger than a body stands alone");
        let full = parts.tag(pair(10)).unwrap();

        assert_eq!((full.params.len(), full.tags.len()), (1, 0));
        assert_eq!((parts.params.len(), parts.tags.len()), (0, 1));
    }

    #[test]
    fn numbers_that_json_lacks_are_texts() {
        let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1];
        let points = values.map(|value| Point { timestamp_ms: 1, step: -1, value: MetricValue::new(value) });
        let mut parts = Parts::new("r");
        parts.points("m", &mut points.as_slice());

        let json = String::from_utf8(parts.to_json()).unwrap();

        assert_eq!(
            json,
            r#"{"run_id":"r","params":[],"tags":[],"series":[{"key":"m","timestamps":[1,1,1,1],"steps":[-1,-1,-1,-1],"values":["NaN","Infinity","-Infinity",0.1]}]}"#
        );
    }
}
