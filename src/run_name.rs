//! Names for runs that were given none: `adjective-noun-number`, the form MLflow's users know.

/// Words of at most 8 letters, so that no name is longer than MLflow's longest, 20 characters.
const ADJECTIVES: [&str; 60] = [
    "able", "amber", "ample", "azure", "balmy", "bold", "brave", "breezy", "bright", "brisk", "calm", "clear",
    "cloudy", "cool", "coral", "crisp", "curious", "deep", "distant", "eager", "early", "easy", "fair", "fresh",
    "gentle", "gleaming", "golden", "grand", "happy", "high", "keen", "kind", "light", "lively", "lucid", "mellow",
    "mild", "misty", "nimble", "northern", "open", "patient", "placid", "proud", "quick", "quiet", "rapid", "serene",
    "sharp", "silver", "smooth", "snowy", "solar", "southern", "steady", "sunny", "swift", "tidal", "vivid", "warm",
];

/// Words of at most 7 letters.
const NOUNS: [&str; 60] = [
    "anchor", "aurora", "bay", "beacon", "breeze", "bridge", "buoy", "cape", "channel", "cirrus", "cloud", "coast",
    "comet", "compass", "cove", "cumulus", "current", "cutter", "dawn", "delta", "dew", "dinghy", "dune", "fjord",
    "foam", "front", "frost", "gale", "glacier", "gulf", "gull", "halo", "harbour", "horizon", "island", "isobar",
    "jetty", "keel", "kite", "lagoon", "mast", "mist", "monsoon", "oar", "ocean", "petrel", "pilot", "rain", "reef",
    "ripple", "rudder", "sail", "sextant", "shore", "sloop", "spray", "storm", "sunrise", "tide", "zephyr",
];

/// The number at the end is below this.
const NUMBERS: u64 = 1000;

/// The name that the random number `random` stands for; there are 3.6 million, so equal names happen and are allowed.
pub fn generate(random: u64) -> String {
    let (rest, number) = (random / NUMBERS, random % NUMBERS);
    let (rest, noun) = pick(&NOUNS, rest);
    let (_, adjective) = pick(&ADJECTIVES, rest);
    format!("{adjective}-{noun}-{number}")
}

/// Uses up as much of `random` as the choice of a word needs, and gives back the rest.
fn pick(words: &[&'static str; 60], random: u64) -> (u64, &'static str) {
    let count = words.len() as u64;
    (random / count, words[(random % count) as usize])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_word_is_short_lower_case_and_there_once() {
        for (words, length) in [(ADJECTIVES, 8), (NOUNS, 7)] {
            let distinct: HashSet<&str> = words.into_iter().collect();

            assert_eq!(distinct.len(), words.len());
            for word in words {
                assert!(word.len() <= length && word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
            }
        }
    }

    #[test]
    fn a_name_is_an_adjective_a_noun_and_a_number() {
        assert_eq!(generate(0), "able-anchor-0");
        assert_eq!(generate(NUMBERS), "able-aurora-0");
        assert_eq!(generate(NUMBERS * 60 + 7), "amber-anchor-7");
        assert_eq!(generate(NUMBERS * 60 * 60 - 1), "warm-zephyr-999");
    }

    #[test]
    fn every_part_of_a_large_random_number_counts() {
        let names: HashSet<String> = (0..1000).map(|seed| generate(u64::MAX / 1000 * seed)).collect();

        assert!(names.len() > 990, "{} names", names.len());
        assert!(names.iter().all(|name| name.len() <= 20));
    }
}
