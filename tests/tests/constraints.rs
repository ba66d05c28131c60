//! The default model under constraints: what it writes is what they allow, and where it has a choice it chooses by what it knows.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use futures::StreamExt;
use loquat_contract::{
    ChatMessage, Constraint, Finish, GenerateRequest, LanguageModel, ModelError, Role, Sampling, StopReason,
    Token,
};
use loquat_tests::ExampleBot;
use serde_json::Value;

/// One bot for all of the tests: its models are large.
static BOT: LazyLock<ExampleBot> = LazyLock::new(|| ExampleBot::open("shop").unwrap());

fn model() -> Arc<dyn LanguageModel> {
    let models = &BOT.parts.models;
    models.iter().find(|model| model.identity().name.contains("SmolLM2")).unwrap().clone()
}

fn request(question: &str, constraint: Constraint) -> GenerateRequest {
    GenerateRequest {
        messages: vec![ChatMessage::new(Role::User, question)],
        sampling: Sampling { max_tokens: 60, ..Sampling::default() },
        constraint: Some(constraint),
        ..GenerateRequest::default()
    }
}

async fn items(request: GenerateRequest) -> Result<Vec<Token>, ModelError> {
    model().generate(request).collect::<Vec<_>>().await.into_iter().collect()
}

async fn reply(request: GenerateRequest) -> (String, Finish) {
    let items = items(request).await.unwrap();
    let text = items.iter().filter_map(|item| match item {
        Token::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let Some(Token::Finish(finish)) = items.last() else { panic!("{items:?}") };
    (text.collect(), *finish)
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

const FRANCE: &str = "What is the capital of France?";

/// The question with the beginning of its answer.
fn capital(constraint: Constraint) -> GenerateRequest {
    GenerateRequest { prefill: "The capital of France is".to_owned(), ..request(FRANCE, constraint) }
}

#[tokio::test]
async fn one_of_several_texts_is_the_right_one() {
    for texts in [[" Paris", " London"], [" London", " Paris"]] {
        let (text, finish) = reply(capital(Constraint::OneOf(owned(&texts)))).await;
        assert_eq!((text.as_str(), finish), (" Paris", Finish { reason: StopReason::End, completion: 1 }));
    }
    for texts in [["Paris", "London"], ["巴黎。", "伦敦。🇬🇧"]] {
        let texts = owned(&texts);
        let (text, finish) = reply(request(FRANCE, Constraint::OneOf(texts.clone()))).await;
        assert!(texts.contains(&text) && finish.reason == StopReason::End, "{text}");
    }
}

#[tokio::test]
async fn pieces_make_a_sentence() {
    let pieces = owned(&[" the", " capital", " of", " France", " is", " Paris", " London", "The"]);
    let constraint = Constraint::Pieces { pieces: pieces.clone(), ends: owned(&["."]) };
    let (text, finish) = reply(request(FRANCE, constraint)).await;
    assert_eq!(finish.reason, StopReason::End);
    let mut left = text.strip_suffix('.').unwrap();
    while !left.is_empty() {
        let piece = pieces.iter().find(|piece| left.starts_with(piece.as_str()));
        left = &left[piece.unwrap_or_else(|| panic!("{text}")).len()..];
    }
    assert!(text.contains("Paris") && !text.contains("London"), "{text}");
}

#[tokio::test]
async fn json_is_of_its_schema() {
    let schema = r#"{
        "type": "object",
        "properties": {
            "country": {"const": "France"},
            "capital": {"enum": ["Berlin", "Paris", "Rome"]},
            "people": {"type": "integer", "minimum": 1, "maximum": 99999999}
        },
        "required": ["country", "capital", "people"],
        "additionalProperties": false
    }"#;
    let question = "Tell me about France as JSON.";
    let (text, finish) = reply(request(question, Constraint::JsonSchema(schema.to_owned()))).await;
    assert_eq!(finish.reason, StopReason::End);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&value["country"], &value["capital"]), (&"France".into(), &"Paris".into()), "{text}");
    assert!((1..100_000_000).contains(&value["people"].as_u64().unwrap()));
}

