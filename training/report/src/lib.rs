//! Writes what a training run saw. In: numbers by step. Out: event files that TensorBoard reads, plots as SVG and PNG, Markdown. It must not
//! know models, data sets or the command line.
