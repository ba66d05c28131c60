//! The sending half: what the bot says goes into the conversation's mailbox, and from there to the page as it listens.
//! In: sentences, replies and apologies. Out: server-sent events. It does not know who checks requests, nor how.

mod mailbox;
mod stream;

use std::sync::Arc;

use loquat_contract::{Address, BoxFuture, Capabilities, ConnectorError, Egress, Reply, Sentence};

use crate::encode::Event;

pub(crate) use mailbox::Mailboxes;
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
        Capabilities { max_length: None, drafts: true, outlives_process: true }
    }

    fn deliver<'a>(&'a self, to: &'a Address, reply: &'a Reply) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            match self.mailboxes.post(&to.conversation.channel, Event::reply(&to.in_reply_to, reply)) {
                true => Ok(()),
                false => Err(ConnectorError::Retry("the web chat has closed".to_owned())),
            }
        })
    }

    fn draft<'a>(&'a self, to: &'a Address, sentence: &'a Sentence) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.mailboxes.post(&to.conversation.channel, Event::sentence(&to.in_reply_to, sentence));
        })
    }

    fn apologise<'a>(&'a self, to: &'a Address, reason: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.mailboxes.post(&to.conversation.channel, Event::problem(&to.in_reply_to, reason));
        })
    }
}
