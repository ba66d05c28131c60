//! Calls of tools. In: tools and which of them is to be called. Out: a call whose arguments keep to the tool's schema, or text.
//!
//! Where one has to be called, the model is left no choice: its answer begins as a call, and what follows is constrained to the name of
//! a tool and then to the schema of its parameters. Where it may be, the model is told of the tools, and an answer that is a call from
//! beginning to end is given as one.

mod recognise;

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use loquat_contract::{ChatMessage, Constraint, GenerateRequest, LanguageModel, Role};
use serde_json::{Value, json};

use super::{whole, written};
use crate::delta::{Delta, Deltas};
use crate::error::ApiError;
use crate::wire::request::{Choice, Function, Tool, ToolChoice};

/// The most tools of one request, as OpenAI has it.
const TOOLS: usize = 128;
/// The longest name of a tool.
const NAME: usize = 64;
/// How a call begins, up to the name.
const BEGINNING: &str = r#"{"name": ""#;

/// Whether a tool is called.
#[derive(Debug)]
pub(super) enum Calling {
    Never,
    Maybe(Vec<Function>),
    Must(Vec<Function>),
}

impl Calling {
    /// Reads which tools there are and what is to be done with them.
    pub(super) fn read(tools: Option<Vec<Tool>>, choice: Option<ToolChoice>) -> Result<Self, ApiError> {
        let tools = functions(tools.unwrap_or_default())?;
        match choice {
            Some(ToolChoice::Mode(mode)) => Self::by_mode(&mode, tools, "tool_choice"),
            Some(ToolChoice::Named(choice)) => Self::by_choice(choice, tools),
            None if tools.is_empty() => Ok(Self::Never),
            None => Ok(Self::Maybe(tools)),
        }
    }

    fn by_mode(mode: &str, tools: Vec<Function>, at: &'static str) -> Result<Self, ApiError> {
        match mode {
            "none" => Ok(Self::Never),
            "auto" if tools.is_empty() => Ok(Self::Never),
            "auto" => Ok(Self::Maybe(tools)),
            "required" if tools.is_empty() => Err(no_tools()),
            "required" => Ok(Self::Must(tools)),
            other => {
                let message =
                    format!("'{other}' is no choice: use 'none', 'auto', 'required' or name a function.");
                Err(ApiError::value(at, message))
            }
        }
    }

    fn by_choice(choice: Choice, tools: Vec<Function>) -> Result<Self, ApiError> {
        let named = |choice: &Choice| -> Result<Function, ApiError> {
            let name = choice.function.as_ref().map_or("", |function| &function.name);
            tools.iter().find(|tool| tool.name == name).cloned().ok_or_else(|| {
                ApiError::value(
                    "tool_choice",
                    format!("The tool choice names `{name}`, which is not in `tools`."),
                )
            })
        };
        match (choice.kind.as_str(), &choice.allowed_tools) {
            ("function", _) if tools.is_empty() => Err(no_tools()),
            ("function", _) => Ok(Self::Must(vec![named(&choice)?])),
            ("allowed_tools", Some(allowed)) => {
                let few = allowed.tools.iter().map(named).collect::<Result<_, _>>()?;
                Self::by_mode(&allowed.mode, few, "tool_choice.allowed_tools.mode")
            }
            (other, _) => {
                let message = format!("A tool choice of type '{other}' is not supported: use 'function'.");
                Err(ApiError::unsupported("tool_choice.type", message))
            }
        }
    }

    /// Tells the model of the tools, in the instructions.
    pub(super) fn instruct(&self, messages: &mut Vec<ChatMessage>) {
        let (tools, begin) = match self {
            Self::Never => return,
            Self::Maybe(tools) => (tools, "You may call a function. To call one, answer with nothing but"),
            Self::Must(tools) => (tools, "Call a function: answer with nothing but"),
        };
        let mut text = format!("{begin} JSON like {{\"name\": \"…\", \"arguments\": {{…}}}}. The functions:");
        for Function { name, description, parameters } in tools {
            let line = json!({ "name": name, "description": description, "parameters": parameters });
            text.push('\n');
            text.push_str(&line.to_string());
        }
        match messages.first_mut() {
            Some(first) if first.role == Role::System => {
                first.content.push_str("\n\n");
                first.content.push_str(&text);
            }
            _ => messages.insert(0, ChatMessage::new(Role::System, text)),
        }
    }

    /// Lets the model write.
    pub(super) fn run(&self, model: &Arc<dyn LanguageModel>, request: GenerateRequest) -> Deltas {
        match self {
            Self::Never => written(model.as_ref(), request),
            Self::Maybe(tools) => recognise::calls(written(model.as_ref(), request), tools.clone()),
            Self::Must(tools) => forced(model, request, tools),
        }
    }
}

