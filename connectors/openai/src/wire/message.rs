//! The messages of a chat. In: messages by role, with calls of tools and their results. Out: who says what, as words alone.

use loquat_contract::{ChatMessage, Role};
use serde::Deserialize;
use serde_json::json;

use super::content::Content;
use crate::error::ApiError;

/// A message as it comes.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Message {
    role: Option<String>,
    content: Option<Content>,
    refusal: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
    tool_call_id: Option<String>,
}

/// A call that an earlier answer had.
#[derive(Clone, Debug, Deserialize)]
struct ToolCall {
    function: Option<Called>,
}

#[derive(Clone, Debug, Deserialize)]
struct Called {
    name: String,
    arguments: String,
}

/// A message in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Instructions of whoever built the client: `system` or `developer`.
    Instructions(String),
    /// The person's.
    User(String),
    /// The answer of the model or the bot.
    Assistant(String),
    /// What a tool that was called came to.
    ToolResult(String),
}

impl Said {
    /// The message for a model. Chat templates of small models know no tools, so that results come as what the person says.
    pub(crate) fn into_chat(self) -> ChatMessage {
        match self {
            Self::Instructions(text) => ChatMessage::new(Role::System, text),
            Self::User(text) | Self::ToolResult(text) => ChatMessage::new(Role::User, text),
            Self::Assistant(text) => ChatMessage::new(Role::Assistant, text),
        }
    }
}

impl Message {
    /// Reads the message at `index` of the chat.
    pub(crate) fn read(self, index: usize) -> Result<Said, ApiError> {
        let role = self.role.ok_or_else(|| {
            ApiError::value(format!("messages[{index}].role"), "Each message needs a role.")
                .at(format!("messages[{index}].role"), "missing_required_parameter")
        })?;
        let at = format!("messages[{index}].content");
        let content = self.content.map(|content| content.text(&at)).transpose()?;
        let needed = |content: Option<String>| {
            content.ok_or_else(|| {
                ApiError::value(at.clone(), format!("A message of role '{role}' needs content."))
            })
        };
        match role.as_str() {
            "system" | "developer" => needed(content).map(Said::Instructions),
            "user" => needed(content).map(Said::User),
            "assistant" => {
                let calls: Vec<String> = self
                    .tool_calls
                    .into_iter()
                    .flatten()
                    .filter_map(|call| call.function)
                    .map(|called| {
                        // Arguments are JSON as text; what is none stays a text.
                        let arguments: serde_json::Value = serde_json::from_str(&called.arguments)
                            .unwrap_or(serde_json::Value::String(called.arguments));
                        json!({ "name": called.name, "arguments": arguments }).to_string()
                    })
                    .collect();
                let said = content.or(self.refusal).into_iter().filter(|said| !said.is_empty());
                Ok(Said::Assistant(said.chain(calls).collect::<Vec<_>>().join("\n")))
            }
            "tool" | "function" => {
                let of = self.tool_call_id.map(|id| format!(" of {id}")).unwrap_or_default();
                needed(content).map(|text| Said::ToolResult(format!("Result of the tool call{of}: {text}")))
            }
            other => {
                let message = format!(
                    "'{other}' is no role: use 'system', 'developer', 'user', 'assistant' or 'tool'."
                );
                Err(ApiError::value(format!("messages[{index}].role"), message))
            }
        }
    }
}
