//! The sending half. In: drafts, replies and notices. Out: text on the screen, and whether that could be written.

mod screen;

use std::sync::Arc;

use loquat_contract::{
    Address, BoxFuture, Capabilities, Delivery, Draft, Drafts, Egress, Envelope, MessageId,
};

pub(crate) use screen::Screen;

/// The sending half of the terminal.
pub struct TerminalEgress {
    screen: Arc<Screen>,
}

impl TerminalEgress {
    pub(crate) fn new(screen: Arc<Screen>) -> Self {
        Self { screen }
    }
}

impl Egress for TerminalEgress {
    fn capabilities(&self) -> Capabilities {
        Capabilities { drafts: true, ..Capabilities::default() }
    }

    fn deliver<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Delivery> {
        Box::pin(async move {
            let printed = match &envelope.reply {
                Some(reply) => self.screen.reply(&envelope.to, reply),
                None if envelope.part.is_apology => self.screen.apologise(&envelope.to, &envelope.part.text),
                None => self.screen.note(&envelope.to, &envelope.part.text),
            };
            match printed {
                Ok(()) => Delivery::Sent { id: None },
                // The conversation ends with its terminal.
                Err(error) => {
                    let reason = format!("the terminal cannot be written to: {error}");
                    Delivery::Permanent { reason }
                }
            }
        })
    }

    fn drafts(&self) -> Option<&dyn Drafts> {
        Some(self)
    }
}

impl Drafts for TerminalEgress {
    fn draft<'a>(&'a self, draft: &'a Draft) -> BoxFuture<'a, Option<MessageId>> {
        Box::pin(async move {
            self.screen.draft(&draft.to, &draft.sentences);
            None
        })
    }

    fn withdraw<'a>(&'a self, to: &'a Address, _: Option<&'a MessageId>) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.screen.withdraw(to) })
    }
}
