//! The API of OpenAI as the real program serves it, over the example bot and its real models: grounded answers with what they cite, chats of several turns, and the model
//! on its own, within a JSON schema or a tool's.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::sync::{Arc, Mutex, PoisonError, Weak};

use loquat_tests::program::User;
use loquat_tests::server::Server;
use serde_json::{Value, json};

const CAPITAL: &str = "What is the capital of Bhutan?";

/// A running bot, which the tests of this file share; it ends with the last of them.
struct Api {
    server: Server,
    user: User,
    /// The language model's name.
    model: String,
}

/// Whether embedding models can be fetched.
fn has_npm() -> bool {
    std::process::Command::new("npm").arg("--version").output().is_ok()
}

fn api() -> Arc<Api> {
    static SHARED: Mutex<Weak<Api>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(api) = shared.upgrade() {
        return api;
    }
    let embeddings = if has_npm() { "all-minilm-l6-v2" } else { "off" };
    let user = User::new().unwrap().with("LOQUAT_GRAPH__EMBEDDINGS", embeddings);
    let server = Server::start(&user, &["--port", "0"]).unwrap();
    let models: Value = serde_json::from_str(&server.get("/v1/models").unwrap().1).unwrap();
    let mut models = models["data"].as_array().unwrap().iter();
    let model = models.find(|model| model["loquat"]["kind"] == "language_model").unwrap();
    let model = model["id"].as_str().unwrap().to_owned();
    let api = Arc::new(Api { server, user, model });
    *shared = Arc::downgrade(&api);
    api
}

impl Api {
    fn send(&self, path: &str, key: Option<&str>, body: &Value) -> (u16, String) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let mut request = agent.post(format!("{}/v1{path}", self.server.link));
        if let Some(key) = key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let mut answer = request.header("Content-Type", "application/json").send(body.to_string()).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    fn post(&self, path: &str, body: &Value) -> (u16, String) {
        self.send(path, None, body)
    }

