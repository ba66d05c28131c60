//! The engine of inference on the real models: what a reply consists of must not depend on what else runs, on what is cached, or on
//! which requests share a run.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use futures::StreamExt;
use futures::future::join_all;
use loquat::config::{BuiltinModel, Config, ModelConfig, Quantize};
use loquat::parts::{ModelSource, cache, folder_of, runtime};
use loquat::progress::Screen;
use loquat_contract::{ChatMessage, GenerateRequest, LanguageModel, ModelError, Role, Sampling, Token};
use loquat_export::{ExportOptions, Quantisation, gguf_to_onnx, import_lora};
use loquat_inference::{CacheKind, Decoding, OnnxModel, OnnxModelOptions, Runtime};

/// How the English default is opened, and what runs it.
fn english(quantize: Quantize) -> (Runtime, OnnxModelOptions) {
    open(ModelConfig { builtin: Some(BuiltinModel::SmolLm2), quantize, ..ModelConfig::default() })
}

fn open(model: ModelConfig) -> (Runtime, OnnxModelOptions) {
    let (config, screen) = (Config::default(), Screen::default());
    let cache = cache(&config).unwrap();
    let source = ModelSource { name: "test".to_owned(), config: model };
    let folder = folder_of(&source, &cache, &screen).unwrap();
    let mut options = OnnxModelOptions::new(folder);
    // Tests run side by side, on cores that are busy.
    options.spin = false;
    options.max_context = 1024;
    (runtime(&config, &cache, &screen).unwrap(), options)
}

fn chat(system: &str, text: &str, max_tokens: usize) -> GenerateRequest {
    let messages = vec![ChatMessage::new(Role::System, system), ChatMessage::new(Role::User, text)];
    let sampling = Sampling { max_tokens, ..Sampling::default() };
    GenerateRequest { messages, sampling, ..GenerateRequest::default() }
}

async fn text(model: &OnnxModel, request: GenerateRequest) -> Result<String, ModelError> {
    let mut text = String::new();
    let mut stream = model.generate(request);
    while let Some(item) = stream.next().await {
        if let Token::Text(piece) = item? {
            text.push_str(&piece);
        }
    }
    Ok(text)
}

/// Some requests of different lengths; the last ones share a long beginning, and one draws at random.
fn requests() -> Vec<GenerateRequest> {
    let persona = "You are Juniper, who sells plants. You answer in one sentence. ".repeat(12);
    let mut requests = vec![
        chat("Be brief.", "What is the capital of France?", 24),
        chat("Be brief.", "Write three words about rain.", 40),
        chat("You are a poet.", "Tell me about the sea, please, at some length.", 33),
        chat("", "2 + 2 = ?", 9),
        chat(&persona, "Do you sell ferns?", 20),
        chat(&persona, "Which plants like shade?", 28),
        chat(&persona, "Which plants like shade, and which ones need sun all day long?", 16),
    ];
    requests[2].sampling.temperature = 0.8;
    requests[2].sampling.top_p = 0.9;
    requests[2].sampling.seed = 7;
    requests
}

async fn one_by_one(model: &OnnxModel) -> Vec<String> {
    let mut texts = Vec::new();
    for request in requests() {
        texts.push(text(model, request).await.unwrap());
    }
    texts
}

#[tokio::test]
async fn company_and_cache_change_no_token() {
    let (runtime, mut options) = english(Quantize::Int8);
    options.prefix_cache = 0;
    let alone = one_by_one(&OnnxModel::open(&runtime, options.clone()).unwrap()).await;
    assert!(alone[0].contains("Paris"), "{alone:?}");

    options.prefix_cache = 64 << 20;
    options.sequences = 4;
    let model = OnnxModel::open(&runtime, options).unwrap();
    for _ in 0..2 {
        let together: Vec<_> = join_all(requests().into_iter().map(|request| text(&model, request))).await;
        let together: Vec<String> = together.into_iter().map(Result::unwrap).collect();
        assert_eq!(together, alone);
    }
    let stats = model.stats();
    assert!(stats.cached_tokens > stats.prompt_tokens / 4, "{stats:?}");
    assert!(stats.steps < stats.completion_tokens * 2 / 3, "they shared runs: {stats:?}");
}

#[tokio::test]
async fn speculation_changes_runs_and_no_token() {
    let (runtime, mut options) = english(Quantize::Int8);
    options.decoding = Decoding::Speculative;
    let facts = "The capital of Bhutan is Thimphu. The currency of Bhutan is the Bhutanese ngultrum.";
    let copy = chat("Repeat the text of the user, word for word.", facts, 40);

    let model = OnnxModel::open(&runtime, options.clone()).unwrap();
    let alone = one_by_one(&model).await;
    let copied = text(&model, copy.clone()).await.unwrap();
    assert!(copied.contains("Thimphu"), "{copied}");
    let stats = model.stats();
    assert!(stats.accepted_tokens > 0 && stats.steps < stats.completion_tokens, "{stats:?}");

    // In company, with what was cached, the same.
    let together = join_all(requests().into_iter().map(|request| text(&model, request))).await;
    let together: Vec<String> = together.into_iter().map(Result::unwrap).collect();
    assert_eq!(together, alone);
}

