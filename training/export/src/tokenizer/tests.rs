//! Rebuilt tokenizers against llama.cpp: small vocabularies, and the ids that it gave for a few hundred texts of mixed
//! scripts. `fixtures/tokens.py` makes both.

use serde_json::Value as Json;

use crate::gguf::Value;
use crate::gguf::tiny::Tiny;
use crate::{ExportError, Quantisation, gguf_to_onnx};

fn fixture(name: &str) -> Json {
    let path = format!("{}/fixtures/tokens/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(json: &Json, value: impl Fn(&Json) -> Value) -> Value {
    Value::Array(json.as_array().unwrap().iter().map(value).collect())
}

fn text(json: &Json) -> Value {
    Value::Text(json.as_str().unwrap().to_owned())
}

/// A model with the vocabulary of a fixture.
fn model(fixture: &Json) -> Tiny {
    let mut tiny = Tiny::llama();
    let tokens = fixture["tokens"].as_array().unwrap().len();
    tiny.tensors.remove(0);
    tiny.matrix("token_embd.weight", tokens, crate::gguf::tiny::HIDDEN);
    tiny.set("tokenizer.ggml.tokens", list(&fixture["tokens"], text));
    tiny.set("tokenizer.ggml.token_type", list(&fixture["kinds"], |n| Value::Signed(n.as_i64().unwrap())));
    if fixture["scores"].is_array() {
        let number = |n: &Json| Value::Float(n.as_f64().unwrap() as f32);
        tiny.set("tokenizer.ggml.model", Value::Text("llama".into()));
        tiny.set("tokenizer.ggml.scores", list(&fixture["scores"], number));
        let kept =
            ["bos_token_id", "eos_token_id", "merges", "pre"].map(|key| format!("tokenizer.ggml.{key}"));
        tiny.pairs.retain(|(key, _)| !kept.contains(key));
    } else {
        tiny.set("tokenizer.ggml.merges", list(&fixture["merges"], text));
    }
    tiny
}

fn export(tiny: &Tiny) -> Result<tokenizers::Tokenizer, ExportError> {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("model.gguf"), folder.path().join("onnx"));
    tiny.write(&source);
    gguf_to_onnx(&source, &target, Quantisation::Int8, &mut |_| ())?;
    Ok(tokenizers::Tokenizer::from_file(target.join("tokenizer.json")).unwrap())
}

fn assert_cut_alike(tokenizer: &tokenizers::Tokenizer, fixture: &Json, run: &Json) {
    let texts = fixture["texts"].as_array().unwrap();
    assert!(texts.len() > 200);
    for (text, expected) in texts.iter().zip(run["ids"].as_array().unwrap()) {
        let text = text.as_str().unwrap();
        let expected = expected.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32);
        let found = tokenizer.encode(text, true).unwrap();
        assert_eq!(
            found.get_ids(),
            expected.collect::<Vec<_>>(),
            "{text:?} becomes {:?}",
            found.get_tokens()
        );
    }
}

#[test]
fn pieces_with_scores_are_cut_as_llama_cpp_does() {
    let fixture = fixture("sentencepiece");
    for run in fixture["runs"].as_array().unwrap() {
        let prefix = run["add_space_prefix"].as_bool().unwrap();
        let mut tiny = model(&fixture);
        tiny.set("tokenizer.ggml.add_space_prefix", Value::Bool(prefix));
        let tokenizer = export(&tiny).unwrap();
        assert_cut_alike(&tokenizer, &fixture, run);
        for text in ["Hello world 你好 🙂", " lead", "a  b\n"] {
            let ids = tokenizer.encode(text, true).unwrap().get_ids().to_vec();
            assert_eq!(tokenizer.decode(&ids, true).unwrap(), text, "prefix {prefix}");
        }
    }
}

#[test]
fn byte_level_pieces_are_cut_as_llama_cpp_does() {
    let fixture = fixture("byte_level");
    for run in fixture["runs"].as_array().unwrap() {
        let mut tiny = model(&fixture);
        let pre = run["pre"].as_str().unwrap();
        tiny.set("tokenizer.ggml.pre", Value::Text(pre.to_owned()));
        // Qwen's own tokenizer composes (NFC); these texts have nothing to compose.
        assert_cut_alike(&export(&tiny).unwrap(), &fixture, run);
    }
}

#[test]
fn vocabularies_that_scores_do_not_rank_are_refused() {
    let fixture = fixture("sentencepiece");
    let refusal = |change: &dyn Fn(&mut Vec<Value>, &mut Vec<Value>)| {
        let mut tiny = model(&fixture);
        let take = |key: &str| {
            let (_, value) = tiny.pairs.iter().find(|(k, _)| k == key).unwrap();
            let Value::Array(items) = value.clone() else { panic!("{key} is no list") };
            items
        };
        let (mut tokens, mut scores) = (take("tokenizer.ggml.tokens"), take("tokenizer.ggml.scores"));
        change(&mut tokens, &mut scores);
        tiny.set("tokenizer.ggml.tokens", Value::Array(tokens));
        tiny.set("tokenizer.ggml.scores", Value::Array(scores));
        export(&tiny).unwrap_err().to_string()
    };
    let long = fixture["tokens"].as_array().unwrap().iter().enumerate().filter(|(id, token)| {
        fixture["kinds"][id] == 1 && token.as_str().unwrap().chars().filter(|c| c.is_alphabetic()).count() > 1
    });
    let [a, b] = long.map(|(id, _)| id).take(2).collect::<Vec<_>>()[..] else { panic!("no long pieces") };
    let message = refusal(&|_, scores| scores[a] = scores[b].clone());
    assert!(message.contains("have one score"), "{message}");
    let message = refusal(&|_, scores| scores.truncate(10));
    assert!(message.contains("`tokenizer.ggml.scores` has no number for each"), "{message}");
    let message = refusal(&|tokens, _| tokens[3] = Value::Text("<0xZZ>".into()));
    assert!(message.contains("no byte token `<0x00>`"), "{message}");
}
