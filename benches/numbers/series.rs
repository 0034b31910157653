//! Many runs of the same thing.

use std::time::Duration;

use crate::process::Sample;

/// The runs of one contender.
#[derive(Debug, Default)]
pub struct Series(Vec<Sample>);

impl Series {
    /// The median time from start to end.
    pub fn wall(&self) -> Duration {
        median(self.0.iter().map(|sample| sample.wall).collect())
    }

    /// The median processor time.
    pub fn cpu(&self) -> Duration {
        median(self.0.iter().map(|sample| sample.cpu).collect())
    }

    /// The median memory.
    pub fn memory(&self) -> u64 {
        median(self.0.iter().map(|sample| sample.memory).collect())
    }
}

pub fn median<T: Ord + Copy>(mut all: Vec<T>) -> T {
    all.sort_unstable();
    *all.get(all.len() / 2).expect("at least one")
}

/// One contender; its argument is the number of the round.
pub type Contender<'a> = &'a dyn Fn(usize) -> Sample;

/// Lets each contender run once in every round. A round before the first warms the caches.
pub fn interleave<const N: usize>(rounds: usize, contenders: [Contender<'_>; N]) -> [Series; N] {
    let mut all = [const { Series(Vec::new()) }; N];
    for round in 0..=rounds {
        for (series, contender) in all.iter_mut().zip(contenders) {
            let sample = contender(round);
            if round > 0 {
                series.0.push(sample);
            }
        }
    }
    all
}
