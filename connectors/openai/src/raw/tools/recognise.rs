//! A call that a model makes of its own accord. In: the pieces of its text. Out: the same, or a call, where the whole text is one.

use futures::{StreamExt, stream};
use serde_json::Value;

use crate::delta::{Delta, Deltas};
use crate::error::ApiError;
use crate::wire::request::Function;

/// The marks that some models put around a call.
const MARKS: [&str; 2] = ["<tool_call>", "</tool_call>"];

/// Holds a text back for as long as it may be a call.
pub(super) fn calls(deltas: Deltas, tools: Vec<Function>) -> Deltas {
    let mut held = Held { tools, text: Some(String::new()) };
    deltas.flat_map(move |delta| stream::iter(held.take(delta))).boxed()
}

struct Held {
    tools: Vec<Function>,
    /// What may still be a call; `None` once it is clear that it is none.
    text: Option<String>,
}

impl Held {
    fn take(&mut self, delta: Result<Delta, ApiError>) -> Vec<Result<Delta, ApiError>> {
        match (delta, self.text.take()) {
            (Ok(Delta::Text(piece)), Some(held)) => {
                let text = held + &piece;
                if may_be_call(&text) {
                    self.text = Some(text);
                    return Vec::new();
                }
                vec![Ok(Delta::Text(text))]
            }
            (Ok(Delta::Finish { reason, completion }), Some(text)) => {
                let end = |reason| Ok(Delta::Finish { reason, completion });
                match read(&text, &self.tools) {
                    Some((name, arguments)) => {
                        vec![Ok(Delta::Call(name)), Ok(Delta::Arguments(arguments)), end("tool_calls")]
                    }
                    None if text.is_empty() => vec![end(reason)],
                    None => vec![Ok(Delta::Text(text)), end(reason)],
                }
            }
            (delta, held) => {
                self.text = held;
                vec![delta]
            }
        }
    }
}

fn may_be_call(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('{') || text.starts_with(MARKS[0]) || MARKS[0].starts_with(text)
}

/// The name and the arguments of a call of one of the tools, where the whole text is one.
fn read(text: &str, tools: &[Function]) -> Option<(String, String)> {
    let text = text.trim();
    let inside = text.strip_prefix(MARKS[0]).map(|rest| rest.strip_suffix(MARKS[1]).unwrap_or(rest));
    let call: Value = serde_json::from_str(inside.unwrap_or(text).trim()).ok()?;
    let name = call.get("name")?.as_str()?;
    let arguments = call.get("arguments").or_else(|| call.get("parameters"))?;
    let is_known = tools.iter().any(|tool| tool.name == name);
    (is_known && arguments.is_object()).then(|| (name.to_owned(), arguments.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Held {
        let tools = vec![Function { name: "look".into(), description: None, parameters: None }];
        Held { tools, text: Some(String::new()) }
    }

    fn said(pieces: &[&str]) -> Vec<String> {
        let mut held = held();
        let deltas = pieces.iter().map(|piece| Ok(Delta::Text((*piece).to_owned())));
        let end = Ok(Delta::Finish { reason: "stop", completion: 1 });
        deltas
            .chain([end])
            .flat_map(|delta| held.take(delta))
            .map(|delta| format!("{:?}", delta.unwrap()))
            .collect()
    }

    #[test]
    fn a_text_that_is_a_call_is_one_and_any_other_is_told_as_soon_as_that_is_clear() {
        let call = [
            r#"Call("look")"#,
            r#"Arguments("{\"at\":1}")"#,
            r#"Finish { reason: "tool_calls", completion: 1 }"#,
        ];
        assert_eq!(
            said(&["<tool", "_call>\n{\"name\": \"look\", ", "\"arguments\": {\"at\": 1}}</tool_call>"]),
            call
        );
        assert_eq!(said(&[" {\"name\": \"look\", \"parameters\": {\"at\": 1}}"]), call);
        let end = r#"Finish { reason: "stop", completion: 1 }"#;
        assert_eq!(said(&["<b>", "x"]), [r#"Text("<b>")"#, r#"Text("x")"#, end]);
        assert_eq!(said(&["{\"name\": \"other\", ", "\"arguments\": {}}"]).len(), 2);
        assert_eq!(said(&[]), [end]);
    }
}
