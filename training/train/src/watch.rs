//! Those who watch a run. In: its events. Out: a progress bar for people, `metrics.jsonl` for programs.

mod bar;
mod board;
mod metrics;

use std::time::Duration;

pub use bar::Bar;
pub use board::Board;
pub(crate) use metrics::METRICS;
pub use metrics::MetricsFile;

/// A time in words, as precise as somebody who waits needs it.
pub fn words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_precise_as_is_useful() {
        let of = |seconds| words(Duration::from_secs(seconds));
        assert_eq!(
            [of(3), of(61), of(3599), of(3600), of(90_061)],
            ["3 s", "2 min", "60 min", "1 h 00 min", "25 h 01 min"]
        );
    }
}
