//! Pictures of fields on a globe, as plots of a training look, in PNG.

use std::f64::consts::TAU;
use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use super::random::Random;

const WIDTH: usize = 240;
const HEIGHT: usize = 120;
/// Waves that make up a field.
const WAVES: usize = 6;
/// Colours from the least value to the greatest.
const COLOURS: [[f64; 3]; 5] =
    [[68.0, 1.0, 84.0], [59.0, 82.0, 139.0], [33.0, 145.0, 140.0], [94.0, 201.0, 98.0], [253.0, 231.0, 37.0]];

/// A map of the field `name` as a model sees it that is `error` from the truth, 0 to 1.
pub(super) fn map(name: &str, error: f64) -> Vec<u8> {
    let (truth, guess) = (Waves::of(name), Waves::of(&format!("guess at {name}")));
    let mut rows = Vec::with_capacity(HEIGHT * (1 + WIDTH * 3));
    let (truth, guess) = (truth.tables(), guess.tables());
    for row in 0..HEIGHT {
        // No filter.
        rows.push(0);
        for column in 0..WIDTH {
            let height = (1.0 - error) * truth.at(row, column) + error * guess.at(row, column);
            rows.extend(colour(0.5 + height / 2.0));
        }
    }
    png(WIDTH as u32, HEIGHT as u32, &rows)
}

/// Waves along and across, of which a field is made.
struct Waves(Vec<(f64, f64, f64, f64)>);

impl Waves {
    fn of(name: &str) -> Self {
        let mut random = Random::named(name);
        let mut whole = |most: f64| 1.0 + (random.unit() * most).floor();
        let counts: Vec<(f64, f64)> = (0..WAVES).map(|_| (whole(5.0), whole(3.0))).collect();
        Waves(counts.into_iter().map(|(along, across)| (along, across, random.unit(), random.unit())).collect())
    }

    /// The waves at each column and row: their products are the field.
    fn tables(&self) -> Tables {
        let wave = |count: f64, phase: f64, place: usize, length: usize| {
            (TAU * (count * place as f64 / length as f64 + phase)).sin()
        };
        Tables {
            columns: (0..WIDTH).map(|x| self.0.iter().map(|w| wave(w.0, w.2, x, WIDTH)).collect()).collect(),
            rows: (0..HEIGHT).map(|y| self.0.iter().map(|w| wave(w.1, w.3, y, 2 * HEIGHT)).collect()).collect(),
        }
    }
}

struct Tables {
    columns: Vec<Vec<f64>>,
    rows: Vec<Vec<f64>>,
}

impl Tables {
    fn at(&self, row: usize, column: usize) -> f64 {
        let products = self.rows[row].iter().zip(&self.columns[column]).map(|(across, along)| across * along);
        products.sum::<f64>() * 2.0 / WAVES as f64
    }
}

fn colour(value: f64) -> [u8; 3] {
    let place = value.clamp(0.0, 1.0) * (COLOURS.len() - 1) as f64;
    let left = (place as usize).min(COLOURS.len() - 2);
    let part = place - left as f64;
    std::array::from_fn(|channel| (COLOURS[left][channel] * (1.0 - part) + COLOURS[left + 1][channel] * part) as u8)
}

/// A PNG file of 8-bit RGB from its rows, each with its filter before it.
fn png(width: u32, height: u32, rows: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let pixels = encoder.write_all(rows).and_then(|()| encoder.finish()).expect("writing to memory does not fail");
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", &header), (b"IDAT", &pixels), (b"IEND", &Vec::new())] {
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(kind);
        file.extend(data);
        file.extend(sum.sum().to_be_bytes());
    }
    file
}
