//! Plots. In: series of numbers. Out: SVG that is readable on light and dark, and the same as PNG. It must not know what is drawn.
//!
//! The SVG is written here rather than by a plotting crate: those write colours into each element, and draw by other means for pixels
//! than for SVG. Here one drawing with a style sheet is all there is, and `resvg` makes pixels of it.

mod canvas;
mod chart;
mod parallel;
mod png;
mod scale;

pub use chart::{Axis, Plot, Scale, Series, Style};
pub use parallel::{Coordinate, Parallel};
pub use png::png;

#[cfg(test)]
mod tests;
