//! Where a value stands on an axis, and which values are written beside it. In: values. Out: shares of the axis' length, marks.

use super::Scale;

/// About how many marks an axis has.
const MARKS: f64 = 6.0;

/// An axis with its ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    scale: Scale,
    /// The ends, of a logarithmic axis their decimal logarithms.
    low: f64,
    high: f64,
}

impl Span {
    /// An axis that has all values, with some room; those that cannot stand on it are left out.
    pub(super) fn of(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter_map(|value| onto(scale, value)) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= f64::EPSILON * high.abs().max(1e-300) {
            let room = match scale {
                Scale::Linear if high != 0.0 => high.abs() * 0.5,
                _ => 0.5,
            };
            (low, high) = (low - room, high + room);
        }
        Self { scale, low, high }
    }

    /// The same with room above and below, so that no line runs along the frame.
    pub(super) fn widened(self) -> Self {
        let room = (self.high - self.low) * 0.05;
        // What is never negative gets no negative axis.
        let floor = if self.scale == Scale::Linear && self.low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
        Self { low: (self.low - room).max(floor), high: self.high + room, ..self }
    }

    /// 0 at the low end, 1 at the high one; none where the value cannot stand on it.
    pub(super) fn place(self, value: f64) -> Option<f64> {
        onto(self.scale, value).map(|value| (value - self.low) / (self.high - self.low))
    }

    /// Marks and what is written beside them, ascending: multiples of 1, 2 or 5 times a power of ten; on a logarithmic axis powers of ten, with
    /// their multiples by 2 and 5 where there are few powers.
    pub(super) fn marks(self) -> Vec<(f64, String)> {
        match self.scale {
            Scale::Linear => self.even(|value| value),
            Scale::Logarithmic => {
                let steps = match self.high - self.low {
                    decades if decades < 0.7 => return self.even(|exponent| 10f64.powf(exponent)),
                    decades if decades < 3.0 => [1.0, 2.0, 5.0].as_slice(),
                    _ => [1.0].as_slice(),
                };
                let every = ((self.high - self.low) / (MARKS * 1.5)).ceil().max(1.0) as i32;
                let powers =
                    (self.low.floor() as i32..=self.high.ceil() as i32).filter(|power| power % every == 0);
                let values = powers.flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
                let within = values.filter(|value| (self.low..=self.high).contains(&value.log10()));
                within.map(|value| (value, written(value, value))).collect()
            }
        }
    }

    /// Round values between the ends. Of a short logarithmic axis too: its values are about even there.
    fn even(self, value: impl Fn(f64) -> f64) -> Vec<(f64, String)> {
        let (low, high) = (value(self.low), value(self.high));
        let step = round_step((high - low) / MARKS);
        let first = (low / step).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        (first..=last).map(|at| at as f64 * step).map(|value| (value, written(value, step))).collect()
    }
}

fn onto(scale: Scale, value: f64) -> Option<f64> {
    let onto = match scale {
        Scale::Linear => value,
        Scale::Logarithmic if value > 0.0 => value.log10(),
        Scale::Logarithmic => return None,
    };
    onto.is_finite().then_some(onto)
}

/// The least of 1, 2, 5 times a power of ten that is no smaller.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().find(|round| round * power >= step * (1.0 - 1e-9));
    round.unwrap_or(10.0) * power
}

/// A value with the digits that tell it from one a `step` away: thousands as k, millions as M, the smallest with a power.
pub(super) fn written(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let size = value.abs();
    if size < 1e-3 {
        // Digits beyond the first, as many as the step is smaller than the value.
        let digits = (size.log10().floor() - step.abs().log10().floor()).clamp(0.0, 3.0) as usize;
        return format!("{value:.digits$e}");
    }
    let (unit, name) = match size {
        _ if step.abs() >= 1e6 => (1e6, "M"),
        _ if size >= 1e4 && step.abs() >= 100.0 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let step = (step / unit).abs();
    let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    let text = format!("{:.digits$}", value / unit);
    format!("{text}{name}")
}

#[cfg(test)]
mod tests {
    use super::{Scale, Span, written};

    fn texts(scale: Scale, low: f64, high: f64) -> Vec<String> {
        Span::of(scale, [low, high].into_iter()).marks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn marks_are_round() {
        assert_eq!(texts(Scale::Linear, 0.0, 1000.0), ["0", "200", "400", "600", "800", "1000"]);
        assert_eq!(texts(Scale::Linear, 1.93, 2.11), ["1.95", "2.00", "2.05", "2.10"]);
        assert_eq!(
            texts(Scale::Linear, 0.0, 3e-4),
            ["0", "5e-5", "1.0e-4", "1.5e-4", "2.0e-4", "2.5e-4", "3.0e-4"]
        );
        assert_eq!(texts(Scale::Linear, 0.0, 50_000.0), ["0", "10k", "20k", "30k", "40k", "50k"]);
        assert_eq!(texts(Scale::Logarithmic, 1e-5, 1e-2), ["1e-5", "1e-4", "0.001", "0.01"]);
        assert_eq!(texts(Scale::Logarithmic, 1.0, 10.0), ["1", "2", "5", "10"]);
        assert_eq!(texts(Scale::Logarithmic, 2.0, 3.0), ["2.0", "2.2", "2.4", "2.6", "2.8", "3.0"]);
    }

    #[test]
    fn an_axis_of_one_value_or_none_is_one_all_the_same() {
        for values in [vec![], vec![3.0], vec![0.0], vec![f64::NAN, f64::INFINITY], vec![-1e300]] {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                let span = Span::of(scale, values.iter().copied()).widened();
                assert!((1..=12).contains(&span.marks().len()), "{values:?} {scale:?}: {:?}", span.marks());
            }
        }
        assert_eq!(Span::of(Scale::Linear, [3.0].into_iter()).place(3.0), Some(0.5));
        assert_eq!(Span::of(Scale::Logarithmic, [3.0].into_iter()).place(0.0), None);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(written(1_500_000.0, 500_000.0), "1500k");
        assert_eq!(written(2_000_000.0, 1_000_000.0), "2M");
        assert_eq!(written(12_345.0, 1.0), "12345");
        assert_eq!(written(-0.25, 0.05), "-0.25");
    }
}
