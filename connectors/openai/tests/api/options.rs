//! Parameters reach the model, and what comes back says what it did.

use loquat_contract::{Constraint, Role};
use loquat_openai::Limits;
use serde_json::{Value, json};

use super::{Api, content};

#[tokio::test]
async fn a_model_that_is_named_answers_the_chat_as_it_is() {
    let api = Api::new();
    let chat = json!({ "model": "scripted", "messages": [
        { "role": "developer", "content": "Be brief." },
        { "role": "user", "content": [{ "type": "text", "text": "one" }, { "type": "text", "text": "two" }], "name": "ann" },
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "call_1", "type": "function", "function": { "name": "look", "arguments": "{\"at\": 1}" } }] },
        { "role": "tool", "tool_call_id": "call_1", "content": "a tree" },
        { "role": "user", "content": "three" },
    ], "user": "ann", "metadata": { "a": "b" }, "store": false, "service_tier": "auto", "a_field_of_next_year": 1 });
    let (status, answer) = api.post("/chat/completions", &chat).await;
    assert_eq!((status.as_u16(), content(&answer)), (200, "you said three"));
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "scripted");
    assert_eq!(answer["system_fingerprint"], "fp_0123456789ab");
    assert!(answer["id"].as_str().unwrap().starts_with("chatcmpl-"), "{answer}");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["choices"][0]["logprobs"], Value::Null);
    assert_eq!(answer["usage"], json!({ "prompt_tokens": 15, "completion_tokens": 3, "total_tokens": 18 }));
    assert_eq!(answer["loquat"], Value::Null);

    let asked = api.parts.writer.last();
    let heard: Vec<(Role, &str)> =
        asked.messages.iter().map(|message| (message.role, message.content.as_str())).collect();
    let call = r#"{"name":"look","arguments":{"at":1}}"#;
    let expected = [
        (Role::System, "Be brief."),
        (Role::User, "one\ntwo"),
        (Role::Assistant, call),
        (Role::User, "Result of the tool call of call_1: a tree"),
        (Role::User, "three"),
    ];
    assert_eq!(heard, expected);
    assert!(api.parts.guide.questions().is_empty());
}

#[tokio::test]
async fn every_parameter_of_sampling_arrives() {
    let api = Api::new();
    let further = json!({
        "temperature": 0.5, "top_p": 0.9, "presence_penalty": 0.1, "frequency_penalty": -0.2, "seed": 7,
        "logit_bias": { "5": 2.5, "6": -100 }, "stop": ["\n", ""], "max_tokens": 9, "max_completion_tokens": 2,
        "top_k": 40, "min_p": 0.05, "repetition_penalty": 1.1,
    });
    let answer = api.chat("scripted", "hello", further).await;
    assert_eq!((content(&answer), &answer["choices"][0]["finish_reason"]), ("seed 7 ", &json!("length")));
    let asked = api.parts.writer.last();
    let sampling = &asked.sampling;
    assert_eq!((sampling.temperature, sampling.top_p, sampling.seed, sampling.max_tokens), (0.5, 0.9, 7, 2));
    assert_eq!((sampling.presence_penalty, sampling.frequency_penalty), (0.1, -0.2));
    assert_eq!((sampling.top_k, sampling.min_p, sampling.repetition_penalty), (40, 0.05, 1.1));
    let bias: Vec<(u32, f32)> = sampling.logit_bias.clone().into_iter().collect();
    assert_eq!(bias, [(5, 2.5), (6, f32::NEG_INFINITY)]);
    assert_eq!(asked.stop, ["\n"]);
}

#[tokio::test]
async fn a_stop_text_ends_the_answer_and_is_no_part_of_it() {
    let answer = Api::new().chat("scripted", "one two three", json!({ "stop": " two" })).await;
    assert_eq!((content(&answer), &answer["choices"][0]["finish_reason"]), ("you said one", &json!("stop")));
}

#[tokio::test]
async fn the_same_seed_says_the_same_and_none_draws_anew() {
    let api = Api::new();
    let says = async |further: Value| content(&api.chat("scripted", "x", further).await).to_owned();
    let seeded = json!({ "temperature": 1, "seed": 5 });
    assert_eq!(says(seeded.clone()).await, says(seeded).await);
    let unseeded = json!({ "temperature": 1 });
    assert_ne!(says(unseeded.clone()).await, says(unseeded).await);
}

