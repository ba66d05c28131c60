//! What models are measured on. In: the recipe, the training set and the bot. Out: questions, prompts whose facts do not hold the answer, and
//! texts; the same for all models. What a model may have learnt from is left out.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use loquat::config::Config;
use loquat::parts::{cache, embedders, engine};
use loquat::progress::Screen;
use loquat_contract::{ChatMessage, Knowledge, LanguageModel, Policy};
use loquat_eval::{Expect, Item, Listener, Turn, Unanswerable, read, sample, unanswerable};
use loquat_prepare::{Example, Kind, Message, Role};

use crate::recipe::Recipe;

/// Pieces of plain text are cut at paragraphs to about so many characters.
const PIECE: usize = 1500;

/// A text that is judged, behind a chat where it is a reply.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub(super) id: String,
    pub(super) chat: Vec<ChatMessage>,
    pub(super) text: String,
}

/// What models are measured on.
#[derive(Clone, Debug, Default)]
pub(super) struct Material {
    pub(super) items: Vec<Item>,
    pub(super) unanswerable: Vec<Unanswerable>,
    pub(super) general: Vec<Text>,
    pub(super) domain: Vec<Text>,
    /// How much there is of each, and where it comes from.
    pub(super) notes: Vec<String>,
}

impl Material {
    pub(super) async fn gather(
        recipe: &Recipe,
        config: &Config,
        knowledge: &Arc<dyn Knowledge>,
    ) -> anyhow::Result<Self> {
        let own = &recipe.eval;
        let set = recipe.run.set.clone().unwrap_or_else(|| recipe.set_folder());
        let part = |name: &str| examples(&set.join(name));
        let (train, dev, test) = (part("train.jsonl")?, part("dev.jsonl")?, part("test.jsonl")?);
        let learnt: HashSet<&str> = train.iter().filter_map(question).collect();
        let mut material = Self::default();
        let mut notes = Vec::new();

        if own.questions.is_empty() {
            let items = sample(test.iter().filter_map(item).collect(), own.limit, None);
            notes.push(format!("{} questions of the set's test part", items.len()));
            material.items = items;
        }
        for path in &own.questions {
            let (_, items) = read(path, None)?;
            let all = items.len();
            let is_new = |item: &Item| item.turns.iter().all(|turn| !learnt.contains(turn.say.trim()));
            let items: Vec<Item> = items.into_iter().filter(is_new).collect();
            let learnt = all - items.len();
            let items = sample(items, own.limit, None);
            let left_out = if learnt > 0 {
                format!(" ({learnt} of the set are in train.jsonl and left out)")
            } else {
                String::new()
            };
            notes.push(format!("{} questions of {}{left_out}", items.len(), path.display()));
            material.items.extend(items);
        }
        if material.items.is_empty() {
            bail!(
                "there is nothing to ask: name sets in `eval.questions`, or make a training set with `loquat-train prepare` ({} has no \
                 test.jsonl with questions)",
                set.display()
            );
        }

        let missing: Vec<Unanswerable> = test.iter().filter_map(missing).collect();
        let is_of_set = !missing.is_empty();
        let mut prompts =
            if is_of_set { missing } else { swapped(config, knowledge, &material.items).await? };
        prompts.truncate(own.unanswerable);
        let origin = if is_of_set {
            "of the set's test part"
        } else {
            "with another question's facts in place of their own"
        };
        notes.push(format!("{} prompts whose facts do not hold the answer, {origin}", prompts.len()));
        material.unanswerable = prompts;

        for path in &own.general {
            material.general.extend(texts(path)?);
        }
        material.general.truncate(own.texts);
        material.domain = dev.iter().filter_map(judged).take(own.texts).collect();
        notes.push(format!(
            "perplexity of {} general texts and of {} of the set's dev part, of the reply where it is one",
            material.general.len(),
            material.domain.len()
        ));
        material.notes = notes;
        Ok(material)
    }
}

/// The examples of a file; none where there is no such file.
fn examples(path: &Path) -> anyhow::Result<Vec<Example>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let line = |(number, line): (usize, &str)| {
        serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), number + 1))
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
}

/// The question of a prompt: what stands behind the facts in the person's last message.
fn question(example: &Example) -> Option<&str> {
    let asked = example.messages.iter().rfind(|message| message.role == Role::User)?;
    Some(asked.content.rsplit("\n\n").next().unwrap_or(&asked.content).trim())
}

/// A question that stands for itself, as the bot is asked it.
fn item(example: &Example) -> Option<Item> {
    if !matches!(example.kind, Kind::Fact | Kind::List | Kind::MultiHop | Kind::YesNo) {
        return None;
    }
    let turn = Turn { say: question(example)?.to_owned(), expect: Expect::Answer, ..Turn::default() };
    let is_chinese = turn.say.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    Some(Item {
        id: example.id.clone(),
        set: "test".to_owned(),
        language: if is_chinese { "zh" } else { "en" }.to_owned(),
        relation: example.group.clone(),
        turns: vec![turn],
        ..Item::default()
    })
}

