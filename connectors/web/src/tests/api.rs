//! What a page asks for beside talking: lists, presses, feedback, files, the graph, and to be forgotten.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use loquat_contract::testing::MemoryGraph;
use loquat_contract::{
    Entity, Event, Fact, Label, MessageId, Place, Predicate, Refusal, Sender, Settlement, Timestamp, Unit,
    Value,
};
use serde_json::json;

use super::fakes::{
    ANN, FakeSink, Fixture, ONE, TWO, address, ask, code, envelope, fixture, fixture_on, get, json, message,
    path, post, reply,
};
use crate::serve::Secret;
use crate::{Config, bind};

#[tokio::test]
async fn conversations_are_listed_newest_first_and_only_ones_own() {
    let sink = FakeSink::remembering(ONE, &[("1", "one"), ("2", "two")]);
    sink.keep(loquat_contract::Inbound::message(
        address(TWO, "1").conversation,
        "1",
        Sender::new(ANN),
        "What  is\nthe capital of Bhutan?",
    ));
    let third = "bbbbbbbb-bbbb-4ccc-9ddd-eeeeeeeeeeee";
    sink.keep(loquat_contract::Inbound::message(
        address(third, "1").conversation,
        "1",
        Sender::new("guest:bob"),
        "x",
    ));
    let web = fixture(sink, None);
    let list = json(web.ask(get("/api/conversations")).await).await;
    let expected = json!([
        { "id": web.id_of(TWO, ANN), "began": "2023-11-14T22:13:23Z", "last": "2023-11-14T22:13:23Z",
          "title": "What is the capital of Bhutan?" },
        { "id": web.id_of(ONE, ANN), "began": "2023-11-14T22:13:21Z", "last": "2023-11-14T22:13:22Z", "title": "Hello" },
    ]);
    assert_eq!((&list["conversations"], &list["more"]), (&expected, &json!(false)));
    let list = json(web.ask(get("/api/conversations?limit=1")).await).await;
    assert_eq!((list["conversations"].as_array().unwrap().len(), &list["more"]), (1, &json!(true)));
    for bad in ["limit=0", "limit=101", "limit=x", "more=1"] {
        let refused = web.ask(get(&format!("/api/conversations?{bad}"))).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn exchanges_are_paged_backwards() {
    let ids: Vec<String> = (1..=120).map(|id| id.to_string()).collect();
    let said: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "x")).collect();
    let web = fixture(FakeSink::remembering(ONE, &said), None);
    let mut before = String::new();
    let mut seen: Vec<u64> = Vec::new();
    for (count, more) in [(50, true), (50, true), (20, false)] {
        let page = json(web.ask(get(&path(ONE, &format!("exchanges{before}")))).await).await;
        let exchanges = page["exchanges"].as_array().unwrap();
        assert_eq!((exchanges.len(), &page["more"]), (count, &json!(more)));
        let sequences = exchanges.iter().map(|exchange| exchange["sequence"].as_u64().unwrap());
        seen.splice(0..0, sequences);
        before = format!("?before={}", seen[0]);
    }
    assert_eq!(seen, (1..=120).collect::<Vec<_>>());
    let page = json(web.ask(get(&path(ONE, "exchanges?limit=1"))).await).await;
    let exchange = &page["exchanges"][0];
    assert_eq!(
        (&exchange["id"], &exchange["text"], &exchange["state"]),
        (&json!("120"), &json!("Hello"), &json!("answered"))
    );
    assert_eq!(exchange["answer"]["document"], json!([{ "paragraph": [{ "text": "x" }] }]));
    assert_eq!(exchange["answer"]["in_reply_to"], "120");
}

#[tokio::test]
async fn each_state_of_an_exchange_is_told() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    for (id, settlement) in [
        ("1", None),
        ("2", Some(Settlement::Superseded { reason: "changed".into() })),
        ("3", Some(Settlement::Expired { reason: "old".into() })),
        ("4", Some(Settlement::Discarded)),
    ] {
        web.ask(message(ONE, id, "Hello")).await;
        if let Some(settlement) = settlement {
            sink.end(id, settlement);
        }
    }
    web.ask(message(ONE, "5", "/help")).await;
    web.note(&address(ONE, "5"), "Commands").await;
    let page = json(web.ask(get(&path(ONE, "exchanges"))).await).await;
    let states: Vec<&str> =
        page["exchanges"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["waiting", "withdrawn", "failed", "failed", "told"]);
    assert!(page["exchanges"][1]["answer"].is_null() && page["exchanges"][2]["answer"]["reason"].is_string());
}

