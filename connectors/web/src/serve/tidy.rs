//! What is let go of while the server runs. In: the time that passes. Out: files that nobody sent or whose conversation is not kept any more
//! are gone.

use std::sync::Arc;
use std::time::Duration;

use loquat_contract::Query;

use super::Site;
use crate::receive::Channel;

/// How often files are looked through.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Lets go of files, again and again.
pub(super) async fn files(site: &Arc<Site>) {
    let Some(files) = &site.files else { return std::future::pending().await };
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        for channel in files.conversations() {
            let any = Query {
                conversation: Some(site.conversation(Channel(channel.clone()))),
                limit: Some(1),
                ..Query::default()
            };
            // While the journal cannot be read, everything is kept.
            if let Ok(found) = site.sink.history(any).await {
                files.collect(&channel, !found.is_empty()).await;
            }
        }
    }
}
