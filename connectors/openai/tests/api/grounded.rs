//! What the bot answers: grounded, with annotations, and in a chat of several turns.

use loquat_openai::Limits;
use serde_json::{Value, json};

use super::{Api, content, said};

const CAPITAL: &str = "What is the capital of Bhutan?";
const CURRENCY: &str = "And its currency?";

fn turn(role: &str, text: &str) -> Value {
    json!({ "role": role, "content": text })
}

async fn chat(api: &Api, turns: &[Value]) -> Value {
    let (status, answer) =
        api.post("/chat/completions", &json!({ "model": "Mira", "messages": turns })).await;
    assert_eq!(status.as_u16(), 200, "{answer}");
    answer
}

#[tokio::test]
async fn the_bot_answers_with_citations_as_annotations() {
    let api = Api::new();
    for name in ["Mira", "mira", "loquat"] {
        let answer = api.chat(name, CAPITAL, json!({})).await;
        assert_eq!(content(&answer), "Grüß dich! The capital of Bhutan is Thimphu.");
        assert_eq!(
            answer["usage"],
            json!({ "prompt_tokens": 31, "completion_tokens": 7, "total_tokens": 38 })
        );
        let annotation = &answer["choices"][0]["message"]["annotations"][0];
        assert_eq!(annotation["type"], "url_citation");
        let url = &annotation["url_citation"];
        assert_eq!(url["url"], "https://example.org/world?a=1");
        assert_eq!((&url["start_index"], &url["end_index"]), (&json!(11), &json!(44)));
        assert_eq!(annotation["loquat_citation"]["object"], "Thimphu");
        let grounds = &answer["loquat"];
        assert_eq!(
            (&grounds["outcome"], &grounds["policy"], &grounds["graph"]),
            (&json!("answered"), &json!("strict"), &json!(4))
        );
        assert_eq!((&grounds["values"], &grounds["ignored"]), (&json!(["Thimphu"]), &json!([])));
        assert_eq!(grounds["sentences"][1]["citations"], json!([1]));
    }
    assert!(api.parts.writer.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_stream_says_the_same_sentence_by_sentence() {
    let api = Api::new();
    let events = api.stream("Mira", CAPITAL, json!({ "stream_options": { "include_usage": true } })).await;
    let whole = api.chat("Mira", CAPITAL, json!({})).await;
    assert_eq!(said(&events), content(&whole));
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let pieces: Vec<&str> =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(pieces, ["", "Grüß dich!", " The capital of Bhutan is Thimphu."]);
    let annotated: Vec<&Value> = events
        .iter()
        .map(|event| &event["choices"][0]["delta"]["annotations"])
        .filter(|found| !found.is_null())
        .collect();
    assert_eq!(annotated, [&whole["choices"][0]["message"]["annotations"]]);
    let [.., finish, usage, Value::Null] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(finish["loquat"], whole["loquat"]);
    assert_eq!((&usage["choices"], &usage["usage"]), (&json!([]), &whole["usage"]));
}

#[tokio::test]
async fn a_follow_up_is_understood_by_what_was_remembered() {
    let api = Api::new();
    let first = chat(&api, &[turn("user", CAPITAL)]).await;
    // Clients trim, and some add instructions or send parts.
    let follow_up = [
        turn("system", "You are a helpful assistant."),
        json!({ "role": "user", "content": [{ "type": "text", "text": CAPITAL }] }),
        turn("assistant", &format!("{}\n", content(&first))),
        turn("user", CURRENCY),
    ];
    let second = chat(&api, &follow_up).await;
    assert!(content(&second).ends_with("The currency of Bhutan is ngultrum."), "{second}");
    assert_eq!(api.parts.guide.questions(), [CAPITAL, CURRENCY]);
    let annotation = &second["choices"][0]["message"]["annotations"][0];
    assert_eq!(
        (&annotation["type"], &annotation["loquat_citation"]["source"]),
        (&json!("loquat_citation"), &json!("money.ttl"))
    );
    assert_eq!(annotation["url_citation"], Value::Null);
    assert_eq!(second["loquat"]["ignored"], json!(["system messages"]));
}

#[tokio::test]
async fn a_chat_that_is_not_known_is_asked_again() {
    let api = Api::with(|service| service.with_limits(Limits { replayed_questions: 2, ..Limits::default() }));
    let told = [
        turn("user", "an old question"),
        turn("assistant", "…"),
        turn("user", CAPITAL),
        turn("assistant", "words of another server"),
        turn("user", "thanks"),
        turn("assistant", "gladly"),
        turn("user", CURRENCY),
    ];
    let answer = chat(&api, &told).await;
    assert!(content(&answer).contains("ngultrum"), "{answer}");
    assert_eq!(api.parts.guide.questions(), [CAPITAL, "thanks", CURRENCY]);
    // What was worked out once is known: only the new question is asked.
    let mut on = told.to_vec();
    on.extend([turn("assistant", content(&answer)), turn("user", "What is the capital of Nepal?")]);
    chat(&api, &on).await;
    assert_eq!(api.parts.guide.questions().len(), 4);
}

#[tokio::test]
async fn what_would_be_refused_as_a_question_is_not_asked_again_either() {
    let api =
        Api::with(|service| service.with_limits(Limits { max_question_chars: 40, ..Limits::default() }));
    let told = [
        turn("user", &format!("{CAPITAL} {}", "x".repeat(40))),
        turn("assistant", "…"),
        turn("user", "  "),
        turn("assistant", "…"),
        turn("user", CURRENCY),
    ];
    assert_eq!(chat(&api, &told).await["loquat"]["outcome"], "abstained");
    assert_eq!(api.parts.guide.questions(), [CURRENCY]);
}

#[tokio::test]
async fn no_request_sees_what_another_was_about() {
    let api = Api::new();
    let first = chat(&api, &[turn("user", CAPITAL)]).await;
    let lone = chat(&api, &[turn("user", CURRENCY)]).await;
    assert_eq!(lone["loquat"]["outcome"], "abstained");
    // The same words of the person behind another answer are another chat, and are asked again: of Nepal.
    let other = [
        turn("user", "What is the capital of Nepal?"),
        turn("assistant", content(&first)),
        turn("user", CURRENCY),
    ];
    assert!(content(&chat(&api, &other).await).contains("Nepal"));
    let asked = api.parts.guide.asked.lock().unwrap();
    let mut conversations: Vec<_> = asked.iter().map(|(conversation, _)| conversation.clone()).collect();
    conversations.dedup();
    assert_eq!(conversations.len(), 3);
    assert!(api.parts.guide.about.lock().unwrap().is_empty(), "each is forgotten with its request");
}

#[tokio::test]
async fn what_cannot_hold_for_grounded_answers_is_refused_with_the_way_out() {
    let api = Api::new();
    let tool = json!({ "type": "function", "function": { "name": "look" } });
    let requests = [
        ("response_format", json!({ "response_format": { "type": "json_object" } })),
        ("logprobs", json!({ "logprobs": true })),
        ("tool_choice", json!({ "tools": [tool], "tool_choice": "required" })),
        (
            "tool_choice",
            json!({ "tools": [tool], "tool_choice": { "type": "function", "function": { "name": "look" } } }),
        ),
        ("n", json!({ "n": 2 })),
    ];
    for (param, further) in requests {
        let (status, answer) = api.try_chat("Mira", CAPITAL, further).await;
        let error = &answer["error"];
        assert_eq!((status.as_u16(), &error["param"]), (400, &json!(param)), "{answer}");
        assert!(error["message"].as_str().unwrap().contains("\"grounding\": false"), "{answer}");
    }
    assert!(api.parts.guide.questions().is_empty());
}

#[tokio::test]
async fn what_is_passed_over_is_told() {
    let tool = json!({ "type": "function", "function": { "name": "look" } });
    let further = json!({ "temperature": 0.2, "seed": 1, "stop": "x", "max_tokens": 5, "tools": [tool], "tool_choice": "auto", "n": 1 });
    let answer = Api::new().chat("Mira", CAPITAL, further).await;
    assert_eq!(answer["loquat"]["ignored"], json!(["temperature", "seed", "stop", "max_tokens", "tools"]));
    assert!(content(&answer).contains("Thimphu"));
}

#[tokio::test]
async fn a_question_that_is_too_long_or_no_question_is_refused() {
    let api = Api::with(|service| service.with_limits(Limits { max_question_chars: 5, ..Limits::default() }));
    let (status, answer) = api.try_chat("Mira", "三四五六七八", json!({})).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!("string_above_max_length")));
    let chats =
        [vec![turn("user", "a"), turn("assistant", "b")], vec![turn("system", "a")], vec![turn("user", " ")]];
    for chat in chats {
        let (status, answer) =
            api.post("/chat/completions", &json!({ "model": "Mira", "messages": chat })).await;
        assert_eq!(status.as_u16(), 400, "{answer}");
    }
}
