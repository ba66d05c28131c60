//! `loquat eval`. In: sets of questions and the bot. Out: a report in a folder, and its table. What is measured how is `loquat-eval`'s
//! business; here are the sets read and the bots built that it measures.

mod systems;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use loquat_contract::Knowledge;
use loquat_eval::{
    Hidden, Item, Mode, Paraphrases, Report, Results, RunIdentity, RunOptions, Stage, expect_abstention,
    read, run, sample, write_report,
};
use sha2::{Digest, Sha256};

use super::PARTLY;
use crate::cli::EvalCommand;
use crate::config::Loaded;
use crate::parts::{GraphSource, Places};
use crate::progress::Screen;

pub(super) fn eval(loaded: &Loaded, command: &EvalCommand) -> anyhow::Result<ExitCode> {
    let screen = Screen::default();
    let items = items(command)?;
    let graph = GraphSource::open(loaded, &Places::of(&loaded.config)?, &screen)?;
    let mut knowledge: Arc<dyn Knowledge> = graph.knowledge();
    let items = if command.hide_answers {
        knowledge = Arc::new(Hidden::new(knowledge, &items));
        expect_abstention(items)
    } else {
        items
    };
    let variants = systems::variants(loaded, command)?;
    let plans = systems::plans(&variants, command);
    let identity = RunIdentity {
        questions: digest(&items)?,
        systems: plans.iter().map(|plan| plan.identity(&variants)).collect(),
        graph: format!("{}, generation {}", graph.summary()?, knowledge.schema().generation),
        settings: systems::settings(&loaded.config, command),
    };
    let folder = command.output.clone().unwrap_or_else(|| default_folder(&command.sets[0]));
    let mut results = Results::open(&folder, &identity, command.resume)?;
    let options = RunOptions { parallel: usize::from(command.parallel) };
    let runtime = super::runtime()?;
    let mut opened = systems::Opened::default();
    for plan in &plans {
        let is_left = |item: &Item| !results.has(&plan.name, &item.set, &item.id);
        if !items.iter().any(is_left) {
            continue;
        }
        let system = opened.system(plan, &variants[plan.variant], &knowledge, &screen)?;
        screen.clear();
        let task = format!("asking {}", plan.name);
        let mut progress = |done: usize, of: usize| screen.show(&task, done as u64, Some(of as u64), false);
        runtime.block_on(run(&system, &items, &mut results, options, &mut progress))?;
        screen.clear();
    }
    let title = format!("Evaluation of {}", loaded.config.bot.name);
    let report = Report::new(&title, identity, results.records());
    write_report(&report, &folder)?;
    let mut out = anstream::stdout();
    writeln!(out, "{}", report.table())?;
    for failures in &report.failures {
        writeln!(out, "{}, {}: {} {}", failures.set, failures.system, failures.count, failures.title)?;
    }
    let page = folder.join("report.html");
    screen.say(&format!("the report is in {}", page.display()));
    let verified: Vec<&str> =
        plans.iter().filter(|plan| plan.mode == Mode::Verified).map(|plan| plan.name.as_str()).collect();
    let has_failed = report.failures.iter().any(|failures| failures.title == Stage::Failed.title());
    let is_bad = report.unsupported.iter().any(|found| verified.contains(&found.system.as_str()));
    Ok(if is_bad || has_failed { ExitCode::from(PARTLY) } else { ExitCode::SUCCESS })
}

/// The items of all sets, chosen and reworded.
fn items(command: &EvalCommand) -> anyhow::Result<Vec<Item>> {
    let mut paraphrases = Paraphrases::default();
    for file in &command.paraphrases {
        paraphrases.extend(Paraphrases::read(file)?);
    }
    let mut all: Vec<Item> = Vec::new();
    for path in &command.sets {
        let (format, items) = read(path, command.format.named())?;
        let mut items = match command.limit {
            Some(limit) => sample(items, limit, command.stratify.map(Into::into)),
            None => items,
        };
        paraphrases.apply(format, &mut items);
        if let (Some(first), true) =
            (items.first(), all.iter().any(|item| Some(&item.set) == items.first().map(|i| &i.set)))
        {
            anyhow::bail!("two sets are called {}; rename a file, so that they can be told apart", first.set);
        }
        all.extend(items);
    }
    Ok(all)
}

fn digest(items: &[Item]) -> anyhow::Result<String> {
    let mut hash = Sha256::new();
    for item in items {
        hash.update(serde_json::to_vec(item).context("the questions cannot be hashed")?);
        hash.update(b"\n");
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn default_folder(set: &Path) -> PathBuf {
    let name = set.file_name().unwrap_or(set.as_os_str()).to_string_lossy();
    PathBuf::from(format!("eval-{}", name.split('.').next().unwrap_or_default()))
}