    fn chat(&self, body: &Value) -> Value {
        let (status, text) = self.post("/chat/completions", body);
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The model without facts.
    fn raw(&self, question: &str, further: Value) -> Value {
        let mut body = json!({ "model": self.model, "messages": [user_says(question)], "temperature": 0 });
        for (name, value) in further.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.chat(&body)
    }
}

fn user_says(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

fn content(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap()
}

#[test]
fn the_bot_answers_from_its_facts_and_understands_what_follows() {
    let api = api();
    let first = api.chat(&json!({ "model": "loquat", "messages": [user_says(CAPITAL)] }));
    assert!(content(&first).contains("Thimphu"), "{first}");
    assert_eq!(first["loquat"]["outcome"], "answered");
    let cited = &first["choices"][0]["message"]["annotations"][0];
    // The source of the example's facts is a name, not an address.
    assert_eq!(cited["type"], "loquat_citation");
    let triple = &cited["loquat_citation"];
    assert_eq!((&triple["subject"], &triple["object"]), (&json!("Bhutan"), &json!("Thimphu")), "{first}");
    let at = |name: &str| triple[name].as_u64().unwrap() as usize;
    let sentence: String =
        content(&first).chars().skip(at("start_index")).take(at("end_index") - at("start_index")).collect();
    assert!(sentence.contains("Thimphu"), "{first}");

    let mut chat =
        vec![user_says(CAPITAL), first["choices"][0]["message"].clone(), user_says("And its currency?")];
    let second = api.chat(&json!({ "model": "loquat", "messages": chat }));
    assert!(content(&second).contains("ngultrum"), "{second}");
    // Words that are not the bot's own: the chat is not known, and is understood by asking again.
    chat[1]["content"] = json!("I looked it up: Thimphu.");
    let again = api.chat(&json!({ "model": "loquat", "messages": chat }));
    assert!(content(&again).contains("ngultrum"), "{again}");
    let alone = api.chat(&json!({ "model": "loquat", "messages": [user_says("And its currency?")] }));
    assert!(!content(&alone).contains("ngultrum"), "{alone}");
    let unknown =
        api.chat(&json!({ "model": "loquat", "messages": [user_says("What is the capital of Atlantis?")] }));
    assert_eq!(
        (&unknown["loquat"]["outcome"], &unknown["choices"][0]["message"]["annotations"]),
        (&json!("abstained"), &json!([]))
    );
}

#[test]
fn a_streamed_answer_is_the_same_and_counts_the_same() {
    let api = api();
    let question = user_says("不丹的首都是什么？");
    let whole = api.chat(&json!({ "model": "loquat", "messages": [question] }));
    let (status, text) = api.post(
        "/chat/completions",
        &json!({ "model": "loquat", "messages": [question], "stream": true, "stream_options": { "include_usage": true } }),
    );
    assert_eq!(status, 200, "{text}");
    let events: Vec<&str> =
        text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap()).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let said: String =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(said, content(&whole));
    assert!(said.contains("廷布"), "{said}");
    assert_eq!(chunks.last().unwrap()["usage"], whole["usage"]);
}

#[test]
fn the_model_keeps_to_schemas_whatever_it_would_say() {
    let api = api();
    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "maxLength": 20 },
            "kind": { "enum": ["city", "country"] },
            "population": { "type": "integer", "minimum": 0, "maximum": 9_999_999 },
        },
        "required": ["name", "kind", "population"],
        "additionalProperties": false,
    });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "place", "strict": true, "schema": schema } });
    let answer =
        api.raw("Tell me about Paris.", json!({ "response_format": format, "temperature": 1.5, "seed": 3 }));
    let place: Value = serde_json::from_str(content(&answer)).unwrap();
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let names: Vec<&String> = place.as_object().unwrap().keys().collect();
    assert_eq!(names, ["name", "kind", "population"]);
    assert!(["city", "country"].contains(&place["kind"].as_str().unwrap()), "{place}");
    assert!(place["population"].as_u64().unwrap() < 10_000_000, "{place}");

    let tool = |name: &str| {
        let parameters = json!({
            "type": "object",
            "properties": { "place": { "$ref": "#/$defs/place" } }, "required": ["place"], "additionalProperties": false,
            "$defs": { "place": { "enum": ["Paris", "Rome"] } },
        });
        json!({ "type": "function", "function": { "name": name, "description": "How the weather is", "parameters": parameters } })
    };
    let tools = json!([tool("weather"), tool("forecast")]);
    let answer = api.raw("Is it raining in Rome?", json!({ "tools": tools, "tool_choice": "required" }));
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls", "{answer}");
    let called = &answer["choices"][0]["message"]["tool_calls"][0]["function"];
    assert!(["weather", "forecast"].contains(&called["name"].as_str().unwrap()), "{answer}");
    let arguments: Value = serde_json::from_str(called["arguments"].as_str().unwrap()).unwrap();
    assert!(["Paris", "Rome"].contains(&arguments["place"].as_str().unwrap()), "{answer}");

    let (status, text) = api.post(
        "/chat/completions",
        &json!({ "model": api.model, "messages": [user_says("x")], "response_format":
            { "type": "json_schema", "json_schema": { "name": "x", "schema": { "type": "nonsense" } } } }),
    );
    assert_eq!(status, 400, "{text}");
}

