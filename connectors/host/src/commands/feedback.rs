//! `loquat feedback`. In: the journal. Out: what people think of the bot's replies, as a table or, for training, as lines of JSON. Who it was
//! stands in the table alone; what was erased is not in the journal any more.

use std::io::Write;
use std::process::ExitCode;

use loquat_contract::{Query, Timestamp};
use loquat_dispatch::{Feedback, Gathering, Rating};
use loquat_journal::Ledger;
use owo_colors::OwoColorize;
use serde_json::json;

use crate::cli::{FeedbackCommand, FeedbackFormat};
use crate::config::Loaded;
use crate::parts::Places;

/// How much of a text is shown in a line.
const SHOWN: usize = 60;

pub(super) fn feedback(loaded: &Loaded, command: &FeedbackCommand) -> anyhow::Result<ExitCode> {
    let ledger = Ledger::open(&Places::of(&loaded.config)?.journal)?;
    let since = command.since.as_deref().map(super::since).transpose()?.unwrap_or_default();
    list(&mut anstream::stdout(), &ledger, since, command.format)?;
    super::ledger::report(ledger.damage())
}

fn list(
    out: &mut impl Write,
    ledger: &Ledger,
    since: Timestamp,
    format: FeedbackFormat,
) -> anyhow::Result<()> {
    let mut gathering = Gathering::default();
    for sequence in ledger.sequences(&Query::default()) {
        gathering.take(&ledger.entry(sequence)?);
    }
    let found: Vec<Feedback> = gathering.finish().into_iter().filter(|one| one.at >= since).collect();
    if found.is_empty() && format == FeedbackFormat::Table {
        writeln!(out, "nobody has said yet what they think of a reply")?;
    }
    for one in &found {
        let entry = ledger.entry(one.reply)?;
        let prepared = entry.prepared.unwrap_or_default();
        let Some(reply) = &prepared.reply else { continue };
        let question = prepared.asked.as_deref().unwrap_or_default();
        match format {
            FeedbackFormat::Table => row(out, one, question, &reply.answer)?,
            FeedbackFormat::Jsonl => {
                let line = json!({
                    "question": question,
                    "answer": reply.answer,
                    "language": reply.language,
                    "verdict": one.verdict,
                    "text": one.text,
                    "reply": one.reply,
                    "at": moment(one.at),
                });
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(())
}

fn row(out: &mut impl Write, one: &Feedback, question: &str, answer: &str) -> anyhow::Result<()> {
    let verdict = match one.verdict {
        Some(rating @ Rating::Good) => rating.name().green().to_string(),
        Some(rating @ Rating::Bad) => rating.name().red().to_string(),
        None => "–".to_owned(),
    };
    writeln!(
        out,
        "{:>6}  {}  {verdict:4}  {}  {} → {}",
        one.reply,
        moment(one.at),
        one_line(&one.person.to_string()),
        shorten(question),
        shorten(answer)
    )?;
    if let Some(text) = &one.text {
        writeln!(out, "        {}", one_line(text).dimmed())?;
    }
    Ok(())
}

fn moment(at: Timestamp) -> String {
    let at = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map(|at| format!("{at:.0}")).unwrap_or_default()
}

fn shorten(text: &str) -> String {
    let text = one_line(text);
    if text.chars().count() <= SHOWN { text } else { text.chars().take(SHOWN - 1).chain(['…']).collect() }
}

/// On one line, without control characters: what somebody wrote must not steer the terminal.
fn one_line(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use loquat_contract::{
        ConversationId, Event, Inbound, Journal, MessageId, PartState, Prepared, Sender, Sequence,
        Settlement, Step, testing,
    };
    use loquat_journal::EmbeddedJournal;

    use super::*;

    fn listed(ledger: &Ledger, since: Timestamp, format: FeedbackFormat) -> String {
        let mut out = Vec::new();
        list(&mut out, ledger, since, format).unwrap();
        anstream::adapter::strip_bytes(&out).into_vec().try_into().unwrap()
    }

    #[tokio::test]
    async fn feedback_is_listed_for_people_and_for_training_also_beside_the_bot() {
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(folder.path()).unwrap();
        let place =
            ConversationId { bot: "b".into(), platform: "p".into(), channel: "c".into(), thread: None };
        let open = || Ledger::open(folder.path()).unwrap();
        let ever = Timestamp::default();
        assert!(listed(&open(), ever, FeedbackFormat::Table).contains("nobody has said"));
        assert_eq!(listed(&open(), ever, FeedbackFormat::Jsonl), "");

        journal.accept(&Inbound::message(place.clone(), "1", Sender::new("ann"), "capital?")).await.unwrap();
        let prepared = Prepared {
            reply: Some(Arc::new(testing::reply("It is Thimphu."))),
            asked: Some("capital?".into()),
            parts: vec![loquat_contract::Part::default()],
            ..Prepared::default()
        };
        let sent = Step::Part { number: 1, state: PartState::Sent { id: Some(MessageId("out".into())) } };
        let steps = vec![Step::Prepared(Box::new(prepared)), sent, Step::Settled(Settlement::Delivered)];
        journal.record(Sequence(1), steps).await.unwrap();
        let bob = |id: &str, event: Event| Inbound {
            event,
            ..Inbound::message(place.clone(), id, Sender::new("bob"), "")
        };
        let reaction =
            Event::Reaction { message: MessageId("out".into()), emoji: "👎".into(), removed: false };
        journal.accept(&bob("2", reaction)).await.unwrap();
        let words = Event::Message("/feedback The date\u{1b}[2J is wrong.".into());
        journal.accept(&bob("3", words)).await.unwrap();

        let table = listed(&open(), ever, FeedbackFormat::Table);
        assert!(table.contains("bad   p:bob  capital? → It is Thimphu."), "{table}");
        assert!(
            table.contains("\n        The date[2J is wrong.\n"),
            "nothing steers the terminal: {table:?}"
        );
        let line: serde_json::Value =
            serde_json::from_str(&listed(&open(), ever, FeedbackFormat::Jsonl)).unwrap();
        assert_eq!(
            [&line["question"], &line["answer"], &line["verdict"], &line["language"], &line["reply"]],
            [&json!("capital?"), &json!("It is Thimphu."), &json!("bad"), &json!("en"), &json!(1)]
        );
        assert!(!line.to_string().contains("bob"), "who it was is not told");
        assert_eq!(listed(&open(), Timestamp(u64::MAX), FeedbackFormat::Jsonl), "");
    }
}