#[tokio::test]
async fn cache_that_grows_gives_the_same_as_from_the_start() {
    if std::process::Command::new("npm").arg("--version").output().is_err() {
        println!("SKIPPED: npm is missing");
        return;
    }
    let (runtime, options) =
        open(ModelConfig { builtin: Some(BuiltinModel::MiniMind2), ..ModelConfig::default() });
    let model = OnnxModel::open(&runtime, options).unwrap();
    let system = "你是一个友好的助手，用一句话回答问题。".repeat(8);
    let ask = |question: &str| chat(&system, question, 16);
    let first = text(&model, ask("不丹的首都是哪里？")).await.unwrap();
    let both = join_all([ask("不丹的首都是哪里？"), ask("你好")].map(|request| text(&model, request))).await;
    assert_eq!(both[0].as_ref().unwrap(), &first);
    assert!(!both[1].as_ref().unwrap().is_empty());
    assert!(model.stats().cached_tokens >= 64, "{:?}", model.stats());
}

#[tokio::test]
async fn reply_that_nobody_reads_makes_room() {
    let (runtime, mut options) = english(Quantize::Int8);
    options.sequences = 1;
    let model = OnnxModel::open(&runtime, options).unwrap();
    let mut endless = model.generate(chat("", "Count to one thousand.", 900));
    while let Some(item) = endless.next().await {
        if matches!(item.unwrap(), Token::Text(_)) {
            break;
        }
    }
    drop(endless);
    let answer = text(&model, chat("Be brief.", "What is the capital of France?", 24)).await.unwrap();
    assert!(answer.contains("Paris"), "{answer}");
    assert!(model.stats().completion_tokens < 200, "{:?}", model.stats());
}

#[tokio::test]
async fn chat_that_does_not_fit_is_refused_and_others_go_on() {
    let (runtime, mut options) = english(Quantize::Int8);
    options.max_context = 200;
    let model = OnnxModel::open(&runtime, options).unwrap();
    let long = chat("", &"word ".repeat(500), 10);
    let short = chat("Be brief.", "What is the capital of France?", 24);
    let both = join_all([text(&model, long), text(&model, short)]).await;
    assert!(matches!(both[0], Err(ModelError::ContextTooLong { context: 200, .. })), "{both:?}");
    assert!(both[1].as_ref().unwrap().contains("Paris"));
}