#[tokio::test]
async fn several_choices_draw_apart_and_share_their_prompt() {
    let api = Api::new();
    let answer = api.chat("scripted", "x", json!({ "n": 3, "temperature": 1, "seed": 5 })).await;
    let choices = answer["choices"].as_array().unwrap();
    let said: Vec<&str> = choices.iter().filter_map(|choice| choice["message"]["content"].as_str()).collect();
    assert_eq!(said, ["seed 5 says x", "seed 6 says x", "seed 7 says x"]);
    assert_eq!(choices[2]["index"], 2);
    assert_eq!(answer["usage"], json!({ "prompt_tokens": 1, "completion_tokens": 12, "total_tokens": 13 }));
}

#[tokio::test]
async fn logprobs_stand_beside_the_text() {
    let answer = Api::new().chat("scripted", "x", json!({ "logprobs": true, "top_logprobs": 2 })).await;
    let tokens = answer["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let texts: String = tokens.iter().filter_map(|token| token["token"].as_str()).collect();
    assert_eq!(texts, content(&answer));
    assert_eq!(tokens[0]["bytes"], json!([121, 111, 117, 32]));
    assert_eq!(tokens[0]["logprob"], -0.5);
    // What is no whole character has no bytes that could be told.
    assert_eq!(tokens[0]["top_logprobs"][1], json!({ "token": "1\u{fffd}", "logprob": -0.5, "bytes": null }));
}

#[tokio::test]
async fn json_is_asked_of_the_model_as_a_constraint() {
    let api = Api::new();
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "place", "strict": true, "schema": schema } });
    let answer = api.chat("scripted", "x", json!({ "response_format": format })).await;
    let said: Value = serde_json::from_str(content(&answer)).unwrap();
    assert_eq!(said["city"], "Thimphu");
    assert_eq!(api.parts.writer.last().constraint, Some(Constraint::JsonSchema(schema.to_string())));
    api.chat("scripted", "x", json!({ "response_format": { "type": "json_object" } })).await;
    assert_eq!(
        api.parts.writer.last().constraint,
        Some(Constraint::JsonSchema(r#"{"type":"object"}"#.into()))
    );
    api.chat("scripted", "x", json!({ "response_format": { "type": "text" } })).await;
    assert_eq!(api.parts.writer.last().constraint, None);
}

#[tokio::test]
async fn the_bot_without_grounding_is_its_first_model_within_its_limits() {
    let api = Api::with(|service| service.with_limits(Limits { max_tokens: 2, ..Limits::default() }));
    for further in [json!({ "grounding": false }), json!({ "grounding": false, "max_tokens": 50 })] {
        let answer = api.chat("loquat", "a b c", further).await;
        assert_eq!(
            (content(&answer), &answer["choices"][0]["finish_reason"]),
            ("you said ", &json!("length"))
        );
    }
    assert!(api.parts.guide.questions().is_empty());
}

#[tokio::test]
async fn models_are_listed_and_found_by_name() {
    let api = Api::new();
    let (status, list) = api.get("/models").await;
    let models = list["data"].as_array().unwrap();
    let named: Vec<(&str, &str)> = models
        .iter()
        .map(|model| (model["id"].as_str().unwrap(), model["loquat"]["kind"].as_str().unwrap()))
        .collect();
    let expected = [("Mira", "grounded"), ("scripted", "language_model"), ("hashed", "embedding")];
    assert_eq!((status.as_u16(), named), (200, expected.to_vec()));
    assert!(models.iter().all(|model| model["object"] == "model" && model["created"].is_u64()), "{list}");
    // Another name of the model, which is none of the bot's.
    assert_eq!(api.chat("writer", "a b c", json!({})).await["loquat"], Value::Null);
    for name in ["scripted", "loquat", "mira"] {
        let (status, model) = api.get(&format!("/models/{name}")).await;
        assert_eq!((status.as_u16(), &model["id"]), (200, &json!(name)));
    }
}
