//! Where a message is on its way, as spans of `tracing` and as gauges. In: the steps of the host's side. Out: one span for each message, with
//! one for each stage below it, across the tasks that it goes through. No text, no name and no id of anybody is in them: the sequence
//! leads to the entry of the journal for those who may read it.

use loquat_contract::{Event, Inbound, Sequence};
use metrics::{Gauge, gauge};
use tracing::field::Empty;
use tracing::{Span, debug_span, info_span};

/// The span of a message, from when it comes in until nothing is owed to it.
pub(crate) fn message(platform: &str, inbound: &Inbound) -> Span {
    info_span!("message", platform, event = kind(&inbound.event), sequence = Empty, resumed = Empty)
}

/// The span of a message that an earlier run accepted, or an operator put back.
pub(crate) fn resumed(inbound: &Inbound, sequence: Sequence) -> Span {
    let span = message(&inbound.conversation.platform, inbound);
    span.record("sequence", sequence.0);
    span.record("resumed", true);
    span
}

/// Something is counted for as long as this is kept.
#[derive(Debug)]
struct Counted(Gauge);

impl Counted {
    fn new(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// A message waits for its turn, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Queued {
    _span: Span,
    _counted: Counted,
}

impl Queued {
    pub(crate) fn below(message: &Span) -> Self {
        let _span = debug_span!(parent: message, "queue");
        Self { _span, _counted: Counted::new(gauge!("loquat_messages_waiting")) }
    }
}

/// A conversation has something to do, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct AtWork {
    _counted: Counted,
}

impl Default for AtWork {
    fn default() -> Self {
        Self { _counted: Counted::new(gauge!("loquat_conversations_at_work")) }
    }
}

fn kind(event: &Event) -> &'static str {
    match event {
        Event::Message(_) => "message",
        Event::Edit { .. } => "edit",
        Event::Deletion { .. } => "deletion",
        Event::Reaction { .. } => "reaction",
        Event::Button { .. } => "button",
        Event::Command { .. } => "command",
        Event::Join => "join",
        Event::Leave => "leave",
        Event::Moved { .. } => "moved",
    }
}
