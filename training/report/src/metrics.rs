//! Numbers by step, as a run keeps them. In: lines of JSON. Out: one series for each name. It must not know what the numbers mean.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::error::{ReportError, unread};

/// The key of the step.
const STEP: &str = "step";

/// Series of numbers, each a value by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    series: BTreeMap<String, BTreeMap<u64, f64>>,
}

impl Metrics {
    /// Reads lines like `{"step": 10, "loss": 2.1, "eval": {"loss": 2.3}}`: each number becomes a point of the series of its name, of names in names
    /// those joined by `/` (`eval/loss`); `null`, as JSON has numbers that are none, and texts become nothing. Where the step goes back, a run was resumed from a
    /// checkpoint: what was said of that step and later ones is forgotten. A last line without its end was cut off, and is left out.
    ///
    /// # Errors
    /// When the file cannot be read, or a line is no object with a step.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let text = fs::read_to_string(path).map_err(unread(path))?;
        let mut metrics = Self::default();
        let mut last = None;
        for (line, content) in (1..).zip(text.split_inclusive('\n')) {
            if content.trim().is_empty() {
                continue;
            }
            let wrong = |reason: String| ReportError::Line { path: path.to_owned(), line, reason };
            let entry: Value = match serde_json::from_str(content) {
                Ok(entry) => entry,
                Err(_) if !content.ends_with('\n') => break,
                Err(error) => return Err(wrong(error.to_string())),
            };
            let Some(step) = entry.get(STEP).and_then(Value::as_u64) else {
                return Err(wrong(format!("no whole number `{STEP}`")));
            };
            if last.is_some_and(|last| step < last) {
                metrics.forget(step);
            }
            last = Some(step);
            metrics.take(step, "", &entry);
        }
        Ok(metrics)
    }

    /// One more point; of a step that is there already, the later one counts.
    pub fn add(&mut self, name: &str, step: u64, value: f64) {
        self.series.entry(name.to_owned()).or_default().insert(step, value);
    }

    /// The names of the series, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.series.keys().map(String::as_str)
    }

    /// The points of a series, by step; none where there is no such series.
    pub fn points(&self, name: &str) -> Vec<(f64, f64)> {
        let points = self.series.get(name).into_iter().flatten();
        points.map(|(&step, &value)| (step as f64, value)).collect()
    }

    /// The last value of a series.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.series.get(name)?.values().next_back().copied()
    }

    /// The least value of a series, and its step.
    pub fn least(&self, name: &str) -> Option<(u64, f64)> {
        let points = self.series.get(name)?.iter().filter(|(_, value)| value.is_finite());
        points.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(&step, &value)| (step, value))
    }

    fn forget(&mut self, from: u64) {
        self.series.values_mut().for_each(|points| drop(points.split_off(&from)));
        self.series.retain(|_, points| !points.is_empty());
    }

    fn take(&mut self, step: u64, within: &str, entry: &Value) {
        for (key, value) in entry.as_object().into_iter().flatten() {
            let name = if within.is_empty() { key.clone() } else { format!("{within}/{key}") };
            match value {
                Value::Number(number) if name != STEP => {
                    if let Some(number) = number.as_f64() {
                        self.add(&name, step, number);
                    }
                }
                Value::Object(_) => self.take(step, &name, value),
                _ => {}
            }
        }
    }
}

/// Exponential smoothing as TensorBoard draws it: each point is an average in which a point `n` before counts `weight`ⁿ, its bias toward
/// the beginning corrected (Kingma and Ba 2015, section 3). Values that are no numbers stay as they are and count nothing.
pub fn smooth(points: &[(f64, f64)], weight: f64) -> Vec<(f64, f64)> {
    let (mut sum, mut of) = (0.0, 0.0);
    let one = |&(at, value): &(f64, f64)| {
        if !value.is_finite() {
            return (at, value);
        }
        sum = sum * weight + (1.0 - weight) * value;
        of = of * weight + (1.0 - weight);
        (at, sum / of)
    };
    points.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::{Metrics, smooth};
    use crate::ReportError;

    fn read(text: &str) -> Result<Metrics, ReportError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, text).unwrap();
        Metrics::read(&path)
    }

    #[test]
    fn lines_become_series() {
        let metrics = read(
            "{\"step\":1,\"loss\":3.5,\"note\":\"x\"}\n\n{\"step\":2,\"loss\":null,\"eval\":{\"loss\":2}}\n",
        )
        .unwrap();
        assert_eq!(metrics.names().collect::<Vec<_>>(), ["eval/loss", "loss"]);
        assert_eq!(metrics.points("loss"), [(1.0, 3.5)]);
        assert_eq!(metrics.points("eval/loss"), [(2.0, 2.0)]);
        assert_eq!(metrics.points("none"), []);
    }

    #[test]
    fn a_resumed_run_overwrites_what_it_repeats() {
        let lines = [(1, 5.0), (2, 4.0), (3, 9.0), (4, 9.0), (3, 3.0)]
            .map(|(step, loss)| format!("{{\"step\":{step},\"loss\":{loss}}}\n"));
        let metrics = read(&lines.concat()).unwrap();
        assert_eq!(metrics.points("loss"), [(1.0, 5.0), (2.0, 4.0), (3.0, 3.0)]);
        assert_eq!(metrics.last("loss"), Some(3.0));
        assert_eq!(metrics.least("loss"), Some((3, 3.0)));
    }

    #[test]
    fn a_line_that_was_cut_off_is_left_out_and_a_broken_one_named() {
        assert_eq!(read("{\"step\":1,\"loss\":1}\n{\"step\":2,\"lo").unwrap().points("loss"), [(1.0, 1.0)]);
        let error = read("{\"step\":1}\n{\"step\":2,\"lo\n{\"step\":3}\n").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        let error = read("{\"loss\":1}\n").unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("`step`"), "{error}");
    }

    #[test]
    fn smoothing_has_no_bias_toward_the_beginning_and_passes_over_what_is_no_number() {
        let flat: Vec<_> = (0..5).map(|at| (f64::from(at), 7.0)).collect();
        for (_, value) in smooth(&flat, 0.9) {
            assert!((value - 7.0).abs() < 1e-12, "{value}");
        }
        let smoothed = smooth(&[(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0)], 0.5);
        assert_eq!(smoothed[0], (0.0, 1.0));
        assert!(smoothed[1].1.is_nan());
        // (0.5 · 0.5 · 1 + 0.5 · 3) / (0.25 + 0.5)
        assert!((smoothed[2].1 - 1.75 / 0.75).abs() < 1e-12);
    }
}
