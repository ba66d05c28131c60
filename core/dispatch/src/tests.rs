//! Dispatch as a connector and a person meet it: a real journal, an engine that echoes, a platform that does as it is told.

mod commanding;
mod delivering;
mod drafting;
mod explaining;
mod fakes;
mod order;
mod overlap;
mod pressing;
mod rating;
mod receiving;
