//! How the model is to write. In: a request's parameters. Out: the model's own, or which of them is out of its range.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use loquat_contract::{Constraint, GenerateRequest, Sampling};

use crate::error::ApiError;
use crate::service::Limits;
use crate::wire::request::{ChatRequest, ResponseFormat};

/// The most texts that may end an answer.
const STOPS: usize = 4;
/// The most likely tokens beside each token.
const LIKELIEST: i64 = 20;
/// A bias that forbids a token.
const BAN: f32 = -100.0;

/// How many answers are wanted.
pub(super) fn choices(request: &ChatRequest, most: usize) -> Result<usize, ApiError> {
    let count = request.n.unwrap_or(1);
    match usize::try_from(count) {
        Ok(count @ 1..) if count <= most => Ok(count),
        _ => Err(ApiError::value("n", format!("`n` is {count}; from 1 to {most} choices are given."))),
    }
}

/// The request to the model, without the chat.
pub(super) fn read(
    request: &ChatRequest,
    usual: &Sampling,
    limits: &Limits,
) -> Result<GenerateRequest, ApiError> {
    let stop: Vec<String> = request.stop.as_ref().map(|stop| stop.texts().to_vec()).unwrap_or_default();
    if stop.len() > STOPS {
        return Err(ApiError::value("stop", format!("At most {STOPS} texts can end an answer.")));
    }
    Ok(GenerateRequest {
        sampling: sampling(request, usual, limits)?,
        // An empty text would end everything before it begins.
        stop: stop.into_iter().filter(|text| !text.is_empty()).collect(),
        constraint: request.response_format.as_ref().map(constraint).transpose()?.flatten(),
        logprobs: logprobs(request)?,
        ..GenerateRequest::default()
    })
}

fn sampling(request: &ChatRequest, usual: &Sampling, limits: &Limits) -> Result<Sampling, ApiError> {
    let temperature = within("temperature", request.temperature, 0.0, 2.0)?.unwrap_or(usual.temperature);
    // OpenAI draws anew each time where no seed is given.
    let seed = match request.seed {
        Some(seed) => seed as u64,
        None if temperature > 0.0 => RandomState::new().hash_one(0),
        None => usual.seed,
    };
    let repetition_penalty = within("repetition_penalty", request.repetition_penalty, 0.01, 100.0)?;
    Ok(Sampling {
        temperature,
        top_p: within("top_p", request.top_p, 0.0, 1.0)?.unwrap_or(usual.top_p),
        top_k: match request.top_k {
            None => usual.top_k,
            // Others write -1 for all.
            Some(count) => usize::try_from(count.max(0)).unwrap_or(0),
        },
        min_p: within("min_p", request.min_p, 0.0, 1.0)?.unwrap_or(usual.min_p),
        repetition_penalty: repetition_penalty.unwrap_or(usual.repetition_penalty),
        presence_penalty: within("presence_penalty", request.presence_penalty, -2.0, 2.0)?
            .unwrap_or(usual.presence_penalty),
        frequency_penalty: within("frequency_penalty", request.frequency_penalty, -2.0, 2.0)?
            .unwrap_or(usual.frequency_penalty),
        logit_bias: bias(request.logit_bias.as_ref())?,
        seed,
        max_tokens: most(request, limits.max_tokens)?,
    })
}

/// `value`, where it lies between both ends; NaN lies nowhere.
fn within(name: &'static str, value: Option<f32>, from: f32, to: f32) -> Result<Option<f32>, ApiError> {
    match value {
        Some(value) if !(from..=to).contains(&value) => {
            Err(ApiError::value(name, format!("`{name}` is {value}; it lies between {from} and {to}.")))
        }
        value => Ok(value),
    }
}

fn bias(bias: Option<&BTreeMap<String, f32>>) -> Result<BTreeMap<u32, f32>, ApiError> {
    let read = |(token, bias): (&String, &f32)| {
        let id = token.parse().map_err(|_| {
            ApiError::value("logit_bias", format!("`logit_bias` has {token:?}; its keys are ids of tokens."))
        })?;
        let bias = within("logit_bias", Some(*bias), BAN, 100.0)?.unwrap_or_default();
        Ok((id, if bias == BAN { f32::NEG_INFINITY } else { bias }))
    };
    bias.into_iter().flatten().map(read).collect()
}

fn most(request: &ChatRequest, limit: usize) -> Result<usize, ApiError> {
    let (name, wanted) = match (request.max_completion_tokens, request.max_tokens) {
        (Some(count), _) => ("max_completion_tokens", count),
        (None, Some(count)) => ("max_tokens", count),
        (None, None) => return Ok(limit),
    };
    match usize::try_from(wanted) {
        Ok(count @ 1..) => Ok(count.min(limit)),
        _ => Err(ApiError::value(name, format!("`{name}` is {wanted}; it has to be 1 at least."))),
    }
}

fn logprobs(request: &ChatRequest) -> Result<Option<usize>, ApiError> {
    match (request.logprobs.unwrap_or(false), request.top_logprobs) {
        (true, None) => Ok(Some(0)),
        (true, Some(count @ 0..=LIKELIEST)) => Ok(Some(count as usize)),
        (true, Some(count)) => {
            let message = format!("`top_logprobs` is {count}; from 0 to {LIKELIEST} are given.");
            Err(ApiError::value("top_logprobs", message))
        }
        (false, Some(1..)) => {
            Err(ApiError::value("top_logprobs", "`top_logprobs` needs `logprobs` to be true."))
        }
        (false, _) => Ok(None),
    }
}

fn constraint(format: &ResponseFormat) -> Result<Option<Constraint>, ApiError> {
    match format.kind.as_str() {
        "text" => Ok(None),
        "json_object" => Ok(Some(Constraint::JsonSchema(r#"{"type":"object"}"#.to_owned()))),
        "json_schema" => {
            let schema = format.json_schema.as_ref().and_then(|named| named.schema.as_ref());
            let schema = schema.filter(|schema| schema.is_object()).ok_or_else(|| {
                ApiError::value(
                    "response_format.json_schema",
                    "`json_schema` needs a `schema`, which is an object.",
                )
            })?;
            Ok(Some(Constraint::JsonSchema(schema.to_string())))
        }
        other => {
            let message = format!("'{other}' is no format: use 'text', 'json_object' or 'json_schema'.");
            Err(ApiError::value("response_format.type", message))
        }
    }
}
