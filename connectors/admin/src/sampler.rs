//! The last hour. In: what is counted, looked at every ten seconds. Out: points of a plot: how many tokens a second, how long people wait. It is kept
//! in memory alone, and as much of it as an hour.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loquat_contract::Timestamp;
use serde::Serialize;

use crate::exposition::{Value, read};
use crate::operations::Operations;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(10);
/// How much is kept: an hour.
const KEPT: usize = 360;
/// A point is about so many looks back: a minute.
const WINDOW: usize = 6;

/// What was counted at a moment, since the bot was started.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sample {
    at: Timestamp,
    tokens: f64,
    replies: f64,
    /// How many replies took at most so long until the first token, in seconds.
    first: Vec<(f64, f64)>,
    /// The same until they were complete.
    total: Vec<(f64, f64)>,
    waiting: f64,
    active: f64,
}

/// A point of the plots.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Point {
    at: Timestamp,
    /// Tokens a second, over the minute before.
    tokens: Option<f64>,
    /// Replies a minute.
    replies: Option<f64>,
    /// Seconds to the first token of half, and of 95 in 100, of the minute's replies.
    first: [Option<f64>; 2],
    /// Seconds to the whole reply.
    total: [Option<f64>; 2],
    waiting: f64,
    active: f64,
}

/// What was looked at.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<VecDeque<Sample>>);

impl History {
    /// One that is looked into for as long as somebody has it; within a runtime.
    pub(crate) fn of(operations: &Arc<dyn Operations>) -> Arc<Self> {
        let history = Arc::new(Self::default());
        let (looking, operations) = (Arc::downgrade(&history), Arc::downgrade(operations));
        tokio::spawn(async move {
            let mut every = tokio::time::interval(EVERY);
            loop {
                every.tick().await;
                let (Some(history), Some(operations)) = (looking.upgrade(), operations.upgrade()) else {
                    return;
                };
                history.take(Timestamp::now(), &operations.metrics());
            }
        });
        history
    }

    fn take(&self, at: Timestamp, metrics: &str) {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == KEPT + WINDOW {
            samples.pop_front();
        }
        samples.push_back(Sample::of(at, &read(metrics)));
    }

    /// The points, oldest first.
    pub(crate) fn points(&self) -> Vec<Point> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = samples.len().saturating_sub(KEPT);
        (first..samples.len()).map(|at| samples[at].since(&samples[at.saturating_sub(WINDOW)])).collect()
    }
}

impl Sample {
    fn of(at: Timestamp, values: &[Value]) -> Self {
        let sum = |name: &str| values.iter().filter(|one| one.name == name).map(|one| one.value).sum();
        let buckets = |name: &str| {
            let of = values.iter().filter(|one| one.name == name);
            let mut buckets: Vec<(f64, f64)> = of
                .filter_map(|one| {
                    let limit = one.labels.get("le")?;
                    let limit = if limit == "+Inf" { f64::INFINITY } else { limit.parse().ok()? };
                    Some((limit, one.value))
                })
                .collect();
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            buckets
        };
        Self {
            at,
            tokens: sum("loquat_model_completion_tokens_total"),
            replies: sum("loquat_replies_total"),
            first: buckets("loquat_first_token_seconds_bucket"),
            total: buckets("loquat_reply_seconds_bucket"),
            waiting: sum("loquat_model_waiting_requests"),
            active: sum("loquat_model_active_requests"),
        }
    }

    fn since(&self, before: &Self) -> Point {
        let seconds = before.at.age_at(self.at).as_secs_f64();
        let rate = |now: f64, then: f64| (seconds > 0.0 && now >= then).then(|| (now - then) / seconds);
        let quantiles = |now: &[(f64, f64)], then: &[(f64, f64)]| {
            let grown: Vec<(f64, f64)> = now
                .iter()
                .map(|(limit, count)| {
                    let was = then.iter().find(|(other, _)| other == limit).map_or(0.0, |(_, was)| *was);
                    (*limit, (count - was).max(0.0))
                })
                .collect();
            [0.5, 0.95].map(|share| quantile(&grown, share))
        };
        // The first look has nothing before it.
        let is_first = self.at == before.at;
        Point {
            at: self.at,
            tokens: rate(self.tokens, before.tokens),
            replies: rate(self.replies, before.replies).map(|rate| rate * 60.0),
            first: if is_first { [None; 2] } else { quantiles(&self.first, &before.first) },
            total: if is_first { [None; 2] } else { quantiles(&self.total, &before.total) },
            waiting: self.waiting,
            active: self.active,
        }
    }
}

/// The value that so great a share is at most, as Prometheus' `histogram_quantile` estimates it: within a bucket, evenly. What lies behind the last
/// limit is taken to be at it.
fn quantile(buckets: &[(f64, f64)], share: f64) -> Option<f64> {
    let all = buckets.last()?.1;
    if all <= 0.0 {
        return None;
    }
    let rank = share * all;
    let (mut lower, mut below) = (0.0, 0.0);
    for (limit, count) in buckets {
        if *count >= rank {
            if limit.is_infinite() {
                return Some(lower);
            }
            let within = count - below;
            return Some(if within > 0.0 {
                lower + (limit - lower) * (rank - below) / within
            } else {
                *limit
            });
        }
        (lower, below) = (*limit, *count);
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let buckets = [(0.1, 10.0), (1.0, 90.0), (10.0, 100.0), (f64::INFINITY, 100.0)];
        assert_eq!(quantile(&buckets, 0.5), Some(0.55));
        assert_eq!(quantile(&buckets, 0.95), Some(5.5));
        assert_eq!(quantile(&[(1.0, 0.0), (f64::INFINITY, 4.0)], 0.5), Some(1.0), "it is at least that");
        assert_eq!(quantile(&[(1.0, 0.0)], 0.5), None);
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn points_are_about_the_minute_before_and_no_more_than_an_hour_is_kept() {
        let history = History::default();
        let text = |tokens: u64, fast: u64, all: u64| {
            format!(
                "loquat_model_completion_tokens_total{{model=\"a\"}} {tokens}\nloquat_model_completion_tokens_total{{model=\"b\"}} {tokens}\n\
                 loquat_replies_total{{outcome=\"answered\"}} {all}\nloquat_model_waiting_requests{{model=\"a\"}} 3\n\
                 loquat_reply_seconds_bucket{{le=\"1\"}} {fast}\nloquat_reply_seconds_bucket{{le=\"2\"}} {all}\nloquat_reply_seconds_bucket{{le=\"+Inf\"}} {all}\n"
            )
        };
        for look in 0..500 {
            history.take(Timestamp(look * 10_000), &text(look * 100, look, look * 2));
        }
        let points = history.points();
        assert_eq!(points.len(), KEPT);
        let last = &points[KEPT - 1];
        assert_eq!(last.at, Timestamp(4_990_000));
        assert_eq!((last.tokens, last.replies, last.waiting), (Some(20.0), Some(12.0), 3.0));
        assert_eq!(last.total, [Some(1.0), Some(1.9)]);
        assert_eq!(last.first, [None, None], "nobody waited for a first token");

        // A bot that was started again counts from zero.
        history.take(Timestamp(5_000_000), &text(0, 0, 0));
        assert_eq!(history.points()[KEPT - 1].tokens, None);
    }
}
