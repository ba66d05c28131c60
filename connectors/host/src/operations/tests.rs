//! The desk over a real journal and dispatch: it shows what the command line shows.

use std::collections::HashMap;

use loquat_contract::testing::Echo;
use loquat_contract::{
    CancellationToken, ConversationId, EntityId, Event, Inbound, MessageId, PartState, Prepared, Sender,
    Settlement, Step, testing,
};
use loquat_dispatch::Bot;
use tempfile::TempDir;

use super::*;

fn desk() -> (TempDir, Desk) {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(&folder.path().join("journal")).unwrap();
    let places = Places {
        graph: folder.path().join("graph"),
        journal: folder.path().join("journal"),
        access: folder.path().join("access.json"),
        history: folder.path().join("history"),
        models: folder.path().join("models.json"),
        web: folder.path().join("web"),
    };
    let mut config = Config::default();
    config.connectors.telegram.token = Some("123456:a-secret-token".to_owned().into());
    let kept: Arc<dyn Journal> = Arc::new(journal.clone());
    let dispatch = Dispatch::new(
        Bot::default(),
        Arc::new(Echo::default()),
        kept,
        HashMap::new(),
        CancellationToken::new(),
    );
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
    let desk = Desk::new(&config, &places, journal, metrics);
    desk.attend(dispatch);
    (folder, desk)
}

fn place() -> ConversationId {
    ConversationId { bot: "b".into(), platform: "p".into(), channel: "c".into(), thread: None }
}

async fn answered(desk: &Desk, id: &str, gap: Option<loquat_contract::Gap>) {
    let accepted =
        desk.journal.accept(&Inbound::message(place(), id, Sender::new("ann"), "capital?")).await.unwrap();
    let (loquat_contract::Accepted::New(sequence) | loquat_contract::Accepted::Duplicate(sequence)) =
        accepted;
    let mut reply = testing::reply("It is Thimphu.");
    reply.gaps.extend(gap);
    let prepared = Prepared {
        reply: Some(Arc::new(reply)),
        asked: Some("capital?".into()),
        parts: vec![loquat_contract::Part::default()],
        ..Prepared::default()
    };
    let sent = PartState::Sent { id: Some(MessageId(format!("out-{id}"))) };
    let steps = vec![
        Step::Prepared(Box::new(prepared)),
        Step::Part { number: 1, state: sent },
        Step::Settled(Settlement::Delivered),
    ];
    desk.journal.record(sequence, steps).await.unwrap();
}

#[tokio::test]
async fn feedback_gaps_and_erasure_are_those_of_the_journal() {
    let (_folder, desk) = desk();
    let gap = loquat_contract::Gap {
        question: "What is the anthem of Bhutan?".into(),
        entity: Some(EntityId("ex:it's Bhutan".into())),
        name: "Bhutan".into(),
        predicate: Some(loquat_contract::PredicateId("ex:anthem".into())),
        asked: "anthem".into(),
    };
    let open = loquat_contract::Gap { entity: None, predicate: None, name: "Atlantis".into(), ..gap.clone() };
    for (id, gap) in [("1", Some(gap.clone())), ("2", Some(gap)), ("3", Some(open)), ("4", None)] {
        answered(&desk, id, gap).await;
    }
    let event = Event::Reaction { message: MessageId("out-1".into()), emoji: "👎".into(), removed: false };
    let reaction = Inbound { event, ..Inbound::message(place(), "r", Sender::new("bob"), "") };
    desk.journal.accept(&reaction).await.unwrap();

    let gaps = desk.gaps(Timestamp::default()).await.unwrap();
    assert_eq!((gaps.len(), gaps[0].count), (2, 2));
    assert_eq!(gaps[0].command.as_deref(), Some(r"loquat kg add 'ex:it'\''s Bhutan' ex:anthem OBJECT"));
    assert_eq!(gaps[1].command, None, "there is nothing yet that it could be added to");
    assert!(desk.gaps(Timestamp(u64::MAX)).await.unwrap().is_empty());

    let feedback = desk.feedback(Timestamp::default()).await.unwrap();
    assert_eq!(feedback.len(), 1);
    assert_eq!(
        (feedback[0].verdict.as_deref(), feedback[0].person.as_str(), feedback[0].question.as_str()),
        (Some("bad"), "p:bob", "capital?")
    );

    let found = desk.checks().await;
    let said: Vec<&str> = found.iter().map(|check| check.what.as_str()).collect();
    assert!(said.contains(&"it could be read from end to end"), "{said:?}");
    assert!(said.contains(&"1 are owed something, 0 of them for more than five minutes"), "{said:?}");
    assert!(said.contains(&"0 have no answer; of 0 nobody knows whether it arrived"), "{said:?}");
    assert!(found.iter().all(|check| check.advice.is_none()), "{found:?}");

    let said = desk.act(Action::Erase("p:ann".parse().unwrap())).await.unwrap();
    assert!(said.starts_with("4 messages"), "{said}");
    assert!(desk.feedback(Timestamp::default()).await.unwrap().is_empty());
    assert!(matches!(desk.act(Action::Retry(Sequence(1))).await, Err(Problem::Missing(_))));
}

#[tokio::test]
async fn the_config_is_shown_without_secrets() {
    let (_folder, desk) = desk();
    let about = desk.about();
    assert!(about.config.contains("[bot]") && !about.config.contains("a-secret-token"), "{}", about.config);
}
