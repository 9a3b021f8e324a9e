//! Exponential smoothing by the distance of steps, without bias at the start.

/// Smooths the values of one series one by one.
#[derive(Debug, Clone)]
pub struct Smoother {
    smoothing: f64,
    typical: f64,
    weight: f64,
    value: f64,
    previous_step: Option<i64>,
    known: (f64, f64),
}

impl Smoother {
    /// `smoothing` is the weight, from 0 to below 1, that a value keeps over the `typical` distance of steps.
    pub fn new(smoothing: f64, typical: f64) -> Self {
        // The same distance comes again and again, and its power is the dearest part.
        Smoother { smoothing, typical, weight: 0.0, value: 0.0, previous_step: None, known: (1.0, smoothing) }
    }

    /// The usual distance between the steps of a series of `count` points.
    pub fn typical(steps: (i64, i64), count: u64) -> f64 {
        let span = steps.1.wrapping_sub(steps.0) as u64 as f64;
        if count < 2 { 0.0 } else { span / (count - 1) as f64 }
    }

    /// Begins anew.
    pub fn restart(&mut self) {
        (self.weight, self.value, self.previous_step) = (0.0, 0.0, None);
    }

    /// The smoothed value at a point; `value` is finite.
    #[inline]
    pub fn next(&mut self, step: i64, value: f64) -> f64 {
        if let Some(previous) = self.previous_step {
            // A series in disorder is not restarted, so steps may go either way.
            let exponent = if self.typical > 0.0 { step.abs_diff(previous) as f64 / self.typical } else { 1.0 };
            if exponent != self.known.0 {
                self.known = (exponent, self.smoothing.powf(exponent));
            }
            self.weight *= self.known.1;
        }
        self.previous_step = Some(step);
        self.weight += 1.0;
        let share = 1.0 / self.weight;
        self.value = self.value * (1.0 - share) + value * share;
        self.value
    }
}
