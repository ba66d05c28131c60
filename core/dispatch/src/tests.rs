//! Dispatch as a connector and a person meet it: a real journal, an engine that echoes, a platform that does as it is told.

mod delivering;
mod explaining;
mod fakes;
mod order;
mod overlap;
mod receiving;
