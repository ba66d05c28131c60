//! Everything → a set. In: what the recipe names, read. Out: a folder with the three parts and what is known of them.

mod choose;
mod graph;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub use graph::{GraphSource, Spawn, here};

use crate::chat::Chat;
use crate::compose::{Composer, Neighbours};
use crate::dice::Dice;
use crate::duplicates::{self, Removed};
use crate::error::PrepareError;
use crate::example::Example;
use crate::settings::Settings;
use crate::split::{Division, Part, split};
use crate::statistics::Statistics;
use crate::text::Piece;

/// What a set is made of; any of it may be missing.
#[derive(Default)]
pub struct Sources {
    /// The bot, its graph, and what to ask.
    pub graph: Option<GraphSource>,
    /// Conversations, cleaned.
    pub chats: Vec<Chat>,
    /// Pieces of text, cleaned where they have to be.
    pub pieces: Vec<Piece>,
    /// What the base says already, to be learnt beside the rest.
    pub rehearsed: Vec<Example>,
    /// What was taken out of them, by kind, and lines that were left out: for the statistics.
    pub cleaned: BTreeMap<String, usize>,
    /// Lines that were not understood and left out.
    pub bad_lines: usize,
}

/// How far it is: what is done, how much of it, of how much.
pub type Progress<'a> = &'a mut (dyn FnMut(&str, usize, usize) + Send);

/// Makes a set in `folder`. What was asked of the bot is kept there as soon as it is answered, and a run that is cut short goes on from it.
///
/// # Errors
/// When the bot or the graph fails, the folder cannot be written, or there is nothing to learn from.
pub async fn prepare(
    settings: &Settings,
    seed: u64,
    sources: Sources,
    folder: &Path,
    spawn: Spawn<'_>,
    progress: Progress<'_>,
) -> Result<Statistics, PrepareError> {
    settings.check()?;
    std::fs::create_dir_all(folder)
        .map_err(|source| PrepareError::Write { path: folder.to_owned(), source })?;
    let mut statistics =
        Statistics { cleaned: sources.cleaned, bad_lines: sources.bad_lines, ..Statistics::default() };
    let mut parts: BTreeMap<Part, Vec<Example>> = BTreeMap::new();
    if let (Some(source), Some(graph)) = (sources.graph, &settings.graph) {
        let made = graph::cases(graph, seed, source, folder, spawn, progress).await?;
        statistics.asked = made.fates;
        statistics.refusals = made.refusals.clone();
        let (cases, removed) = choose::distinct(made.cases, settings.duplicates.similarity);
        statistics.removed("graph", removed);
        let cases = choose::by_share(cases, settings, graph, seed);
        let entities: Vec<BTreeSet<String>> = cases.iter().map(|case| case.topics.clone()).collect();
        let (assigned, division) = split(&entities, &settings.split, seed);
        statistics.divided("graph", division);
        let neighbours = Neighbours::new(&cases);
        let composer = Composer {
            wordings: &made.wordings,
            graph,
            augment: &settings.augment,
            refusals: &made.refusals,
            neighbours: &neighbours,
            seed,
        };
        for part in Part::ALL {
            let own: Vec<_> = cases
                .iter()
                .zip(&assigned)
                .filter(|(_, of)| **of == Some(part))
                .map(|(case, _)| case)
                .collect();
            let missing = choose::missing(own.len(), part, graph);
            parts.entry(part).or_default().extend(composer.compose(&own, part, missing));
        }
    }
    let chats: Vec<Chat> = sources.chats.into_iter().filter(Chat::teaches).collect();
    let chats = distinct(chats, settings, "dialogues", &mut statistics, Chat::text);
    let units = |chat: &Chat| chat.unit.clone();
    for (part, chat) in divided(chats, settings, seed, "dialogues", &mut statistics, units) {
        for (copy, mut dice) in copies(part, settings, seed, &chat.id) {
            let is_cropped = copy > 0 || part == Part::Train;
            let chat = if is_cropped && dice.chance(settings.augment.cropped) {
                chat.cropped(&mut dice)
            } else {
                chat.clone()
            };
            parts.entry(part).or_default().push(numbered(chat.example(), copy));
        }
    }
    let pieces = distinct(sources.pieces, settings, "text", &mut statistics, |piece| piece.text.clone());
    let units = |piece: &Piece| piece.unit.clone();
    for (part, piece) in divided(pieces, settings, seed, "text", &mut statistics, units) {
        for (copy, mut dice) in copies(part, settings, seed, &piece.id) {
            let is_cropped = part == Part::Train && dice.chance(settings.augment.cropped);
            let piece = if is_cropped { piece.cropped(&mut dice) } else { piece.clone() };
            parts.entry(part).or_default().push(numbered(piece.example(), copy));
        }
    }
    // Only learnt: neither what is chosen by nor what is told of the set is about it.
    parts.entry(Part::Train).or_default().extend(sources.rehearsed);
    finish(parts, seed, folder, statistics)
}

/// Removes what is there twice, and writes.
fn finish(
    mut parts: BTreeMap<Part, Vec<Example>>,
    seed: u64,
    folder: &Path,
    mut statistics: Statistics,
) -> Result<Statistics, PrepareError> {
    for (part, examples) in &mut parts {
        let mut seen = BTreeSet::new();
        let before = examples.len();
        examples.retain(|example| seen.insert(example.id.clone()));
        statistics.removed("made", Removed { exact: before - examples.len(), near: 0 });
        Dice::new(seed, "order", part.name()).shuffle(examples);
    }
    if parts.get(&Part::Train).is_none_or(Vec::is_empty) {
        return Err(PrepareError::Nothing { reason: statistics.why_nothing() });
    }
    statistics.count(&parts);
    write::write(folder, &parts, &statistics)?;
    Ok(statistics)
}

/// Those that are not said twice.
fn distinct<T>(
    items: Vec<T>,
    settings: &Settings,
    source: &str,
    statistics: &mut Statistics,
    text: impl Fn(&T) -> String,
) -> Vec<T> {
    let texts: Vec<duplicates::Text> =
        items.iter().map(|item| duplicates::Text { scope: String::new(), text: text(item) }).collect();
    let (kept, removed) = duplicates::unique(&texts, settings.duplicates.similarity);
    statistics.removed(source, removed);
    items.into_iter().zip(kept).filter_map(|(item, kept)| kept.then_some(item)).collect()
}

/// Each with its part; those of one unit have the same.
fn divided<T>(
    items: Vec<T>,
    settings: &Settings,
    seed: u64,
    source: &str,
    statistics: &mut Statistics,
    unit: impl Fn(&T) -> String,
) -> Vec<(Part, T)> {
    let units: Vec<BTreeSet<String>> = items.iter().map(|item| BTreeSet::from([unit(item)])).collect();
    let (assigned, division) = split(&units, &settings.split, seed);
    if division != Division::default() {
        statistics.divided(source, division);
    }
    items.into_iter().zip(assigned).filter_map(|(item, part)| Some((part?, item))).collect()
}

/// How often something is in the train part, each time with draws of its own.
fn copies(part: Part, settings: &Settings, seed: u64, id: &str) -> Vec<(usize, Dice)> {
    let times = if part == Part::Train { settings.augment.repeated } else { 1 };
    (0..times).map(|copy| (copy, Dice::new(seed, "copy", &format!("{copy} {id}")))).collect()
}

/// A copy of its own, also where it is the same.
fn numbered(example: Example, copy: usize) -> Example {
    if copy == 0 { example } else { Example { id: format!("{}-{copy}", example.id), ..example } }
}
