//! Pages for those who run the bot: what comes in and what becomes of it, as it happens; conversations, feedback, gaps of the graph, how the
//! models are; and what can be done about it.
//!
//! In: what an operator may see and do ([`Operations`]), and the journal. Out: two routers without any check of who asks, which is the work
//! of the server that they are mounted on: [`page()`] is the same for everybody and has no data in it, [`router()`] is for the holders of an
//! operator's key alone. [`prometheus()`] shows the counters to a machine. Knows no platform, no graph, no model, and no HTTP server.
//!
//! The page is plain HTML, CSS and JavaScript modules under `page/`, built into the binary. It asks no other host for anything, nothing
//! inline runs in it, and text only ever becomes a text node. It asks for the key once and keeps it for as long as the tab is open.

mod operations;

mod page;

mod serve;

mod exposition;
mod sampler;

#[cfg(test)]
mod tests;

pub use operations::{About, Action, Feedback, Gap, ModelInUse, Operations, Problem};
pub use page::page;
pub use serve::{prometheus, router};
