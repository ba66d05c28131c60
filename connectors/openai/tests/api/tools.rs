//! Calls of tools: which are made, and how they read.

use loquat_contract::Constraint;
use serde_json::{Value, json};

use super::Api;

fn weather() -> Value {
    let parameters =
        json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
    json!({ "type": "function", "function": { "name": "weather", "description": "How it is there", "parameters": parameters } })
}

fn time() -> Value {
    json!({ "type": "function", "function": { "name": "time" } })
}

#[tokio::test]
async fn a_tool_that_has_to_be_called_is_called_by_its_schema() {
    let api = Api::new();
    let named = json!({ "type": "function", "function": { "name": "weather" } });
    let further = json!({ "tools": [time(), weather()], "tool_choice": named });
    let answer = api.chat("scripted", "How is the weather?", further).await;
    let choice = &answer["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &Value::Null)
    );
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("weather")));
    assert!(call["id"].as_str().unwrap().starts_with("call_") && call.get("index").is_none(), "{call}");
    let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments["city"], "Thimphu");
    let asked = api.parts.writer.last();
    assert_eq!(asked.prefill, r#"{"name": "weather", "arguments": "#);
    assert_eq!(
        asked.constraint,
        Some(Constraint::JsonSchema(weather()["function"]["parameters"].to_string()))
    );
    assert!(asked.messages[0].content.contains("How it is there"), "{asked:?}");
}

#[tokio::test]
async fn of_several_one_is_chosen_and_both_runs_are_counted() {
    let api = Api::new();
    let further = json!({ "tools": [time(), weather()], "tool_choice": "required" });
    let answer = api.chat("scripted", "How is the weather?", further).await;
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"]["name"], "weather");
    let asked = api.parts.writer.requests.lock().unwrap();
    assert_eq!(asked[0].constraint, Some(Constraint::OneOf(vec!["time".into(), "weather".into()])));
    assert_eq!(asked[0].prefill, r#"{"name": ""#);
    assert_eq!(asked.len(), 2);
    assert_eq!(answer["usage"]["completion_tokens"], 5);
}

#[tokio::test]
async fn a_streamed_call_comes_in_pieces() {
    let events =
        Api::new().stream("scripted", "x", json!({ "tools": [weather()], "tool_choice": "required" })).await;
    let calls: Vec<&Value> = events
        .iter()
        .map(|event| &event["choices"][0]["delta"]["tool_calls"][0])
        .filter(|call| !call.is_null())
        .collect();
    assert_eq!((&calls[0]["index"], &calls[0]["function"]["name"]), (&json!(0), &json!("weather")));
    assert!(calls[1..].iter().all(|call| call["index"] == 0 && call.get("id").is_none()), "{calls:?}");
    let arguments: String = calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap()["city"], "Thimphu");
    assert!(events.iter().any(|event| event["choices"][0]["finish_reason"] == "tool_calls"), "{events:?}");
}

#[tokio::test]
async fn a_model_may_call_of_its_own_accord_and_may_not() {
    let api = Api::new();
    let further = json!({ "tools": [weather()] });
    let called = api.chat("scripted", "call it", further.clone()).await;
    assert_eq!(
        called["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"],
        r#"{"city":"Thimphu"}"#
    );
    let said = api.chat("scripted", "hello", further).await;
    assert_eq!(said["choices"][0]["message"]["content"], "you said hello");
    assert_eq!(said["choices"][0]["message"].get("tool_calls"), None);
    // Where none is to be called, the model is not told of them.
    api.chat("scripted", "call it", json!({ "tools": [weather()], "tool_choice": "none" })).await;
    assert_eq!(api.parts.writer.last().messages.len(), 1);
}

#[tokio::test]
async fn the_tools_that_are_allowed_are_the_only_ones() {
    let api = Api::new();
    let allowed =
        json!({ "mode": "required", "tools": [{ "type": "function", "function": { "name": "time" } }] });
    let choice = json!({ "type": "allowed_tools", "allowed_tools": allowed });
    let answer =
        api.chat("scripted", "x", json!({ "tools": [time(), weather()], "tool_choice": choice })).await;
    assert_eq!(answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "time");
}

#[tokio::test]
async fn tools_that_cannot_be_are_refused() {
    let api = Api::new();
    let requests = [
        ("tools[0].type", json!({ "tools": [{ "type": "custom", "custom": { "name": "x" } }] })),
        (
            "tools[0].function.name",
            json!({ "tools": [{ "type": "function", "function": { "name": "a b" } }] }),
        ),
        (
            "tools[0].function.parameters",
            json!({ "tools": [{ "type": "function", "function": { "name": "a", "parameters": 1 } }] }),
        ),
        ("tool_choice", json!({ "tool_choice": "required" })),
        (
            "tool_choice",
            json!({ "tools": [time()], "tool_choice": { "type": "function", "function": { "name": "no" } } }),
        ),
        ("tool_choice.type", json!({ "tools": [time()], "tool_choice": { "type": "custom" } })),
        ("tool_choice", json!({ "tools": [time()], "tool_choice": "sometimes" })),
        ("tool_choice", json!({ "tools": [time()], "tool_choice": 3 })),
    ];
    for (param, further) in requests {
        let (status, answer) = api.try_chat("scripted", "x", further).await;
        assert_eq!((status.as_u16(), &answer["error"]["param"]), (400, &json!(param)), "{answer}");
    }
}