/// A prompt whose facts do not hold the answer.
fn missing(example: &Example) -> Option<Unanswerable> {
    if example.kind != Kind::Missing {
        return None;
    }
    let (last, before) = example.messages.split_last()?;
    (last.role == Role::Assistant).then_some(())?;
    Some(Unanswerable {
        id: example.id.clone(),
        messages: before.iter().map(said).collect(),
        question: question(example)?.to_owned(),
        refusal: Some(last.content.clone()),
    })
}

fn said(message: &Message) -> ChatMessage {
    let role = match message.role {
        Role::System => loquat_contract::Role::System,
        Role::User => loquat_contract::Role::User,
        Role::Assistant => loquat_contract::Role::Assistant,
    };
    ChatMessage::new(role, message.content.clone())
}

/// What is judged of an example: the last reply behind what was said before, or the text.
fn judged(example: &Example) -> Option<Text> {
    let id = example.id.clone();
    if let Some(text) = &example.text {
        return Some(Text { id, chat: Vec::new(), text: text.clone() });
    }
    let (last, before) = example.messages.split_last()?;
    (last.role == Role::Assistant && last.weight != Some(0)).then(|| Text {
        id,
        chat: before.iter().map(said).collect(),
        text: last.content.clone(),
    })
}

/// The texts of a file: examples, or pieces of plain text.
fn texts(path: &Path) -> anyhow::Result<Vec<Text>> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("jsonl")) {
        if !path.is_file() {
            bail!("{} does not exist; correct `eval.general`", path.display());
        }
        return Ok(examples(path)?.iter().filter_map(judged).collect());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut pieces: Vec<String> = Vec::new();
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        match pieces.last_mut().filter(|last| last.chars().count() < PIECE) {
            Some(last) => *last = format!("{last}\n\n{paragraph}"),
            None => pieces.push(paragraph.to_owned()),
        }
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let piece = |(number, text)| Text { id: format!("{name}/{}", number + 1), chat: Vec::new(), text };
    Ok(pieces.into_iter().enumerate().map(piece).collect())
}

/// Questions with the facts of others, as the bot would put them to its model.
async fn swapped(
    config: &Config,
    knowledge: &Arc<dyn Knowledge>,
    items: &[Item],
) -> anyhow::Result<Vec<Unanswerable>> {
    let listener = Listener::default();
    let mut config = config.clone();
    config.bot.policy = Policy::Strict;
    let embedders = embedders(&config, &cache(&config)?, &Screen::default())?;
    let speakers: Vec<Arc<dyn LanguageModel>> = vec![Arc::new(listener.clone())];
    let bot = engine(&config, &embedders, knowledge.clone(), speakers)?;
    Ok(unanswerable(bot.as_ref(), &listener, items).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(kind: &str, user: &str, assistant: &str) -> Example {
        let line = format!(
            r#"{{"id":"1","kind":"{kind}","messages":[{{"role":"system","content":"S"}},{{"role":"user","content":{user:?}}},{{"role":"assistant","content":{assistant:?}}}]}}"#
        );
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn questions_prompts_and_texts_are_read_out_of_examples() {
        let fact =
            example("fact", "The capital of Bhutan is Thimphu.\n\nWhat is its capital?", "It is Thimphu.");
        let asked = item(&fact).unwrap();
        assert_eq!((asked.turns[0].say.as_str(), asked.language.as_str()), ("What is its capital?", "en"));
        assert!(missing(&fact).is_none());
        let text = judged(&fact).unwrap();
        assert_eq!((text.chat.len(), text.text.as_str()), (2, "It is Thimphu."));

        let unknown =
            example("missing", "The capital of Bhutan is Thimphu.\n\nWhat is its anthem?", "I don't know.");
        let prompt = missing(&unknown).unwrap();
        assert_eq!((prompt.messages.len(), prompt.question.as_str()), (2, "What is its anthem?"));
        assert_eq!(prompt.refusal.as_deref(), Some("I don't know."));
        assert!(item(&unknown).is_none());
    }

    #[test]
    fn plain_text_is_cut_at_paragraphs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let long = "word ".repeat(400);
        std::fs::write(&path, format!("one\n\ntwo\n\n{long}\n\nthree\n")).unwrap();
        let pieces = texts(&path).unwrap();
        assert_eq!(pieces.len(), 2, "{pieces:?}");
        assert!(pieces[0].text.starts_with("one\n\ntwo") && pieces[1].text == "three");
        assert!(texts(&folder.path().join("gone.jsonl")).is_err());
    }
}
