//! The sending half: what the bot says goes to whoever reads the conversation now; whoever comes later finds it in the journal.
//! In: drafts, replies and notices. Out: server-sent events. It does not know who checks requests, nor how.

mod mailbox;
mod mailboxes;
mod stream;

use std::sync::Arc;

use loquat_contract::{
    Address, BoxFuture, Capabilities, ConversationId, Delivery, Draft, Drafts, Egress, Envelope, Idempotency,
    MessageId,
};

use crate::encode::{Answer, Event, answer_id};
use crate::files::Store;

pub(crate) use mailboxes::Mailboxes;
pub(crate) use stream::{__path_events, events};

/// The most buttons below an answer, as many as a page shows well.
const BUTTONS: usize = 25;

/// The sending half of the web chat; dropping it tells a stopping server that nothing more will come.
pub struct WebEgress {
    mailboxes: Arc<Mailboxes>,
    files: Option<Arc<Store>>,
}

impl WebEgress {
    pub(crate) fn new(mailboxes: Arc<Mailboxes>, files: Option<Arc<Store>>) -> Self {
        Self { mailboxes, files }
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
            drafts_grow: true,
            outlives_process: true,
            // The page shows citations as marks that lead to the facts.
            citations_apart: true,
            answers_changes: true,
            buttons: BUTTONS,
            // The journal and the page both keep one answer for each message.
            idempotency: Idempotency::Key,
            ..Capabilities::default()
        }
    }

    fn deliver<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Delivery> {
        Box::pin(async move {
            let Address { conversation, in_reply_to } = &envelope.to;
            let answer = Event::answer(&Answer::delivered(envelope));
            self.mailboxes.announce(conversation, in_reply_to).await;
            match self.mailboxes.post(conversation, answer) {
                true => Delivery::Sent { id: Some(answer_id(&in_reply_to.0)) },
                false => Delivery::Retry { after: None, reason: "the web chat has closed".to_owned() },
            }
        })
    }

    fn forget<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.mailboxes.erase(conversation);
            if let Some(files) = &self.files {
                files.forget(&conversation.channel).await;
            }
        })
    }

    fn drafts(&self) -> Option<&dyn Drafts> {
        Some(self)
    }
}

impl Drafts for WebEgress {
    fn draft<'a>(&'a self, draft: &'a Draft) -> BoxFuture<'a, Option<MessageId>> {
        Box::pin(async move {
            self.mailboxes.announce(&draft.to.conversation, &draft.to.in_reply_to).await;
            self.mailboxes.post(&draft.to.conversation, Event::draft(draft));
            None
        })
    }

    fn withdraw<'a>(&'a self, to: &'a Address, _: Option<&'a MessageId>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.mailboxes.post(&to.conversation, Event::withdrawn(&to.in_reply_to));
        })
    }
}
