//! The connector on recorded lines, and as a whole against a small server of its own.

mod conformance;
mod fakes;
mod lines;
mod talking;

mod fake;
