//! The sending half: what the bot says goes into the conversation's mailbox, and from there to the page as it listens.
//! In: drafts, replies and notices. Out: server-sent events. It does not know who checks requests, nor how.

mod mailbox;
mod mailboxes;
mod stream;

use std::sync::Arc;

use loquat_contract::{
    Address, BoxFuture, Capabilities, ConversationId, Delivery, Draft, Drafts, Egress, Envelope, Idempotency,
    MessageId,
};

use crate::encode::{self, Event};

pub(crate) use mailboxes::Mailboxes;
pub(crate) use stream::events;

/// The sending half of the web chat; dropping it tells a stopping server that nothing more will come.
pub struct WebEgress {
    mailboxes: Arc<Mailboxes>,
}

impl WebEgress {
    pub(crate) fn new(mailboxes: Arc<Mailboxes>) -> Self {
        Self { mailboxes }
    }
}

impl Drop for WebEgress {
    fn drop(&mut self) {
        self.mailboxes.nothing_more_comes();
    }
}

impl Egress for WebEgress {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            drafts: true,
            outlives_process: true,
            // A mailbox and the page both keep one reply for each message.
            idempotency: Idempotency::Key,
            ..Capabilities::default()
        }
    }

    fn deliver<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Delivery> {
        Box::pin(async move {
            let Envelope { to, part, reply, .. } = envelope;
            let answer = encode::answer(to, reply.as_deref(), std::slice::from_ref(part));
            match self.mailboxes.post(&to.conversation.channel, answer) {
                true => Delivery::Sent { id: None },
                false => Delivery::Retry { after: None, reason: "the web chat has closed".to_owned() },
            }
        })
    }

    fn forget<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.mailboxes.erase(&conversation.channel) })
    }

    fn drafts(&self) -> Option<&dyn Drafts> {
        Some(self)
    }
}

impl Drafts for WebEgress {
    fn draft<'a>(&'a self, draft: &'a Draft) -> BoxFuture<'a, Option<MessageId>> {
        Box::pin(async move {
            let event = Event::draft(&draft.to.in_reply_to, &draft.sentences);
            self.mailboxes.post(&draft.to.conversation.channel, event);
            None
        })
    }

    fn withdraw<'a>(&'a self, to: &'a Address, _: Option<&'a MessageId>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.mailboxes.post(&to.conversation.channel, Event::withdrawn(&to.in_reply_to));
        })
    }
}
