//! `loquat-train prepare`. In: a recipe. Out: a folder with a training set. How it is made is `loquat-prepare`'s business; here the bot's
//! parts are opened and its question sets, dialogues and journal read. A bot that runs is not disturbed: its graph and journal are read beside it.

mod journal;
mod rehearsal;
mod warnings;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use loquat::config::{Loaded, Origin};
use loquat::parts::{GraphSource as HostGraph, Places, cache, embedders};
use loquat::progress::Screen;
use loquat_contract::{BoxFuture, Knowledge, LanguageModel, Policy};
use loquat_dialogue::{Bot as Owner, Engine};
use loquat_prepare::journal::talked;
use loquat_prepare::settings::{Graph, Settings};
use loquat_prepare::{
    Bot, Chat, Cleaner, GraphSource, PrepareError, Question, Recorder, Sources, Wordings, prepare,
};
use petgraph::visit::IntoNodeIdentifiers;

use crate::base;
use crate::cli::RecipeArgs;
use crate::recipe::Recipe;

/// Makes the set.
///
/// # Errors
/// When something that the recipe names cannot be read, or there is nothing to learn from.
pub fn run(args: &RecipeArgs) -> anyhow::Result<ExitCode> {
    let recipe = Recipe::load(&args.recipe, &args.overrides)?;
    let settings = &recipe.prepare;
    settings.check()?;
    let screen = Screen::default();
    let loaded = base::bot(&recipe)?;
    screen.say(&told(&loaded, recipe.bot.is_some()));
    // The base is asked only for rehearsal, and trained only later; whether there is one can be told now.
    base::known(&recipe, &loaded)?;
    let mut cleaner = Cleaner::new(&settings.clean)?;
    let (chats, bad_lines) = dialogues(settings, &screen)?;
    let liked = match &settings.journal {
        Some(journal) => journal::chats(&loaded, journal)?,
        None => Vec::new(),
    };
    let mut chats: Vec<Chat> = chats.into_iter().map(|chat| cleaner.clean(chat)).collect();
    let liked = liked.into_iter().map(|chat| cleaner.clean(chat));
    let (asked_again, smalltalk): (Vec<Chat>, Vec<Chat>) = liked.partition(|chat| chat.is_grounded);
    if settings.graph.is_none() && !asked_again.is_empty() {
        screen.say(&format!(
            "{} replies of the journal say facts and are left out: learnt without their facts they would teach to make some up. \
             Add a table [prepare.graph], and they are asked again with them.",
            asked_again.len()
        ));
    }
    let asked_again: Vec<Question> = asked_again.iter().map(Chat::question).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")?;
    let is_asked = settings.graph.is_some() || !smalltalk.is_empty();
    let opened = is_asked.then(|| Opened::new(&loaded, &screen)).transpose()?;
    if let Some(opened) = &opened {
        for chat in smalltalk {
            chats.extend(runtime.block_on(talked(&opened.bot, chat))?);
        }
    }
    let graph = settings.graph.as_ref().zip(opened);
    let rehearsed = match &settings.rehearsal {
        Some(rehearsal) => rehearsal::examples(&recipe, &loaded.config, rehearsal, &runtime, &screen)?,
        None => Vec::new(),
    };
    let sources = Sources {
        graph: graph.map(|(graph, opened)| source(&loaded, graph, opened, asked_again)).transpose()?,
        chats,
        pieces: loquat_prepare::text::read(&settings.text)?,
        rehearsed,
        cleaned: cleaner.removed(),
        bad_lines,
    };
    let mut progress =
        |task: &str, done: usize, of: usize| screen.show(task, done as u64, Some(of as u64), false);
    let folder = recipe.set_folder();
    let spawn = |task: BoxFuture<'static, _>| -> BoxFuture<'static, _> {
        let task = runtime.spawn(task);
        Box::pin(async move {
            task.await.unwrap_or_else(|error| {
                let reason = format!("a question was not asked to its end: {error}");
                Err(PrepareError::Nothing { reason })
            })
        })
    };
    let made = runtime.block_on(prepare(settings, recipe.seed, sources, &folder, &spawn, &mut progress));
    screen.clear();
    let statistics = made?;
    let mut out = anstream::stdout();
    for (kind, parts) in &statistics.kinds {
        let parts: Vec<String> = parts.iter().map(|(part, count)| format!("{count} {part}")).collect();
        writeln!(out, "{kind:13} {}", parts.join(", "))?;
    }
    for (what, count) in &statistics.cleaned {
        writeln!(out, "taken out: {count} × {what}")?;
    }
    if statistics.bad_lines > 0 {
        writeln!(out, "{} lines were not understood and left out", statistics.bad_lines)?;
    }
    for warning in warnings::warnings(&recipe, &statistics) {
        screen.say(&format!("warning: {warning}"));
    }
    screen.say(&format!("the set is in {}; report.md there tells what it has", folder.display()));
    screen.say(&format!("next: loquat-train run {}", args.again()));
    Ok(ExitCode::SUCCESS)
}

