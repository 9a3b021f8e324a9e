//! Coding and decoding of metric points: `cargo bench --bench points`.
//!
//! The bytes per point of each kind of series are printed first.

use divan::{Bencher, black_box, counter::ItemsCount};
use windvane::{
    model::{MetricValue, Point},
    store::points::{chunk, segment},
};

fn main() {
    for kind in KINDS {
        let blob = chunk::encode(&series(kind, chunk::MAX_POINTS));
        println!("{kind:?}: {:.3} bytes per point", blob.len() as f64 / chunk::MAX_POINTS as f64);
    }
    divan::main();
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A loss in double precision.
    NoisyDouble,
    /// A loss that was computed in single precision.
    NoisyFloat,
    /// A loss that was rounded to four digits.
    Rounded,
    /// A cosine schedule of the learning rate.
    Schedule,
    /// The number of the epoch.
    Epoch,
    /// The same value each time.
    Constant,
}

const KINDS: [Kind; 6] =
    [Kind::NoisyDouble, Kind::NoisyFloat, Kind::Rounded, Kind::Schedule, Kind::Epoch, Kind::Constant];

/// A series as a trainer logs it: every 50 steps, about twice a second.
fn series(kind: Kind, count: usize) -> Vec<Point> {
    let mut state = 88_172_645_463_325_252_u64;
    // Xorshift: the same noise in every run.
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut timestamp_ms = 1_790_000_000_000;
    let points = (0..count).map(|index| {
        timestamp_ms += 490 + (noise() * 20.0) as i64;
        let loss = 10.0 / (1.0 + 0.01 * index as f64) + noise();
        let value = match kind {
            Kind::NoisyDouble => loss,
            Kind::NoisyFloat => f64::from(loss as f32),
            Kind::Rounded => (loss * 10_000.0).round() / 10_000.0,
            Kind::Schedule => 3e-5 * (1.0 + (index as f64 / 30_000.0).cos()),
            Kind::Epoch => (index / 313) as f64,
            Kind::Constant => 0.1,
        };
        Point { timestamp_ms, step: index as i64 * 50, value: MetricValue::new(value) }
    });
    points.collect()
}

/// Series of `length` points that share their timestamps and steps, as `log-batch` brings them.
fn batch(keys: i64, length: usize, kind: Kind) -> Vec<(i64, Vec<Point>)> {
    (1..=keys).map(|key_id| (key_id, series(kind, length))).collect()
}

fn borrow(series: &[(i64, Vec<Point>)]) -> Vec<(i64, &[Point])> {
    series.iter().map(|(key_id, points)| (*key_id, points.as_slice())).collect()
}

#[divan::bench(args = KINDS)]
fn encode_chunk(bencher: Bencher, kind: Kind) {
    let points = series(kind, chunk::MAX_POINTS);
    bencher.counter(ItemsCount::new(points.len())).bench(|| chunk::encode(black_box(&points)));
}

#[divan::bench(args = KINDS)]
fn decode_chunk(bencher: Bencher, kind: Kind) {
    let blob = chunk::encode(&series(kind, chunk::MAX_POINTS));
    let mut points = Vec::with_capacity(chunk::MAX_POINTS);
    bencher.counter(ItemsCount::new(chunk::MAX_POINTS)).bench_local(|| {
        points.clear();
        chunk::decode_into(black_box(&blob), &mut points)
    });
}

#[divan::bench(args = [(1, 1), (10, 1), (10, 100), (1_000, 1)])]
fn encode_segment(bencher: Bencher, (keys, length): (i64, usize)) {
    let series = batch(keys, length, Kind::NoisyDouble);
    let series = borrow(&series);
    bencher.counter(ItemsCount::new(keys as usize * length)).bench(|| segment::encode(black_box(&series)));
}

#[divan::bench(args = [(1, 1), (10, 1), (10, 100), (1_000, 1)])]
fn decode_segment(bencher: Bencher, (keys, length): (i64, usize)) {
    let blob = segment::encode(&borrow(&batch(keys, length, Kind::NoisyDouble)));
    bencher.counter(ItemsCount::new(keys as usize * length)).bench(|| segment::decode_all(black_box(&blob)));
}

#[divan::bench(args = [(1, 1), (10, 1), (10, 100), (1_000, 1)])]
fn find_last_series_of_segment(bencher: Bencher, (keys, length): (i64, usize)) {
    let blob = segment::encode(&borrow(&batch(keys, length, Kind::NoisyDouble)));
    bencher.counter(ItemsCount::new(length)).bench(|| segment::series(black_box(&blob), keys));
}

/// What compaction leaves of a run with many metrics.
#[divan::bench(args = KINDS)]
fn encode_compressed_remainder(bencher: Bencher, kind: Kind) {
    let series = batch(100, 400, kind);
    let series = borrow(&series);
    bencher.counter(ItemsCount::new(40_000_usize)).bench(|| segment::encode_compressed(black_box(&series)));
}
