//! How long is waited between two tries. In: tries that failed. Out: pauses that grow while the server is away, and begin anew once it is back.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15 * 60);

pub(super) struct Pace(ExponentialBackoff);

impl Pace {
    pub(super) fn new() -> Self {
        let growing = ExponentialBuilder::default().with_min_delay(FIRST).with_max_delay(LONGEST);
        Self(growing.with_factor(3.0).with_jitter().without_max_times().build())
    }

    pub(super) fn next(&mut self) -> Duration {
        self.0.next().unwrap_or(LONGEST)
    }
}