/// A copy of a model folder, whose files may be replaced.
fn copied(folder: &std::path::Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir_in(folder.parent().unwrap()).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        std::fs::hard_link(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

#[tokio::test]
async fn folder_of_a_hub_runs_in_one_buffer_too() {
    let (runtime, options) = english(Quantize::Int8);
    let folder = copied(&options.folder);
    std::fs::remove_file(folder.path().join("genai_config.json")).unwrap();
    let hub = OnnxModelOptions { folder: folder.path().to_owned(), ..options.clone() };
    let model = OnnxModel::open(&runtime, hub).unwrap();
    assert_eq!(model.info().cache, CacheKind::Shared);
    let request = || chat("Be brief.", "What is the capital of France?", 24);
    let expected = text(&OnnxModel::open(&runtime, options).unwrap(), request()).await.unwrap();
    assert_eq!(text(&model, request()).await.unwrap(), expected);
}

#[tokio::test]
async fn tokenizer_of_another_model_is_refused() {
    let (runtime, options) = english(Quantize::Int8);
    let folder = copied(&options.folder);
    let tokenizer = folder.path().join("tokenizer.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&tokenizer).unwrap()).unwrap();
    let vocabulary = json["model"]["vocab"].as_object_mut().unwrap();
    vocabulary.retain(|_, id| id.as_u64().unwrap() < 20_000);
    let known: Vec<String> = vocabulary.keys().cloned().collect();
    json["model"]["merges"].as_array_mut().unwrap().retain(|merge| {
        let parts: Vec<String> = match merge {
            serde_json::Value::String(text) => text.split(' ').map(str::to_owned).collect(),
            other => serde_json::from_value(other.clone()).unwrap(),
        };
        known.binary_search(&parts.concat()).is_ok()
    });
    std::fs::remove_file(&tokenizer).unwrap();
    std::fs::write(&tokenizer, serde_json::to_vec(&json).unwrap()).unwrap();
    let unfit = OnnxModelOptions { folder: folder.path().to_owned(), ..options };
    let error = OnnxModel::open(&runtime, unfit).unwrap_err().to_string();
    assert!(error.contains("does not fit its model"), "{error}");
}

#[tokio::test]
async fn models_with_one_tokenizer_write_together() {
    let (runtime, options) = english(Quantize::Int8);
    let (_, other) = english(Quantize::Int4);
    let mut pair = options.clone();
    pair.ensemble = vec![(other.folder.clone(), 1.0)];
    let model = OnnxModel::open(&runtime, pair.clone()).unwrap();
    let answer = text(&model, chat("Be brief.", "What is the capital of France?", 24)).await.unwrap();
    assert!(answer.contains("Paris"), "{answer}");

    // A partner of next to no weight changes nothing.
    pair.ensemble = vec![(other.folder, 1e-6)];
    let faint = one_by_one(&OnnxModel::open(&runtime, pair).unwrap()).await;
    let alone = one_by_one(&OnnxModel::open(&runtime, options.clone()).unwrap()).await;
    // Greedy ones alone: a draw may fall on the border.
    assert_eq!([&faint[0], &faint[1]], [&alone[0], &alone[1]]);

    let mut foreign = options;
    foreign.ensemble = vec![(foreign.folder.clone(), f32::NAN)];
    let error = OnnxModel::open(&runtime, foreign).unwrap_err().to_string();
    assert!(error.contains("weight"), "{error}");
}

/// A LoRA adapter as PEFT saves it, for the queries of the first `layers` layers: the same numbers each time.
fn write_peft(folder: &std::path::Path, layers: usize, scale: f32) {
    const HIDDEN: usize = 576;
    const RANK: usize = 4;
    std::fs::create_dir_all(folder).unwrap();
    let config = serde_json::json!({
        "peft_type": "LORA", "r": RANK, "lora_alpha": RANK, "target_modules": ["q_proj"], "bias": "none",
    });
    std::fs::write(folder.join("adapter_config.json"), config.to_string()).unwrap();
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for layer in 0..layers {
        for (part, shape) in [("A", [RANK, HIDDEN]), ("B", [HIDDEN, RANK])] {
            let start = data.len();
            for at in 0..RANK * HIDDEN {
                // A fixed, uneven pattern.
                let number = ((at * 37 + layer * 11) % 101) as f32 / 101.0 - 0.5;
                data.extend((number * scale).to_le_bytes());
            }
            let name = format!("base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{part}.weight");
            let tensor =
                serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] });
            header.insert(name, tensor);
        }
    }
    let header = serde_json::to_vec(&header).unwrap();
    let file = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
    std::fs::write(folder.join("adapter_model.safetensors"), file).unwrap();
}

#[tokio::test]
async fn adapters_change_their_own_requests_alone() {
    let (runtime, options) = english(Quantize::Int8);
    let cache = cache(&Config::default()).unwrap();
    let gguf =
        loquat_artifacts::ensure(&loquat_artifacts::catalog::smollm2(), &cache, &Screen::default()).unwrap();
    let data = tempfile::tempdir().unwrap();
    let (folder, peft) = (data.path().join("model"), data.path().join("peft"));
    let exported = ExportOptions { quantisation: Quantisation::Int8, adapters: true };
    gguf_to_onnx(&gguf, &folder, exported, &mut |_| ()).unwrap();
    write_peft(&peft, 12, 0.35);
    let adapter = data.path().join("odd.onnx_adapter");
    let summary = import_lora(&peft, &folder, &adapter).unwrap();
    assert_eq!((summary.layers, summary.rank), (12, 4));

    let alone = one_by_one(&OnnxModel::open(&runtime, options.clone()).unwrap()).await;
    let mut adapted = OnnxModelOptions { folder: folder.clone(), ..options.clone() };
    adapted.adapters = [("odd".to_owned(), adapter)].into();
    let model = OnnxModel::open(&runtime, adapted).unwrap();
    let odd = |request: GenerateRequest| GenerateRequest { adapter: Some("odd".to_owned()), ..request };
    let odd_alone = text(&model, odd(requests().remove(4))).await.unwrap();
    // The base model's requests beside the adapter's, which share a long beginning.
    let mixed = requests().into_iter().chain([odd(requests().remove(4)), odd(requests().remove(5))]);
    let together = join_all(mixed.map(|request| text(&model, request))).await;
    let together: Vec<String> = together.into_iter().map(Result::unwrap).collect();
    assert_eq!(together[..alone.len()], alone);
    assert_eq!(together[alone.len()], odd_alone);
    assert_ne!(odd_alone, alone[4]);

    let mut wrong = OnnxModelOptions { folder, ..options };
    wrong.adapters = [("odd".to_owned(), data.path().join("model/config.json"))].into();
    let error = OnnxModel::open(&runtime, wrong).unwrap_err().to_string();
    assert!(error.contains("odd") && error.contains("import-lora"), "{error}");
}
