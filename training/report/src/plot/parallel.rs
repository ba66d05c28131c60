//! Parallel coordinates (Inselberg 1985): one upright axis for each setting, one line for each trial. In: trials. Out: an SVG.

use super::Scale;
use super::canvas::{Anchor, Canvas};
use super::scale::{Span, written};

const HEIGHT: f64 = 300.0;
const TOP: f64 = 70.0;
const SIDE: f64 = 70.0;
/// Between two axes.
const APART: f64 = 130.0;
/// The number of the colour of the best trial's line, and of the others'.
const BEST: usize = 1;
const OTHER: usize = 0;

/// An axis, and where each trial stands on it.
#[derive(Clone, Debug, PartialEq)]
pub enum Coordinate {
    /// Numbers.
    Numbers {
        /// What they are, with their unit.
        label: String,
        /// How they are laid along the axis.
        scale: Scale,
        /// One a trial; one that is no number ends its line.
        values: Vec<f64>,
    },
    /// Words, which stand evenly in the order in which they first come.
    Words {
        /// What they are.
        label: String,
        /// One a trial.
        values: Vec<String>,
    },
}

/// Trials over axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parallel {
    /// What is seen.
    pub title: String,
    /// The axes, from the left; each has as many values as there are trials.
    pub coordinates: Vec<Coordinate>,
    /// Which trial is marked.
    pub best: Option<usize>,
}

impl Parallel {
    /// The drawing, as wide as it has axes.
    pub fn svg(&self) -> String {
        let axes: Vec<Placed> = self.coordinates.iter().map(Placed::of).collect();
        let width = (2.0 * SIDE + APART * axes.len().saturating_sub(1) as f64).max(320.0);
        let mut canvas = Canvas::new(width, TOP + HEIGHT + 30.0, &self.title);
        canvas.text((width / 2.0, 24.0), Anchor::Middle, "title", &self.title);
        let trials = axes.iter().map(|axis| axis.shares.len()).max().unwrap_or_default();
        let last = self.best.filter(|&best| best < trials);
        // The best lies on top.
        for trial in (0..trials).filter(|&trial| Some(trial) != last).chain(last) {
            let shares = axes.iter().map_while(|axis| axis.shares.get(trial).copied().flatten());
            let points: Vec<(f64, f64)> =
                shares.enumerate().map(|(at, share)| (across(at), up(share))).collect();
            let class = if Some(trial) == last { format!("line s{BEST}") } else { format!("faint s{OTHER}") };
            if !points.is_empty() {
                canvas.line(&class, &points);
            }
        }
        for (at, axis) in axes.iter().enumerate() {
            let x = across(at);
            canvas.line("grid", &[(x, TOP), (x, TOP + HEIGHT)]);
            // Beside each other long labels would run into one another.
            let y = if at % 2 == 0 { TOP - 10.0 } else { TOP - 25.0 };
            canvas.text((x, y), Anchor::Middle, "", &axis.label);
            for (share, text) in &axis.marks {
                canvas.line("grid", &[(x - 4.0, up(*share)), (x + 4.0, up(*share))]);
                canvas.text((x + 8.0, up(*share) + 4.0), Anchor::Start, "quiet", text);
            }
        }
        canvas.finish()
    }
}

/// An axis with its marks, and where each trial stands on it.
struct Placed {
    label: String,
    marks: Vec<(f64, String)>,
    shares: Vec<Option<f64>>,
}

impl Placed {
    fn of(coordinate: &Coordinate) -> Self {
        match coordinate {
            Coordinate::Numbers { label, scale, values } => {
                let span = Span::of(*scale, values.iter().copied());
                let marks =
                    span.marks().into_iter().filter_map(|(value, text)| Some((span.place(value)?, text)));
                let mut marks: Vec<_> = marks.collect();
                if marks.is_empty() {
                    let ends =
                        values.iter().filter_map(|&value| Some((span.place(value)?, written(value, value))));
                    marks = ends.take(1).collect();
                }
                let shares = values.iter().map(|&value| span.place(value)).collect();
                Self { label: label.clone(), marks, shares }
            }
            Coordinate::Words { label, values } => {
                let mut words: Vec<&String> = Vec::new();
                for value in values {
                    if !words.contains(&value) {
                        words.push(value);
                    }
                }
                let share = |at: usize| (at as f64 + 0.5) / words.len().max(1) as f64;
                let marks = words.iter().enumerate().map(|(at, word)| (share(at), (*word).clone())).collect();
                let place = |value: &String| words.iter().position(|&word| word == value).map(share);
                Self { label: label.clone(), marks, shares: values.iter().map(place).collect() }
            }
        }
    }
}

fn across(axis: usize) -> f64 {
    SIDE + axis as f64 * APART
}

fn up(share: f64) -> f64 {
    TOP + (1.0 - share) * HEIGHT
}