#[test]
fn the_model_draws_stops_and_counts_as_it_is_told() {
    let api = api();
    let further = json!({ "temperature": 1, "seed": 7, "max_tokens": 12 });
    let (one, two) = (api.raw("Say something.", further.clone()), api.raw("Say something.", further));
    assert_eq!(content(&one), content(&two));
    let other = api.raw("Say something.", json!({ "temperature": 1, "seed": 8, "max_tokens": 12 }));
    assert_ne!(content(&one), content(&other));
    assert_eq!(
        (&one["choices"][0]["finish_reason"], &one["usage"]["completion_tokens"]),
        (&json!("length"), &json!(12))
    );
    assert!(one["usage"]["prompt_tokens"].as_u64().unwrap() > 5, "{one}");

    let story = "Tell me a story about a fox.";
    let told = api.raw(story, json!({ "max_tokens": 30 }));
    let word = content(&told).split(' ').nth(4).unwrap();
    let begun = content(&told).split(word).next().unwrap();
    let stopped = api.raw(story, json!({ "max_tokens": 30, "stop": word }));
    assert_eq!((content(&stopped), &stopped["choices"][0]["finish_reason"]), (begun, &json!("stop")));

    let probable = api.raw(
        "What is the capital of France?",
        json!({ "logprobs": true, "top_logprobs": 3, "max_tokens": 16 }),
    );
    let tokens = probable["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let texts: String = tokens.iter().filter_map(|token| token["token"].as_str()).collect();
    assert!(texts.starts_with(content(&probable)), "{probable}");
    for token in tokens {
        // Greedy: the chosen one is the likeliest.
        assert_eq!(token["logprob"], token["top_logprobs"][0]["logprob"], "{token}");
        assert_eq!(token["top_logprobs"].as_array().unwrap().len(), 3);
    }
    let several = api.raw("Say something.", json!({ "n": 2, "temperature": 1, "seed": 7, "max_tokens": 12 }));
    assert_eq!(
        (content(&several), several["choices"][1]["message"]["content"].as_str()),
        (content(&one), Some(content(&other)))
    );

    let long = api.post(
        "/chat/completions",
        &json!({ "model": api.model, "messages": [user_says(&"word ".repeat(20_000))] }),
    );
    assert_eq!(long.0, 400, "{long:?}");
    assert!(long.1.contains("context_length_exceeded"), "{long:?}");
}

#[test]
fn texts_are_embedded_where_the_bot_has_a_model_for_it() {
    let api = api();
    let body = json!({ "model": "all-MiniLM-L6-v2", "input": ["The seat of government", "the capital city", "a ripe banana"] });
    let (status, text) = api.post("/embeddings", &body);
    if !has_npm() {
        assert_eq!(status, 404, "{text}");
        return;
    }
    let list: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &list["usage"]["prompt_tokens"]), (200, &json!(16)), "{}", list["usage"]);
    let vector = |at: usize| -> Vec<f64> {
        list["data"][at]["embedding"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    };
    let cosine = |a: usize, b: usize| vector(a).iter().zip(vector(b)).map(|(x, y)| x * y).sum::<f64>();
    assert!((cosine(0, 0) - 1.0).abs() < 1e-4);
    assert!(cosine(0, 1) > cosine(0, 2) + 0.1, "{} {}", cosine(0, 1), cosine(0, 2));
}

#[test]
fn where_a_key_is_wanted_it_is_looked_at_and_its_lack_is_told_as_clients_expect_it() {
    let user = User::new().unwrap().with("LOQUAT_CONNECTORS__WEB__TOKEN", "sesame");
    let key = user.run(["key", "new", "laptop", "--scope", "chat"]).unwrap();
    let key = key.out.split_whitespace().find(|word| word.starts_with("lq_")).unwrap().to_owned();
    let server = Server::start(&user, &["--port", "0"]).unwrap();
    let api = Api { server, user, model: String::new() };
    let question = json!({ "model": "loquat", "messages": [user_says(CAPITAL)] });
    for wrong in [None, Some("lq_wrong")] {
        let (status, text) = api.send("/chat/completions", wrong, &question);
        let error: Value = serde_json::from_str(&text).unwrap();
        let error = &error["error"];
        assert_eq!((status, &error["type"]), (401, &json!("invalid_request_error")), "{text}");
        assert!(
            error["message"].is_string() && error["code"].is_string() && error["param"].is_null(),
            "{text}"
        );
        assert!(error.get("param").is_some(), "{text}");
    }
    let (status, text) = api.send("/chat/completions", Some(&key), &question);
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("Thimphu"), "{text}");
    assert!(!api.server.said().contains(&key), "the log has the key");
    drop(api.user);
}
