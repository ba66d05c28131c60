//! A disk that takes no more for a while: what is refused is not there, what was accepted is, and writing goes on once there is room.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::process::Command;

use loquat_contract::{Accepted, ConversationId, Inbound, Journal, JournalError, Query, Sender, Sequence};
use loquat_journal::EmbeddedJournal;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Set in the process whose files may not grow.
const CHILD: &str = "LOQUAT_TEST_FULL_DISK";

fn message(id: u64) -> Inbound {
    let conversation =
        ConversationId { bot: "b".into(), platform: "p".into(), channel: "c".into(), thread: None };
    Inbound::message(conversation, id.to_string(), Sender::new("s"), "x".repeat(1000))
}

/// How large files of this process may get; `None` for any size.
fn limit(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

#[test]
fn a_full_disk_refuses_what_it_cannot_keep_and_takes_more_once_there_is_room() {
    if std::env::var_os(CHILD).is_none() {
        // The signal that would end a process at its limit has to be ignored before it starts.
        let own = std::env::current_exe().unwrap();
        let name = "a_full_disk_refuses_what_it_cannot_keep_and_takes_more_once_there_is_room";
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(own).args([
            "--exact",
            name,
            "--nocapture",
        ]);
        assert!(command.env(CHILD, "1").status().unwrap().success());
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(folder.path()).unwrap();
        limit(Some(20_000));
        let mut kept = 0;
        let refused = loop {
            match journal.accept(&message(kept + 1)).await {
                Ok(_) => kept += 1,
                Err(error) => break error,
            }
        };
        assert!((10..20).contains(&kept), "{kept}");
        assert!(matches!(refused, JournalError::Store(_)), "{refused}");
        assert!(refused.to_string().contains("check the space"), "{refused}");
        assert!(journal.accept(&message(kept + 1)).await.is_err(), "and again");
        assert_eq!(journal.entries(Query::default()).await.unwrap().len() as u64, kept, "reading goes on");
        limit(None);
        let next = Accepted::New(Sequence(kept + 1));
        assert_eq!(journal.accept(&message(kept + 1)).await.unwrap(), next, "it was not there");
        drop(journal);
        let journal = EmbeddedJournal::open(folder.path()).unwrap();
        assert!(journal.damage().is_empty());
        let entries = journal.entries(Query::default()).await.unwrap();
        let numbers: Vec<u64> = entries.iter().map(|entry| entry.sequence.0).collect();
        assert_eq!(numbers, (1..=kept + 1).collect::<Vec<_>>());
    });
}
