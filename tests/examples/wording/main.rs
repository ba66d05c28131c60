//! Measures whose words grounded answers are in: the model's own, the model's under constraint, or the template's.
//!
//! ```text
//! cargo run --release -p loquat-tests --example wording -- [--sets world,shop,entity,nlpcc] [--sample 300] [--show 20]
//!     [--english MODEL_FOLDER] [--chinese MODEL_FOLDER] [--data ../shared/data]
//! ```
//!
//! The questions of `examples/world` and `examples/shop`, EntityQuestions' dev questions and NLPCC's training questions; a set whose
//! files are not there is skipped. Finding the fact is not what is measured: for the last two sets the words that ask are given to the
//! relation as one of its names. `RUST_LOG=loquat_dialogue=debug` shows every sentence with its verdict and reason.

mod sets;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use loquat_artifacts::{Cache, Silent, catalog, ensure};
use loquat_contract::{ConversationId, Knowledge, Language, LanguageModel, Policy, Reply, Sampling, Wording};
use loquat_dialogue::{Bot, Engine};
use loquat_inference::{OnnxModel, OnnxModelOptions, Runtime};

use sets::{Asked, Set};

type Failure = Box<dyn std::error::Error>;

struct Options {
    sets: String,
    sample: usize,
    show: usize,
    english: Option<PathBuf>,
    chinese: Option<PathBuf>,
    data: PathBuf,
}

#[derive(Default)]
struct Tally {
    asked: usize,
    answered: usize,
    /// Sentences with facts, by [`Wording`]: the model's, constrained, the template's.
    wordings: [usize; 3],
    prompt: usize,
    completion: usize,
    milliseconds: Vec<f64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
    let options = options()?;
    let models = models(&options)?;
    say(
        "| questions | language | asked | answered | model | constrained | template | prompt | written | median | p90 |",
    );
    say("|---|---|---|---|---|---|---|---|---|---|---|");
    for set in sets::all(&options.data) {
        if !options.sets.split(',').any(|name| set.name.contains(name)) {
            continue;
        }
        let Some(asked) = set.questions(options.sample)? else {
            say(&format!("| {} | skipped: its files are not in {} |", set.name, options.data.display()));
            continue;
        };
        for language in [Language::english(), Language::chinese()] {
            let own: Vec<&Asked> = asked.iter().filter(|asked| asked.language.matches(&language)).collect();
            if !own.is_empty() {
                measure(&set, &own, &models, &language, options.show).await?;
            }
        }
    }
    Ok(())
}

async fn measure(
    set: &Set,
    questions: &[&Asked],
    models: &[Arc<dyn LanguageModel>],
    language: &Language,
    show: usize,
) -> Result<(), Failure> {
    let mut tally = Tally::default();
    let mut engine: Option<(Arc<dyn Knowledge>, Arc<Engine>)> = None;
    for (place, asked) in questions.iter().enumerate() {
        let engine = match &engine {
            Some((graph, engine)) if Arc::ptr_eq(graph, &asked.graph) => engine.clone(),
            _ => {
                let made = Arc::new(Engine::new(bot(), asked.graph.clone(), models.to_vec())?);
                engine.insert((asked.graph.clone(), made)).1.clone()
            }
        };
        let channel = if asked.dialogue.is_empty() { format!("row {place}") } else { asked.dialogue.clone() };
        let conversation = ConversationId { channel, ..conversation() };
        let started = Instant::now();
        let reply = engine.answer(&conversation, &asked.text, &mut |_| ()).await?;
        tally.add(&reply, started.elapsed().as_secs_f64() * 1e3);
        if place < show {
            let said: Vec<String> =
                reply.sentences.iter().map(|one| format!("{:?}: {}", one.wording, one.text)).collect();
            say(&format!("  {}\n    {}", asked.text, said.join("\n    ")));
        }
    }
    tally.print(set.name, language);
    Ok(())
}

impl Tally {
    fn add(&mut self, reply: &Reply, milliseconds: f64) {
        self.asked += 1;
        self.answered += usize::from(!reply.citations.is_empty());
        for sentence in reply.sentences.iter().filter(|sentence| !sentence.facts.is_empty()) {
            match sentence.wording {
                Wording::Model => self.wordings[0] += 1,
                Wording::Constrained => self.wordings[1] += 1,
                Wording::Template | Wording::Line => self.wordings[2] += 1,
            }
        }
        if !reply.citations.is_empty() {
            self.prompt += reply.tokens.prompt;
            self.completion += reply.tokens.completion;
            self.milliseconds.push(milliseconds);
        }
    }

    fn print(&mut self, name: &str, language: &Language) {
        self.milliseconds.sort_by(f64::total_cmp);
        let count = self.milliseconds.len();
        let at =
            |share: f64| self.milliseconds.get((count as f64 * share) as usize).copied().unwrap_or_default();
        let sentences = self.wordings.iter().sum::<usize>().max(1) as f64;
        let [model, constrained, template] =
            self.wordings.map(|wording| format!("{:.1} %", 100.0 * wording as f64 / sentences));
        let each = |tokens: usize| tokens as f64 / count.max(1) as f64;
        say(&format!(
            "| {name} | {} | {} | {} | {model} | {constrained} | {template} | {:.0} | {:.1} | {:.0} ms | {:.0} ms |",
            language.primary(),
            self.asked,
            self.answered,
            each(self.prompt),
            each(self.completion),
            at(0.5),
            at(0.9)
        ));
    }
}

/// Both built-in models, as a bot has them.
fn models(options: &Options) -> Result<Vec<Arc<dyn LanguageModel>>, Failure> {
    let cache = Cache::from_env()?;
    let runtime = Runtime::init(ensure(&catalog::onnxruntime()?, &cache, &Silent)?)?;
    let of_cache = |name: &str| cache.root().join("models").join(name);
    let open = |folder: PathBuf, language: Language| -> Result<Arc<dyn LanguageModel>, Failure> {
        let mut options = OnnxModelOptions::new(folder);
        options.threads = 2;
        options.languages = vec![language];
        Ok(Arc::new(OnnxModel::open(&runtime, options)?))
    };
    let english = options.english.clone().unwrap_or_else(|| of_cache("smollm2-135m-instruct-0.1.2-int8"));
    let chinese = options.chinese.clone().unwrap_or_else(|| of_cache("minimind2-small-1.0.1-fp32"));
    Ok(vec![open(english, Language::english())?, open(chinese, Language::chinese())?])
}

fn bot() -> Bot {
    Bot {
        name: "Loquat".to_owned(),
        persona: "You answer questions of fact.".to_owned(),
        policy: Policy::Strict,
        languages: vec![Language::english(), Language::chinese()],
        sampling: Sampling::default(),
    }
}

fn conversation() -> ConversationId {
    ConversationId { bot: "wording".into(), platform: "none".into(), channel: String::new(), thread: None }
}

fn options() -> Result<Options, Failure> {
    let mut options = Options {
        sets: "world,shop,entity,nlpcc".to_owned(),
        sample: 300,
        show: 0,
        english: None,
        chinese: None,
        data: PathBuf::from("../shared/data"),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--sets" => options.sets = value()?,
            "--sample" => options.sample = value()?.parse()?,
            "--show" => options.show = value()?.parse()?,
            "--english" => options.english = Some(value()?.into()),
            "--chinese" => options.chinese = Some(value()?.into()),
            "--data" => options.data = value()?.into(),
            other => return Err(format!("{other} is not known").into()),
        }
    }
    Ok(options)
}

#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
fn say(line: &str) {
    println!("{line}");
}
