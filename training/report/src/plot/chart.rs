//! Lines and dots between two axes. In: series. Out: an SVG.

use super::canvas::{Anchor, COLOURS, Canvas};
use super::scale::Span;
use crate::metrics::smooth;

const WIDTH: f64 = 760.0;
/// Of the part between the axes.
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 40.0;
/// Below the axis: marks and its label.
const BOTTOM: f64 = 52.0;
/// A line of the legend.
const LEGEND: f64 = 20.0;
/// About how wide a letter of the legend is.
const LETTER: f64 = 7.3;
/// Fewer points than this are drawn as they are.
const FEW: usize = 8;
/// How much of the average stays from one point to the next where a curve is smoothed.
const SMOOTHING: f64 = 0.9;

/// How values are laid along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// By their logarithms; values that are not above 0 are left out.
    Logarithmic,
}

/// What stands along an edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What is measured, with its unit, as in “loss (nats)”.
    pub label: String,
    /// How values are laid along it.
    pub scale: Scale,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As a line.
    Line,
    /// Noisy values as a faint line, with a smoothed one over it.
    Smoothed,
    /// As a dot for each value.
    Dots,
    /// As a line with a dot for each value.
    Dotted,
}

/// Points of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Where it goes; a value that is no number leaves a gap.
    pub points: Vec<(f64, f64)>,
    /// How it is drawn.
    pub style: Style,
}

/// Series between two axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plot {
    /// What is seen.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn; the first lies lowest.
    pub series: Vec<Series>,
}

impl Axis {
    /// An even axis.
    pub fn linear(label: &str) -> Self {
        Self { label: label.into(), scale: Scale::Linear }
    }

    /// A logarithmic axis.
    pub fn logarithmic(label: &str) -> Self {
        Self { label: label.into(), scale: Scale::Logarithmic }
    }
}

impl Plot {
    /// The drawing, 760 units wide. Its colours follow what the reader's page prefers, light or dark.
    pub fn svg(&self) -> String {
        let legend = self.legend();
        let rows = legend.last().map_or(0, |(row, ..)| row + 1);
        let height = TOP + HEIGHT + BOTTOM + rows as f64 * LEGEND;
        let mut canvas = Canvas::new(WIDTH, height, &self.title);
        canvas.text((WIDTH / 2.0, 24.0), Anchor::Middle, "title", &self.title);
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = Span::of(self.x.scale, points().filter(|(_, y)| y.is_finite()).map(|(x, _)| *x));
        let y = Span::of(self.y.scale, points().map(|(_, y)| *y)).widened();
        let x = if self.series.iter().all(|series| series.style == Style::Dots) { x.widened() } else { x };
        self.axes(&mut canvas, x, y);
        let place =
            |(horizontal, vertical): (f64, f64)| Some((across(x.place(horizontal)?), up(y.place(vertical)?)));
        for (at, series) in self.series.iter().enumerate() {
            series.draw(&mut canvas, at % COLOURS, place);
        }
        for (row, left, at, name) in legend {
            let line = TOP + HEIGHT + BOTTOM + row as f64 * LEGEND + 4.0;
            let colour = at % COLOURS;
            if self.series[at].style == Style::Dots {
                canvas.dot(&format!("dot f{colour}"), (left + 9.0, line), "");
            } else {
                canvas.line(&format!("line s{colour}"), &[(left, line), (left + 18.0, line)]);
            }
            canvas.text((left + 24.0, line + 4.0), Anchor::Start, "", &name);
        }
        canvas.finish()
    }

    fn axes(&self, canvas: &mut Canvas, x: Span, y: Span) {
        for (value, text) in y.marks() {
            let Some(at) = y.place(value).map(up) else { continue };
            canvas.line("grid", &[(LEFT, at), (WIDTH - RIGHT, at)]);
            canvas.text((LEFT - 8.0, at + 4.0), Anchor::End, "quiet", &text);
        }
        for (value, text) in x.marks() {
            let Some(at) = x.place(value).map(across) else { continue };
            canvas.line("grid", &[(at, TOP), (at, TOP + HEIGHT)]);
            canvas.text((at, TOP + HEIGHT + 18.0), Anchor::Middle, "quiet", &text);
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        canvas.text((middle, TOP + HEIGHT + 38.0), Anchor::Middle, "", &self.x.label);
        canvas.upright((18.0, TOP + HEIGHT / 2.0), "", &self.y.label);
    }

    /// The row, the left edge, the number of the series and its name; none for a single series, which the title names.
    fn legend(&self) -> Vec<(usize, f64, usize, String)> {
        if self.series.len() < 2 {
            return Vec::new();
        }
        let (mut row, mut left) = (0, LEFT);
        let mut places = Vec::new();
        for (at, series) in self.series.iter().enumerate() {
            let width = 44.0 + series.name.chars().count() as f64 * LETTER;
            if left + width > WIDTH && left > LEFT {
                (row, left) = (row + 1, LEFT);
            }
            places.push((row, left, at, series.name.clone()));
            left += width;
        }
        places
    }
}

impl Series {
    /// Points of a name.
    pub fn new(name: &str, style: Style, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, style }
    }

    fn draw(
        &self,
        canvas: &mut Canvas,
        colour: usize,
        place: impl Fn((f64, f64)) -> Option<(f64, f64)> + Copy,
    ) {
        match self.style {
            Style::Smoothed if self.points.len() >= FEW => {
                line(canvas, &format!("faint s{colour}"), &self.points, place);
                line(canvas, &format!("line s{colour}"), &smooth(&self.points, SMOOTHING), place);
            }
            Style::Line | Style::Smoothed | Style::Dotted => {
                line(canvas, &format!("line s{colour}"), &self.points, place);
            }
            Style::Dots => {}
        }
        if matches!(self.style, Style::Dots | Style::Dotted) {
            for &point in &self.points {
                if let Some(at) = place(point) {
                    let says = format!("{}: {}, {}", self.name, point.0, point.1);
                    canvas.dot(&format!("dot f{colour}"), at, &says);
                }
            }
        }
    }
}

/// A line through the points, broken where one has no place. Of the points in one unit of width the lowest and the highest are drawn, so that a long run
/// is no larger than a short one.
fn line(
    canvas: &mut Canvas,
    class: &str,
    points: &[(f64, f64)],
    place: impl Fn((f64, f64)) -> Option<(f64, f64)>,
) {
    let placed: Vec<_> = points.iter().map(|&point| place(point)).collect();
    for part in placed.split(Option::is_none) {
        let part: Vec<(f64, f64)> = part.iter().flatten().copied().collect();
        let mut thinned: Vec<(f64, f64)> = Vec::new();
        for unit in part.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
            if let [first, _, _, ..] = unit {
                let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
                let low = *unit.iter().min_by(by_height).unwrap_or(first);
                let high = *unit.iter().max_by(by_height).unwrap_or(first);
                thinned.extend(if low.0 <= high.0 { [low, high] } else { [high, low] });
            } else {
                thinned.extend(unit);
            }
        }
        if !thinned.is_empty() {
            canvas.line(class, &thinned);
        }
    }
}

fn across(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn up(share: f64) -> f64 {
    TOP + (1.0 - share) * HEIGHT
}
