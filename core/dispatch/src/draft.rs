//! A reply is shown while it is being written. In: sentences as they pass. Out: drafts on the platform, one at a time, the latest wins; and
//! the message that shows them, on record before the reply is made, so that the reply takes its place also after a restart.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::FusedFuture;
use loquat_contract::{DialogueError, Draft, Entry, Idempotency, MessageId, Reply, Sentence, Step};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::answer::signal_typing;
use crate::compose::{self, Growing, Piece};
use crate::deliver::first_key;
use crate::dispatch::{COURTESY, Platform, Shared};

/// How long a draft in flight is waited for at a stop.
const AT_STOP: Duration = Duration::from_millis(500);

/// How asking the engine ended.
pub(crate) enum Asked {
    Reply(Result<Box<Reply>, DialogueError>),
    /// It is not wanted any more.
    GivenUp,
    /// The bot may not wait any longer.
    Aborted,
}

impl Shared {
    /// Has the engine answer a text, and shows meanwhile that the bot is at work, and the sentences so far where the platform can. What
    /// shows the draft is in the entry afterwards.
    pub(crate) async fn ask(
        &self,
        platform: &Platform,
        entry: &mut Entry,
        text: &str,
        give_up: &CancellationToken,
    ) -> Asked {
        let (passed, news) = watch::channel(());
        let sentences = Mutex::new(Vec::<Sentence>::new());
        let shown = Mutex::new(entry.draft.clone());
        let is_over = CancellationToken::new();
        let asked = {
            let mut showing =
                std::pin::pin!(self.show(platform, entry, &sentences, news, &shown, &is_over).fuse());
            let conversation = &entry.inbound.conversation;
            let asked = {
                let answering = async {
                    let mut show = |sentence: &Sentence| {
                        sentences.lock().unwrap_or_else(PoisonError::into_inner).push(sentence.clone());
                        passed.send_replace(());
                    };
                    self.dialogue.answer(conversation, text, &mut show).await
                };
                tokio::select! {
                    biased;
                    () = give_up.cancelled() => Asked::GivenUp,
                    () = self.abort.cancelled() => Asked::Aborted,
                    reply = answering => Asked::Reply(reply.map(Box::new)),
                    never = signal_typing(platform, conversation) => match never {},
                    never = async { showing.as_mut().await; std::future::pending().await } => never,
                }
            };
            is_over.cancel();
            drop(passed);
            // So that no draft comes after the reply, and the id of one in flight is not lost; one that hangs must not hold it up for long.
            if !showing.is_terminated() {
                let patience = if matches!(asked, Asked::Aborted) { AT_STOP } else { COURTESY };
                let _late = tokio::time::timeout(patience, showing).await;
            }
            asked
        };
        let draft = shown.into_inner().unwrap_or_else(PoisonError::into_inner);
        if draft != entry.draft {
            self.note_draft(entry, draft.clone());
            entry.draft = draft;
        }
        asked
    }

    /// Shows sentences as they pass.
    async fn show(
        &self,
        platform: &Platform,
        entry: &Entry,
        sentences: &Mutex<Vec<Sentence>>,
        mut news: watch::Receiver<()>,
        shown: &Mutex<Option<MessageId>>,
        is_over: &CancellationToken,
    ) {
        let Some(drafts) = platform.egress.drafts().filter(|_| platform.egress.capabilities().drafts) else {
            return;
        };
        let capabilities = platform.egress.capabilities();
        let (to, key) = (entry.inbound.address(), first_key(&entry.inbound));
        let mut draft = Draft { ticket: entry.inbound.ticket.clone(), key, ..Draft::new(to, Vec::new()) };
        let mut growing = capabilities.drafts_grow.then(|| Growing::new(&capabilities));
        let mut recorded = entry.draft.clone();
        while news.changed().await.is_ok() {
            // The reply itself says it all, and must not wait for a draft of it.
            if is_over.is_cancelled() {
                return;
            }
            if growing.is_some() {
                draft.from += draft.sentences.len();
                draft.sentences.clear();
            }
            draft.sentences.append(&mut sentences.lock().unwrap_or_else(PoisonError::into_inner));
            match &mut growing {
                Some(_) if draft.sentences.is_empty() => continue,
                Some(growing) => {
                    let Piece { blocks, goes_on } = growing.add(&draft.sentences);
                    (draft.part.document.blocks, draft.goes_on) = (blocks, goes_on);
                }
                None => draft.part = compose::draft(&draft.sentences, &capabilities),
            }
            draft.message = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Some(message) = drafts.draft(&draft).await else { continue };
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(message.clone());
            if recorded.as_ref() == Some(&message) {
                continue;
            }
            let step = Step::Drafted { message: message.clone() };
            match self.journal.record(entry.sequence, vec![step]).await {
                Ok(()) => {
                    recorded = Some(message);
                    if capabilities.idempotency == Idempotency::None {
                        // It may have no words yet, see `Drafts::draft`.
                        news.mark_changed();
                    }
                }
                // Tried again with the next draft. Lost with a crash, the draft would stay beside the reply.
                Err(error) => tracing::warn!(sequence = %entry.sequence, %error, "a draft is not on record"),
            }
        }
    }
}
