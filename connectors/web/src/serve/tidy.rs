//! What is let go of while the server runs. In: the time that passes. Out: files that nobody sent or whose conversation is not kept any more
//! are gone.

use std::sync::Arc;

use loquat_contract::{ConversationId, Query};

use super::Site;
use crate::receive::Channel;

/// Lets go of files.
pub(super) async fn files(site: &Arc<Site>) {
    let Some(files) = &site.files else { return };
    for channel in files.conversations() {
        let conversation: ConversationId = site.conversation(Channel(channel.clone()));
        let any = Query { conversation: Some(conversation), limit: Some(1), ..Query::default() };
        // While the journal cannot be read, everything is kept.
        if let Ok(found) = site.sink.history(any).await {
            files.collect(&channel, !found.is_empty()).await;
        }
    }
}