fn no_tools() -> ApiError {
    ApiError::value("tool_choice", "`tool_choice` is only allowed where `tools` are given.")
}

fn functions(tools: Vec<Tool>) -> Result<Vec<Function>, ApiError> {
    if tools.len() > TOOLS {
        return Err(ApiError::value("tools", format!("At most {TOOLS} tools can be given.")));
    }
    let read = |(index, tool): (usize, Tool)| {
        let Some(function) = tool.function.filter(|_| tool.kind == "function") else {
            let message = format!("Tools of type '{}' are not supported: use 'function'.", tool.kind);
            return Err(ApiError::unsupported(format!("tools[{index}].type"), message));
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if function.name.is_empty() || function.name.len() > NAME || !function.name.chars().all(is_plain) {
            let message = format!("A function's name has 1 to {NAME} letters, digits, `_` and `-`.");
            return Err(ApiError::value(format!("tools[{index}].function.name"), message));
        }
        if function.parameters.as_ref().is_some_and(|schema| !schema.is_object()) {
            let message = "A function's parameters are a JSON schema, which is an object.";
            return Err(ApiError::value(format!("tools[{index}].function.parameters"), message));
        }
        Ok(function)
    };
    tools.into_iter().enumerate().map(read).collect()
}

/// The schema that arguments keep to.
fn schema(parameters: Option<&Value>) -> String {
    match parameters {
        Some(Value::Object(schema)) if !schema.is_empty() => Value::Object(schema.clone()).to_string(),
        _ => r#"{"type":"object","properties":{},"additionalProperties":false}"#.to_owned(),
    }
}

/// A call of one of the tools: its name first, where there are several, then its arguments.
fn forced(model: &Arc<dyn LanguageModel>, mut request: GenerateRequest, tools: &[Function]) -> Deltas {
    request.stop.clear();
    request.logprobs = None;
    let (model, tools) = (model.clone(), tools.to_vec());
    let call = async move {
        let (function, cost) = name(model.as_ref(), &request, tools).await?;
        Ok::<_, ApiError>(arguments(model.as_ref(), request, &function, cost))
    };
    stream::once(call).try_flatten().boxed()
}

/// The function that the model calls, and how many tokens its choice took.
async fn name(
    model: &dyn LanguageModel,
    request: &GenerateRequest,
    tools: Vec<Function>,
) -> Result<(Function, usize), ApiError> {
    let (chosen, cost) = match tools.len() {
        // There is nothing to choose.
        0 | 1 => (None, 0),
        _ => {
            let naming = GenerateRequest {
                prefill: BEGINNING.to_owned(),
                constraint: Some(Constraint::OneOf(tools.iter().map(|tool| tool.name.clone()).collect())),
                ..request.clone()
            };
            let (name, finish) = whole(model, naming).await?;
            (Some(name), finish.completion)
        }
    };
    let is_chosen = |tool: &Function| chosen.as_ref().is_none_or(|name| tool.name == *name);
    // A name that was cut short is none; `max_tokens` was too low for it.
    let found = tools.into_iter().find(is_chosen);
    found.map(|tool| (tool, cost)).ok_or_else(|| {
        ApiError::value("max_completion_tokens", "The limit of tokens is too low for the name of a function.")
    })
}

/// The call of `function`: a text that begins with its name is gone on with by what its schema accepts.
fn arguments(
    model: &dyn LanguageModel,
    mut request: GenerateRequest,
    function: &Function,
    cost: usize,
) -> Deltas {
    request.prefill = format!(r#"{BEGINNING}{}", "arguments": "#, function.name);
    request.constraint = Some(Constraint::JsonSchema(schema(function.parameters.as_ref())));
    let call = stream::iter([Ok(Delta::Call(function.name.clone()))]);
    let pieces = written(model, request).map_ok(move |delta| match delta {
        Delta::Text(text) => Delta::Arguments(text),
        Delta::Finish { reason, completion } => {
            let reason = if reason == "stop" { "tool_calls" } else { reason };
            Delta::Finish { reason, completion: completion + cost }
        }
        other => other,
    });
    // The prompt's length comes first, and an error in its place before anything is said.
    let mut call = Some(call);
    pieces
        .flat_map(move |piece| {
            let begins = matches!(piece, Ok(Delta::Prompt(_)));
            let call = call.take_if(|_| begins);
            stream::iter([piece]).chain(stream::iter(call).flatten())
        })
        .boxed()
}