#[tokio::test]
async fn presses_and_feedback_reach_the_sink_and_say_what_they_are_about() {
    let sink = FakeSink::remembering(ONE, &[("1", "one")]);
    let web = fixture(sink.clone(), None);
    let press = |button: &str| {
        post(&path(ONE, "messages/1/presses"), &json!({ "id": "p1", "button": button }).to_string())
    };
    assert_eq!(web.ask(press("retry.1")).await.status(), StatusCode::ACCEPTED);
    let words =
        post(&path(ONE, "messages/1/feedback"), &json!({ "id": "f1", "text": " wrong date " }).to_string());
    assert_eq!(web.ask(words).await.status(), StatusCode::ACCEPTED);
    {
        let accepted = sink.accepted.lock().unwrap();
        let expected = Event::Button { message: MessageId("1~r".into()), id: "retry.1".into() };
        assert_eq!((&accepted[0].id.0, &accepted[0].event), (&"p1".to_owned(), &expected));
        let Event::Message(said) = &accepted[1].event else { panic!("{:?}", accepted[1]) };
        assert_eq!(
            (said.text.as_str(), &said.reply_to),
            ("/feedback wrong date", &Some(MessageId("1".into())))
        );
    }
    web.deliver(&address(ONE, "p1"), &reply("again")).await;
    web.note(&address(ONE, "f1"), "Thanks.").await;
    let page = json(web.ask(get(&path(ONE, "exchanges"))).await).await;
    let (pressed, said) = (&page["exchanges"][1], &page["exchanges"][2]);
    assert_eq!((&pressed["about"], &pressed["button"]), (&json!("1"), &json!("retry.1")));
    assert_eq!((&said["about"], &said["text"]), (&json!("1"), &json!("wrong date")));
    for (refusal, status, why) in [
        (Refusal::NotYours, StatusCode::FORBIDDEN, "not_yours"),
        (Refusal::TooOld, StatusCode::GONE, "too_old"),
    ] {
        *sink.refusal.lock().unwrap() = Some(refusal);
        let refused = web.ask(press("why.z")).await;
        assert_eq!((refused.status(), code(refused).await.as_str()), (status, why));
    }
    let empty = post(&path(ONE, "messages/1/feedback"), r#"{"id": "f2", "text": " "}"#);
    assert_eq!(code(web.ask(empty).await).await, "empty");
}

/// A bot with a place for files.
fn with_files(sink: Arc<FakeSink>, folder: &std::path::Path) -> Fixture {
    let mut config = Config { port: 0, ..Config::default() };
    (config.files.max_bytes, config.files.person_bytes, config.files.max_per_message) = (1000, 2500, 2);
    fixture_on(sink, bind(&config).unwrap().keep_in(folder).unwrap().with_secret(Secret::known()))
}

fn upload(name: &str, media_type: &str, bytes: &[u8]) -> Request<Body> {
    let mut request = ask("POST", &path(ONE, &format!("files?name={name}")), "");
    request.headers_mut().insert(header::CONTENT_TYPE, media_type.parse().unwrap());
    request.headers_mut().insert(header::CONTENT_LENGTH, bytes.len().into());
    *request.body_mut() = Body::from(bytes.to_vec());
    request
}

const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0";

#[tokio::test]
async fn a_file_is_kept_sent_and_given_back_to_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let web = with_files(FakeSink::willing(), folder.path());
    let kept = web.ask(upload("%E5%9B%BE%201.gif", "image/gif", GIF)).await;
    assert_eq!(kept.status(), StatusCode::CREATED);
    let kept = json(kept).await;
    let id = kept["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&kept["name"], &kept["media_type"], &kept["bytes"]),
        (&json!("图 1.gif"), &json!("image/gif"), &json!(GIF.len()))
    );
    let said = json!({ "id": "1", "text": "", "attachments": [id] }).to_string();
    assert_eq!(web.ask(post(&path(ONE, "messages"), &said)).await.status(), StatusCode::ACCEPTED);
    {
        let accepted = web.sink.accepted.lock().unwrap();
        let Event::Message(message) = &accepted[0].event else { panic!("{:?}", accepted[0]) };
        let Place::Path(place) = &message.attachments[0].place else { panic!("{message:?}") };
        assert_eq!(std::fs::read(place).unwrap(), GIF);
    }
    let page = json(web.ask(get(&path(ONE, "exchanges"))).await).await;
    assert_eq!(page["exchanges"][0]["attachments"], json!([kept]));

    // Also after a restart; and nobody else has it, nor another conversation.
    let web = with_files(web.sink.clone(), folder.path());
    let given = web.ask(get(&path(ONE, &format!("files/{id}")))).await;
    assert_eq!(given.status(), StatusCode::OK);
    let header = |name: &str| given.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-disposition"), "inline; filename*=UTF-8''%E5%9B%BE%201.gif");
    assert_eq!(header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(
        (header("content-type"), header("x-content-type-options")),
        ("image/gif".into(), "nosniff".into())
    );
    assert_eq!(given.into_body().collect().await.unwrap().to_bytes(), GIF);
    for elsewhere in
        [path(TWO, &format!("files/{id}")), path(ONE, "files/..%2f..%2fsecret"), path(ONE, "files/0")]
    {
        assert_eq!(code(web.ask(get(&elsewhere)).await).await, "no_file", "{elsewhere}");
    }

    let text =
        json(web.ask(upload("a.txt", "text/plain; charset=utf-8", b"<script>alert(1)</script>")).await).await;
    let given = web.ask(get(&path(ONE, &format!("files/{}", text["id"].as_str().unwrap())))).await;
    let disposition = given.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment"), "only pictures are shown: {disposition}");
}

#[tokio::test]
async fn files_that_are_too_large_too_many_or_not_what_they_say_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let web = with_files(FakeSink::willing(), folder.path());
    let large = vec![b'x'; 1001];
    for (media_type, bytes, why) in [
        ("text/plain", &large[..], "too_large"),
        ("text/plain", b"", "empty"),
        ("text/html", b"<p>", "file_type"),
        ("image/svg+xml", b"<svg/>", "file_type"),
        ("image/png", GIF, "not_that_type"),
        ("image/gif", b"<script>", "not_that_type"),
        ("text/plain", b"\xff\xfe", "not_that_type"),
        ("", b"x", "file_type"),
    ] {
        let refused = web.ask(upload("x", media_type, bytes)).await;
        assert!(refused.status().is_client_error());
        assert_eq!(code(refused).await, why, "{media_type}");
    }
    let mut ids = Vec::new();
    for _ in 0..2 {
        let kept = json(web.ask(upload("x", "text/plain", &large[..1000])).await).await;
        ids.push(kept["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(code(web.ask(upload("x", "text/plain", &large[..1000])).await).await, "no_room");
    let kept = web.ask(upload("x", "text/plain", &large[..500])).await;
    assert_eq!(kept.status(), StatusCode::CREATED, "what was refused takes no room");
    ids.push(json(kept).await["id"].as_str().unwrap().to_owned());
    let send = |ids: &[String]| {
        post(&path(ONE, "messages"), &json!({ "id": "1", "text": "x", "attachments": ids }).to_string())
    };
    assert_eq!(code(web.ask(send(&ids)).await).await, "too_many_files");
    assert_eq!(code(web.ask(send(&["0".repeat(32)])).await).await, "no_file");
    assert_eq!(code(web.ask(send(&["../../x".to_owned()])).await).await, "no_file");
    assert!(web.sink.accepted.lock().unwrap().is_empty());

    let none = fixture(FakeSink::willing(), None);
    assert_eq!(code(none.ask(upload("x", "text/plain", b"x")).await).await, "no_files");
    assert!(json(none.ask(get("/api/bot")).await).await["files"].is_null());
}

#[tokio::test]
async fn what_is_never_sent_is_let_go_and_what_is_sent_stays() {
    let folder = tempfile::tempdir().unwrap();
    let web = with_files(FakeSink::willing(), folder.path());
    let mut ids = Vec::new();
    for _ in 0..2 {
        let kept = json(web.ask(upload("x", "text/plain", b"x")).await).await;
        ids.push(kept["id"].as_str().unwrap().to_owned());
    }
    let said = json!({ "id": "1", "text": "x", "attachments": [ids[0]] }).to_string();
    web.ask(post(&path(ONE, "messages"), &said)).await;
    let files = web.site.files.clone().unwrap();
    let day = Duration::from_secs(86_400);
    let there =
        |store: &crate::files::Store| ids.iter().map(|id| store.find(ONE, id).is_some()).collect::<Vec<_>>();
    files.collect_older(ONE, true, day, Timestamp::now()).await;
    assert_eq!(there(&files), [true, true], "not yet");
    let later = Timestamp(Timestamp::now().0 + 2 * 86_400_000);
    files.collect_older(ONE, true, day, later).await;
    assert_eq!(there(&files), [true, false]);
    let reopened = with_files(FakeSink::willing(), folder.path()).site.files.clone().unwrap();
    assert_eq!(there(&reopened), [true, false], "it is known after a restart which was sent");
    // Its conversation is past retention; an earlier try has removed the half of it.
    std::fs::remove_file(folder.path().join("files").join(ONE).join(format!("{}.json", ids[0]))).unwrap();
    reopened.collect_older(ONE, false, day, later).await;
    assert_eq!(there(&reopened), [false, false]);
    assert!(!folder.path().join("files").join(ONE).exists());
}

#[tokio::test]
async fn who_wants_to_be_forgotten_is_and_every_tab_hears_it() {
    let folder = tempfile::tempdir().unwrap();
    let sink = FakeSink::willing();
    let web = with_files(sink.clone(), folder.path());
    web.ask(upload("x", "text/plain", b"x")).await;
    web.ask(message(ONE, "1", "Hello")).await;
    sink.settle(&envelope(&address(ONE, "1"), &reply("Hi.")));
    let (mut one, mut two) = (web.listen(ONE, None).await, web.listen(TWO, None).await);
    assert_eq!(one.next().await.unwrap().kind, "reply");
    let erased = json(web.ask(ask("DELETE", "/api/me", "")).await).await;
    assert_eq!(erased, json!({ "erased": 1 }));
    for page in [&mut one, &mut two] {
        assert_eq!(page.next().await.unwrap().kind, "erased");
    }
    assert_eq!(sink.erased.lock().unwrap()[0].to_string(), "web:guest:ann");
    assert!(!folder.path().join("files").join(ONE).exists());
    assert_eq!(json(web.ask(get("/api/conversations")).await).await["conversations"], json!([]));
}

#[tokio::test]
async fn the_graph_can_be_walked_where_that_is_wanted() {
    let entity = |id: &str, name: &str| {
        let descriptions = vec![Label::new(format!("{name}, in a few words"), "en")];
        Arc::new(Entity {
            id: id.into(),
            labels: vec![Label::plain(name)],
            descriptions,
            ..Entity::default()
        })
    };
    let (bhutan, thimphu) = (entity("http://x/bhutan", "Bhutan"), entity("http://x/thimphu", "Thimphu"));
    let of = |name: &str, unit: Option<Unit>| {
        Arc::new(Predicate {
            id: name.into(),
            labels: vec![Label::plain(name)],
            unit,
            ..Predicate::default()
        })
    };
    let km = Some(Unit { symbol: "km²".into(), labels: Vec::new() });
    let fact = |id: &str, predicate, object| {
        Fact::new(id.into(), bhutan.clone(), predicate, object, "world.ttl".into())
    };
    let facts = vec![
        fact("f1", of("capital", None), Value::Entity(thimphu)),
        fact("f2", of("area", km), Value::number("38394", 38394.0)),
    ];
    let bound = |explore| {
        let config = Config { port: 0, explore, ..Config::default() };
        bind(&config)
            .unwrap()
            .with_knowledge(Arc::new(MemoryGraph::new(facts.clone())))
            .with_secret(Secret::known())
    };
    let web = fixture_on(FakeSink::willing(), bound(true));
    let found = json(web.ask(get("/api/entities/http%3A%2F%2Fx%2Fbhutan?limit=1")).await).await;
    let expected = json!({
        "id": "http://x/bhutan", "label": "Bhutan", "description": "Bhutan, in a few words",
        "facts": [{
            "id": "f1", "subject": { "id": "http://x/bhutan", "label": "Bhutan" }, "predicate": "capital",
            "object": { "id": "http://x/thimphu", "label": "Thimphu" }, "source": "world.ttl",
        }],
        "more": true,
    });
    assert_eq!(found, expected);
    let found = json(web.ask(get("/api/entities/http%3A%2F%2Fx%2Fbhutan")).await).await;
    assert_eq!(
        (&found["facts"][1]["object"], &found["more"]),
        (&json!({ "label": "38394 km²" }), &json!(false))
    );
    let found = json(web.ask(get("/api/entities/http%3A%2F%2Fx%2Fthimphu")).await).await;
    assert_eq!(
        (&found["label"], &found["facts"][0]["id"]),
        (&json!("Thimphu"), &json!("f1")),
        "from the other side"
    );
    assert_eq!(code(web.ask(get("/api/entities/nothing")).await).await, "no_entity");
    let web = fixture_on(FakeSink::willing(), bound(false));
    assert_eq!(code(web.ask(get("/api/entities/http%3A%2F%2Fx%2Fbhutan")).await).await, "no_graph");
}

#[tokio::test]
async fn the_document_is_served_and_names_every_route() {
    let web = fixture(FakeSink::willing(), None);
    let document = json(web.as_stranger(get("/openapi.json")).await).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    let conversation = "/api/conversations/{conversation}";
    for path in [
        "/api/bot".to_owned(),
        "/api/session".into(),
        "/api/conversations".into(),
        "/api/me".into(),
        "/api/entities/{id}".into(),
        format!("{conversation}/events"),
        format!("{conversation}/exchanges"),
        format!("{conversation}/messages"),
        format!("{conversation}/messages/{{message}}"),
        format!("{conversation}/messages/{{message}}/presses"),
        format!("{conversation}/messages/{{message}}/feedback"),
        format!("{conversation}/files"),
        format!("{conversation}/files/{{file}}"),
    ] {
        assert!(paths.contains(&&path), "{path} is missing in {paths:?}");
    }
    assert_eq!(document["components"]["schemas"]["Message"]["properties"]["text"]["maxLength"], 20);
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(schemas.contains_key(reference), "{reference} is named and not described");
    }
}
