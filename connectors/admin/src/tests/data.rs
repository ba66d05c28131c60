//! What is read and done.

use axum::http::Method;
use futures::StreamExt;
use serde_json::json;

use super::{Bench, numbers, text};
use crate::Action;

#[tokio::test]
async fn the_ledger_is_read_in_pages_and_filtered() {
    let bench = Bench::new();
    for number in 1..=130 {
        let (platform, who) = if number % 2 == 0 { ("irc", "ann") } else { ("web", "bob") };
        let sequence = bench.say(platform, "c", who, &format!("question {number}")).await;
        if number % 10 == 0 {
            bench.answer(sequence, &format!("Antwort {number}")).await;
        }
    }
    let first = bench.get("/ledger").await;
    assert_eq!((numbers(&first)[0], numbers(&first).len(), &first["before"]), (130, 50, &json!(81)));
    let second = bench.get("/ledger?before=81").await;
    assert_eq!((numbers(&second)[0], numbers(&second)[49]), (80, 31));
    let last = bench.get("/ledger?before=31").await;
    assert_eq!((numbers(&last).len(), &last["before"]), (30, &json!(null)));
    for (filter, expected) in [
        ("state=delivered&limit=3", vec![130, 120, 110]),
        ("platform=web&limit=2", vec![129, 127]),
        ("person=irc:ann&limit=2", vec![130, 128]),
        ("conversation=b/web/c&limit=1", vec![129]),
        ("text=QUESTION%2013&limit=9", vec![130, 13]),
        ("text=antwort%2012", vec![120]),
        ("text=nowhere", vec![]),
    ] {
        assert_eq!(numbers(&bench.get(&format!("/ledger?{filter}")).await), expected, "{filter}");
    }
    let row = &bench.get("/ledger?limit=1").await["entries"][0];
    assert_eq!(
        [&row["state"], &row["text"], &row["answer"], &row["person"], &row["kind"]],
        ["delivered", "question 130", "Antwort 130", "irc:ann", "message"]
    );
    for wrong in ["state=gone", "conversation=x", "person=ann", "before=x", "unknown=1"] {
        assert_eq!(bench.refused(Method::GET, &format!("/ledger?{wrong}")).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn what_comes_and_changes_is_told_and_what_does_not_pass_the_filter_is_not() {
    let bench = Bench::new();
    let response = bench.response(Method::GET, "/ledger/events?platform=web").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    let mut next = async || {
        let event = tokio::time::timeout(std::time::Duration::from_secs(60), events.next()).await;
        String::from_utf8(event.unwrap().unwrap().unwrap().to_vec()).unwrap()
    };
    bench.say("irc", "c", "ann", "not for this page").await;
    let one = bench.say("web", "c", "bob", "for this page").await;
    let told = next().await;
    assert!(told.starts_with("event: entry\n") && told.contains("\"state\":\"accepted\""), "{told}");
    assert!(told.contains("for this page") && !told.contains("not for") && !told.contains("secret-ticket"));
    bench.answer(one, "Here.").await;
    let told = next().await;
    assert!(told.contains("\"state\":\"delivered\"") && told.contains("Here."), "{told}");
    bench.response(Method::DELETE, "/person?person=web:bob&confirm=web:bob").await;
    assert_eq!(next().await, "event: many\ndata: {}\n\n");
}

#[tokio::test]
async fn an_entry_is_shown_whole_but_for_its_ticket_and_actions_say_what_came_of_them() {
    let bench = Bench::new();
    let one = bench.say("web", "c", "bob", "capital?").await;
    bench.answer(one, "Thimphu.").await;
    let shown = bench.get("/ledger/1").await;
    assert_eq!(shown["entry"]["prepared"]["reply"]["answer"], "Thimphu.");
    assert!(!shown.to_string().contains("secret-ticket"));
    assert_eq!(bench.refused(Method::GET, "/ledger/9").await.0, 404);
    let (status, said) = bench.refused(Method::POST, "/ledger/1/discard").await;
    assert_eq!((status, said.as_str()), (409, "entry 1 is settled"));
    let said = text(bench.response(Method::POST, "/ledger/1/retry").await).await;
    assert_eq!(said, "{\"said\":\"done\"}");
    assert_eq!(*bench.desk.done.lock().unwrap(), [Action::Discard(one), Action::Retry(one)]);
}

#[tokio::test]
async fn conversations_are_listed_by_their_newest_and_read_as_they_were_said() {
    let bench = Bench::new();
    for (platform, channel, text) in [("web", "a", "one"), ("irc", "b", "two"), ("web", "a", "three")] {
        let sequence = bench.say(platform, channel, "ann", text).await;
        bench.answer(sequence, &format!("to {text}")).await;
    }
    let listed = bench.get("/conversations").await;
    let of = |place: usize| {
        [&listed["conversations"][place]["conversation"], &listed["conversations"][place]["text"]]
    };
    assert_eq!(of(0), ["b/web/a", "three"]);
    assert_eq!(of(1), ["b/irc/b", "two"]);
    assert_eq!(bench.get("/conversations?platform=irc").await["conversations"].as_array().unwrap().len(), 1);
    let said = bench.get("/transcript?conversation=b/web/a").await;
    let answers: Vec<_> = said["said"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["entry"]["prepared"]["reply"]["answer"].clone())
        .collect();
    assert_eq!(answers, ["to one", "to three"]);
}

#[tokio::test]
async fn feedback_is_a_table_to_download_that_runs_nothing() {
    let bench = Bench::new();
    assert_eq!(bench.get("/feedback").await.as_array().unwrap().len(), 2);
    assert_eq!(bench.get("/feedback?days=1").await.as_array().unwrap().len(), 1);
    let response = bench.response(Method::GET, "/feedback.csv").await;
    assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"feedback.csv\"");
    let csv = text(response).await;
    assert!(csv.contains("\"'=HYPERLINK(\"\"x\"\")\""), "{csv}");
    assert_eq!(csv.lines().count(), 3);
}

#[tokio::test]
async fn somebody_is_erased_only_where_they_are_named_twice() {
    let bench = Bench::new();
    bench.say("web", "c", "bob", "one").await;
    bench.say("web", "d", "bob", "two").await;
    let known = bench.get("/person?person=web:bob").await;
    assert_eq!((&known["messages"], known["conversations"].as_array().unwrap().len()), (&json!(2), 2));
    for path in ["/person?person=web:bob", "/person?person=web:bob&confirm=web:ann"] {
        assert_eq!(bench.refused(Method::DELETE, path).await.0, 409);
    }
    assert!(bench.desk.done.lock().unwrap().is_empty());
    let said = text(bench.response(Method::DELETE, "/person?person=web:bob&confirm=web:bob").await).await;
    assert_eq!(said, "{\"said\":\"2 are erased\"}");
    assert_eq!(bench.get("/person?person=web:bob").await["messages"], 0);
}

#[tokio::test]
async fn gauges_are_shown_and_machines_get_the_text() {
    let bench = Bench::new();
    let gauges = bench.get("/gauges").await;
    assert_eq!(gauges["values"], json!([{ "name": "loquat_messages_waiting", "labels": {}, "value": 3.0 }]));
    // The first look is at once.
    let looked = async {
        while bench.get("/history").await.as_array().unwrap().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), looked).await.unwrap();
    assert_eq!(bench.get("/about").await["name"], "Juniper");
    let machine = Bench { router: crate::prometheus(bench.desk.clone()), ..Bench::new() };
    let shown = text(machine.response(Method::GET, "/").await).await;
    assert!(shown.contains("loquat_reply_seconds_bucket{le=\"1\"} 4"), "{shown}");
}