#[tokio::test]
async fn expressions_and_grammars_are_kept_at_any_temperature() {
    for seed in 0..3 {
        let hot = |constraint| {
            let sampling = Sampling { temperature: 1.5, seed, max_tokens: 60, ..Sampling::default() };
            GenerateRequest { sampling, ..request("When did the Second World War end?", constraint) }
        };
        let (text, _) = reply(hot(Constraint::Regex("[0-9]{4}(-[0-9]{2}){2}".to_owned()))).await;
        let digits: Vec<bool> = text.chars().map(|c| c.is_ascii_digit()).collect();
        let dashes: Vec<usize> = text.match_indices('-').map(|found| found.0).collect();
        assert!(
            digits.len() == 10 && dashes == [4, 7] && digits.iter().filter(|&&digit| digit).count() == 8,
            "{text}"
        );
        let grammar = "start: \"In \" YEAR \".\"\nYEAR: /19[0-9][0-9]/";
        let (text, _) = reply(hot(Constraint::Lark(grammar.to_owned()))).await;
        let year: u32 =
            text.strip_prefix("In ").and_then(|text| text.strip_suffix('.')).unwrap().parse().unwrap();
        assert!((1900..2000).contains(&year), "{text}");
    }
}

#[tokio::test]
async fn a_constraint_holds_behind_the_prefill_and_with_a_stop_text() {
    let constraint = Constraint::OneOf(owned(&[" Paris, of course.", " London, of course."]));
    let prefilled = GenerateRequest { stop: owned(&[","]), ..capital(constraint) };
    assert_eq!(reply(prefilled.clone()).await.0, " Paris");
    let sampling = Sampling { max_tokens: 2, ..Sampling::default() };
    let (text, finish) = reply(GenerateRequest { sampling, stop: Vec::new(), ..prefilled }).await;
    assert_eq!((text.as_str(), finish.reason, finish.completion), (" Paris,", StopReason::Length, 2));
}

#[tokio::test]
async fn log_probabilities_tell_what_the_model_would_rather_write() {
    let constraint = Constraint::OneOf(owned(&[" London", " Rome"]));
    let items = items(GenerateRequest { logprobs: Some(3), ..capital(constraint) }).await.unwrap();
    let Some(Token::Logprob { chosen, likeliest }) = items.get(1) else { panic!("{items:?}") };
    // It may be a part of the word.
    assert!([" London", " Rome"].iter().any(|text| text.starts_with(&chosen.text)), "{chosen:?}");
    assert_eq!((likeliest.len(), likeliest[0].text.as_str()), (3, " Paris"));
    assert!(likeliest.is_sorted_by(|a, b| a.logprob >= b.logprob) && likeliest[0].logprob > chosen.logprob);
    let shares: f32 = likeliest.iter().map(|token| token.logprob.exp()).sum();
    assert!(shares > 0.5 && shares <= 1.0, "{items:?}");
}

#[tokio::test]
async fn a_wrong_request_fails_alone() {
    let wrong = |sampling, constraint| GenerateRequest { sampling, ..request(FRANCE, constraint) };
    let all = Constraint::OneOf(owned(&["Paris"]));
    let none: BTreeMap<u32, f32> = (0..49_152).map(|id| (id, f32::NEG_INFINITY)).collect();
    for (request, says) in [
        (wrong(Sampling::default(), Constraint::Regex("(".to_owned())), "unclosed group"),
        (wrong(Sampling::default(), Constraint::OneOf(Vec::new())), "no text can end"),
        (wrong(Sampling { top_p: f32::NAN, ..Sampling::default() }, all.clone()), "top_p is NaN"),
        (
            wrong(Sampling { logit_bias: [(49_152, 1.0)].into(), ..Sampling::default() }, all.clone()),
            "end with 49151",
        ),
        (
            wrong(Sampling { logit_bias: none, ..Sampling::default() }, Constraint::Regex("a|b".to_owned())),
            "goes on",
        ),
    ] {
        let error = items(request).await.unwrap_err();
        assert!(matches!(error, ModelError::Refused(_)) && error.to_string().contains(says), "{error}");
    }
    assert_eq!(reply(request(FRANCE, all)).await.0, "Paris");
}
