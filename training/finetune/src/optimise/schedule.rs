//! The learning rate of each step.

use serde::{Deserialize, Serialize};

/// How the learning rate changes: it rises evenly during the warm-up, and then has a [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// What it does after the warm-up.
    pub shape: Shape,
    /// The highest learning rate, that of the last step of the warm-up.
    pub peak: f64,
    /// Steps of the warm-up; with 0 and 1 the first step has the peak.
    pub warmup: u64,
    /// Steps of the whole run.
    pub total: u64,
    /// The share of the peak below which the rate does not fall after the warm-up.
    pub floor: f64,
}

/// What the learning rate does after a warm-up of `w` steps, at step `s` of `n`, both from 1. `t = (s − w) / (n − w + 1)` goes from 0 at the
/// end of the warm-up to just below 1 at the last step, so that no step is made with a rate of 0. `w` counts as 1 where it is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// `peak`.
    Constant,
    /// `floor + (peak − floor) · (1 − t)`.
    Linear,
    /// `floor + (peak − floor) · (1 + cos π t) / 2`: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
    /// 2017, equation 5, without a restart.
    Cosine,
    /// `max(floor, peak · √(w / s))`: Vaswani et al., "Attention Is All You Need", 2017, equation 3. Without a warm-up it is
    /// `peak / √s`.
    InverseSqrt,
}

impl Schedule {
    /// The learning rate of a step, from 1.
    pub fn rate(&self, step: u64) -> f64 {
        let warmup = self.warmup.max(1);
        if step < warmup {
            return self.peak * step as f64 / warmup as f64;
        }
        let floor = self.peak * self.floor;
        let part = step.min(self.total) - warmup.min(step.min(self.total));
        let t = part as f64 / (self.total.saturating_sub(warmup) + 1) as f64;
        match self.shape {
            Shape::Constant => self.peak,
            Shape::Linear => floor + (self.peak - floor) * (1.0 - t),
            Shape::Cosine => floor + (self.peak - floor) * 0.5 * (1.0 + (std::f64::consts::PI * t).cos()),
            Shape::InverseSqrt => (self.peak * (warmup as f64 / step as f64).sqrt()).max(floor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(shape: Shape, warmup: u64, floor: f64) -> Schedule {
        Schedule { shape, peak: 2e-3, warmup, total: 100, floor }
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-15, "{a} is not {b}");
    }

    #[test]
    fn each_warms_up_evenly_to_the_peak() {
        for shape in [Shape::Constant, Shape::Linear, Shape::Cosine, Shape::InverseSqrt] {
            let schedule = schedule(shape, 10, 0.0);
            for step in 1..=10 {
                near(schedule.rate(step), 2e-4 * step as f64);
            }
            assert!(schedule.rate(11) <= schedule.rate(10));
            near(Schedule { warmup: 0, ..schedule }.rate(1), 2e-3);
            near(Schedule { warmup: 1, ..schedule }.rate(1), 2e-3);
            // A run shorter than its warm-up never falls below nothing.
            let short = Schedule { total: 5, ..schedule };
            assert!((1..=20).all(|step| short.rate(step) > 0.0));
        }
    }

    #[test]
    fn the_inverse_square_root_is_the_seeds() {
        let plain = schedule(Shape::InverseSqrt, 0, 0.0);
        for step in [1, 2, 9, 64, 100] {
            near(plain.rate(step), 2e-3 / (step as f64).sqrt());
        }
        // With a warm-up it is Vaswani's: both branches meet at its last step.
        let warm = schedule(Shape::InverseSqrt, 16, 0.0);
        let factor = 2e-3 * 16f64.sqrt();
        for step in 1..=100u64 {
            let s = step as f64;
            near(warm.rate(step), factor * s.powf(-0.5).min(s * 16f64.powf(-1.5)));
        }
        near(schedule(Shape::InverseSqrt, 0, 0.5).rate(100), 1e-3);
    }

    #[test]
    fn linear_and_cosine_fall_to_just_above_the_floor() {
        let linear = schedule(Shape::Linear, 10, 0.1);
        near(linear.rate(10), 2e-3);
        near(linear.rate(100), 2e-4 + 1.8e-3 / 91.0);
        near(linear.rate(55) - linear.rate(56), 1.8e-3 / 91.0);
        let cosine = Schedule { total: 99, ..schedule(Shape::Cosine, 0, 0.0) };
        near(cosine.rate(1), 2e-3);
        // Half of the way from the first step to the one after the last but one.
        near(Schedule { total: 100, ..cosine }.rate(51), 1e-3);
        near(cosine.rate(99), 1e-3 * (1.0 + (std::f64::consts::PI * 98.0 / 99.0).cos()));
        assert!((1..99).all(|step| cosine.rate(step) > cosine.rate(step + 1)));
        near(schedule(Shape::Constant, 10, 0.0).rate(77), 2e-3);
    }
}