/// Which bot the set is made with.
fn told(loaded: &Loaded, is_named: bool) -> String {
    let name = &loaded.config.bot.name;
    match &loaded.origin {
        Origin::Builtin => format!("the bot: {name}, built in (`bot` in the recipe names another)"),
        Origin::File(path) if is_named => format!("the bot: {name}, of {}", path.display()),
        Origin::File(path) => format!(
            "the bot: {name}, of {}, which lies where this command was started (`bot` in the recipe names another)",
            path.display()
        ),
    }
}

/// The conversations of the recipe's files, and how many lines were left out; the first of those are said with their reasons.
fn dialogues(settings: &Settings, screen: &Screen) -> anyhow::Result<(Vec<Chat>, usize)> {
    let mut bad_lines = 0;
    let mut chats = Vec::new();
    for path in &settings.dialogues.files {
        let read = loquat_prepare::dialogues::read(path, &settings.dialogues, settings.bad_lines)?;
        for line in &read.left_out {
            screen.say(&format!("left out: {line}"));
        }
        let more = read.bad_lines.saturating_sub(read.left_out.len());
        if more > 0 {
            screen.say(&format!("left out: {more} more of {}", path.display()));
        }
        if read.chats.is_empty() {
            screen.say(&format!(
                "warning: {} has no dialogue; correct it, or take it out of `prepare.dialogues.files`",
                path.display()
            ));
        }
        bad_lines += read.bad_lines;
        chats.extend(read.chats);
    }
    Ok((chats, bad_lines))
}

/// The bot, to be asked.
struct Opened {
    graph: HostGraph,
    knowledge: Arc<dyn Knowledge>,
    bot: Arc<Bot>,
}

impl Opened {
    /// The bot with a model that writes down what it is told.
    fn new(loaded: &Loaded, screen: &Screen) -> anyhow::Result<Self> {
        let config = &loaded.config;
        let graph = HostGraph::open_to_read(loaded, &Places::of(config)?, screen)?;
        let knowledge = graph.knowledge();
        let recorder = Arc::new(Recorder::default());
        let owner = Owner {
            name: config.bot.name.clone(),
            persona: config.bot.persona.clone(),
            // What is learnt is judged, whatever the bot lets pass.
            policy: Policy::Strict,
            languages: config.bot.languages.clone(),
            sampling: loquat_contract::Sampling::default(),
        };
        let models = vec![recorder.clone() as Arc<dyn LanguageModel>];
        let mut engine = Engine::new(owner, knowledge.clone(), models)?;
        for embedder in embedders(config, &cache(config)?, screen)? {
            engine = engine.with_embedder(embedder);
        }
        let bot = Arc::new(Bot::new(Arc::new(engine), recorder));
        Ok(Self { graph, knowledge, bot })
    }
}

/// The bot, its graph, and what to ask: the questions of the recipe's sets, and those of the journal.
fn source(
    loaded: &Loaded,
    graph: &Graph,
    opened: Opened,
    asked_again: Vec<Question>,
) -> anyhow::Result<GraphSource> {
    let config = &loaded.config;
    let wordings = Wordings::read(graph.wordings.iter().map(std::path::PathBuf::as_path))?;
    let mut questions = questions(graph)?;
    questions.extend(asked_again);
    let Opened { graph: stored, knowledge, bot } = opened;
    let entities = match stored.local() {
        Some(local) if graph.generated > 0 => {
            let walk = local.walk();
            walk.node_identifiers()
                .filter_map(|node| walk.entity(node))
                .map(|entity| entity.id.clone())
                .collect()
        }
        // A graph behind an endpoint is not gone through from end to end.
        _ => Vec::new(),
    };
    let languages =
        if graph.languages.is_empty() { config.bot.languages.clone() } else { graph.languages.clone() };
    let identity = format!(
        "{} {} {} {:?} {:?} {} {}",
        env!("CARGO_PKG_VERSION"),
        config.bot.name,
        config.bot.persona,
        config.bot.languages,
        config.graph.embeddings,
        stored.summary()?,
        knowledge.schema().generation
    );
    let parallel = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(GraphSource { bot, knowledge, languages, wordings, questions, entities, identity, parallel })
}

/// The questions of the recipe's sets, each as a conversation up to it.
fn questions(graph: &Graph) -> anyhow::Result<Vec<Question>> {
    let mut questions = Vec::new();
    for path in &graph.questions {
        let (_, items) = loquat_eval::read(path, None)?;
        for item in items {
            let mut turns = Vec::new();
            for turn in item.turns {
                turns.push(turn.say);
                let group = item.relation.clone().or_else(|| item.category.clone());
                questions.push(Question { turns: turns.clone(), group, answers: turn.answers });
            }
        }
    }
    Ok(questions)
}
