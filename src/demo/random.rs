//! Numbers that look random and follow from a name alone.

/// A SplitMix64 generator. No clock and no system goes into it: the example is the same on every machine.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The generator that belongs to `name` (seeded with its FNV-1a hash), whatever was drawn for other names.
    pub fn named(name: &str) -> Self {
        Random(
            name.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
        )
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number from 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The next number of about a normal distribution around 0 of deviation 1, from sums alone: logarithms differ between
    /// machines in their last digit.
    pub fn normal(&mut self) -> f64 {
        let sum = self.unit() + self.unit() + self.unit() + self.unit();
        (sum - 2.0) * 3.0_f64.sqrt()
    }
}

/// The id of the run that the example knows by this name.
pub(super) fn run_id(name: &str) -> String {
    let mut random = Random::named(name);
    format!("{:016x}{:016x}", random.bits(), random.bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_from_the_name_and_are_spread() {
        let mut random = Random::named("aifs");
        let numbers: Vec<f64> = (0..10_000).map(|_| random.normal()).collect();
        let mean = numbers.iter().sum::<f64>() / 10_000.0;
        let variance = numbers.iter().map(|number| number * number).sum::<f64>() / 10_000.0;

        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert_eq!(run_id("aifs"), run_id("aifs"));
        assert_ne!(run_id("aifs"), run_id("aifs "));
        assert_eq!(run_id("aifs").len(), 32);
    }
}
