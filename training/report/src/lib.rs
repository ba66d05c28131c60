//! Writes what a training run saw. In: numbers by step. Out: event files that TensorBoard reads, plots as SVG and PNG, Markdown. It must not
//! know models, data sets or the command line.
//!
//! The modules stand in the order of a run: numbers come one by one and go to `events` at once; read again from where the run keeps them,
//! they are `metrics`, which are drawn (`plot`) and written down (`page`, `run`) with the `machine` that they were measured on.

mod error;

pub mod events;

mod metrics;

pub mod plot;

mod machine;
mod page;
mod run;

pub use error::ReportError;
pub use events::EventFile;
pub use machine::Machine;
pub use metrics::{Metrics, smooth};
pub use page::{Page, Table};
pub use run::{Curves, Drawn, RunReport, file_hash};
