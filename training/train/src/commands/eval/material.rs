//! What models are measured on. In: the recipe, the training set and the bot. Out: questions, prompts whose facts do not hold the answer, and
//! texts; the same for all models. What a model may have learnt from is left out.

mod learnt;
mod texts;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use loquat::config::Config;
use loquat::parts::{cache, embedders, engine};
use loquat::progress::Screen;
use loquat_contract::{ChatMessage, Dialogue, Knowledge, LanguageModel, Policy};
use loquat_eval::{Expect, Item, Listener, Turn, Unanswerable, read, sample, topics, unanswerable};
use loquat_prepare::{Example, Kind, Message, Role};

use crate::judge::thin;
use crate::recipe::Recipe;
use learnt::Learnt;
use texts::{judged, texts};

pub(super) use texts::Text;

/// What models are measured on.
#[derive(Clone, Debug, Default)]
pub(super) struct Material {
    pub(super) items: Vec<Item>,
    pub(super) unanswerable: Vec<Unanswerable>,
    pub(super) general: Vec<Text>,
    pub(super) domain: Vec<Text>,
    /// Where the questions come from, and how many there are.
    pub(super) asked: String,
    /// The same of the prompts.
    pub(super) untold: String,
    /// What was left out, and what else to know.
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
        let mut material = Self::default();
        let learnt = Learnt::of(&train);
        if !learnt.is_known() {
            material.notes.push(format!(
                "the set {} has no train.jsonl that tells what its examples are about: what was learnt is not known, and nothing is left out for it",
                set.file_name().unwrap_or(set.as_os_str()).display()
            ));
        }
        let apart = if learnt.is_known() { ", whose entities are not in train.jsonl" } else { "" };
        let before = test.len();
        let test: Vec<Example> = test.into_iter().filter(|example| !learnt.knows(example)).collect();
        if test.len() < before {
            material.notes.push(format!(
                "{} examples of test.jsonl are about what is in train.jsonl too, and are left out",
                before - test.len()
            ));
        }
        let (bot, listener) = listening(config, knowledge)?;

        if own.questions.is_empty() {
            material.of_test(&test, own.limit);
        } else {
            material.of_sets(&own.questions, own.limit, &learnt, bot.as_ref()).await?;
        }
        material.asked.push_str(apart);
        if material.items.is_empty() {
            bail!(
                "there is nothing to ask: {} has no test.jsonl with questions and their `answers`, or all are about what train.jsonl is about; name \
                 sets in `eval.questions`, or make the training set with `loquat-train prepare`",
                set.display()
            );
        }

        let missing: Vec<Unanswerable> = test.iter().filter_map(missing).collect();
        let is_of_set = !missing.is_empty();
        let of_kind = test.iter().filter(|example| example.kind == Kind::Missing).count();
        if missing.len() < of_kind {
            material.notes.push(format!(
                "{} prompts of test.jsonl do not tell their `question` and are left out; `loquat-train prepare` makes the set anew with it",
                of_kind - missing.len()
            ));
        }
        let mut prompts =
            if is_of_set { missing } else { unanswerable(bot.as_ref(), &listener, &material.items).await? };
        prompts.truncate(own.unanswerable);
        let origin = if is_of_set {
            format!("of the training set's test part{apart}")
        } else {
            "made of these questions, each with the facts of another one".to_owned()
        };
        material.untold = format!("{} prompts {origin}", prompts.len());
        material.unanswerable = prompts;

        let mut names = Vec::new();
        for path in &own.general {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            material.general.extend(texts(path, &unlike(&mut names, &name))?);
        }
        if own.texts > 0 {
            thin(&mut material.general, own.texts);
        } else {
            material.general.clear();
        }
        material.domain = dev.iter().filter_map(judged).take(own.texts).collect();
        material.check()?;
        Ok(material)
    }

    /// Questions of the test part.
    fn of_test(&mut self, test: &[Example], limit: usize) {
        let questions = test.iter().filter(|example| is_question(example)).count();
        let items: Vec<Item> = test.iter().filter_map(item).collect();
        if items.len() < questions {
            self.notes.push(format!(
                "{} questions of test.jsonl have no `answers` and are left out: nobody could say what is right",
                questions - items.len()
            ));
        }
        self.items = sample(items, limit, None);
        self.asked = format!("{} questions of the training set's test part", self.items.len());
    }

    /// Questions of sets about what was not learnt.
    async fn of_sets(
        &mut self,
        paths: &[std::path::PathBuf],
        limit: usize,
        learnt: &Learnt,
        bot: &dyn Dialogue,
    ) -> anyhow::Result<()> {
        let mut names = Vec::new();
        for path in paths {
            let (_, mut items) = read(path, None)?;
            let Some(name) = items.first().map(|item| unlike(&mut names, &item.set)) else { continue };
            items.iter_mut().for_each(|item| item.set.clone_from(&name));
            let chosen = learnt.choose(items, limit, async |item: &Item| topics(bot, item).await).await?;
            let and = if self.asked.is_empty() { "" } else { ", " };
            // Writing into a text cannot fail.
            let _ = write!(self.asked, "{and}{} questions of {name}", chosen.items.len());
            if chosen.left_out > 0 {
                self.notes.push(format!(
                    "{name}: {} questions that were drawn are about entities of train.jsonl; they are left out, and others are asked",
                    chosen.left_out
                ));
            }
            self.items.extend(chosen.items);
        }
        Ok(())
    }

    /// Refuses ids that are there twice: results are kept by them.
    fn check(&self) -> anyhow::Result<()> {
        let items = self.items.iter().map(|item| format!("{}/{}", item.set, item.id)).collect();
        let prompts = self.unanswerable.iter().map(|prompt| prompt.id.clone()).collect();
        let domain = self.domain.iter().map(|text| text.id.clone()).collect();
        let files: [(&str, Vec<String>); 3] =
            [("what is asked", items), ("test.jsonl", prompts), ("dev.jsonl", domain)];
        for (file, ids) in files {
            let mut known = HashSet::new();
            if let Some(twice) = ids.iter().find(|id| !known.insert(id.as_str())) {
                bail!("the id {twice} is there twice in {file}; give each example its own");
            }
        }
        Ok(())
    }
}

/// A name that none has yet.
fn unlike(known: &mut Vec<String>, name: &str) -> String {
    let mut own = name.to_owned();
    let mut number = 1;
    while known.contains(&own) {
        number += 1;
        own = format!("{name}-{number}");
    }
    known.push(own.clone());
    own
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

/// Whether an example is a question that stands for itself.
fn is_question(example: &Example) -> bool {
    matches!(example.kind, Kind::Fact | Kind::List | Kind::MultiHop | Kind::YesNo)
}

/// A question as the bot is asked it; `None` where it is not known what is right.
fn item(example: &Example) -> Option<Item> {
    let question =
        example.question.as_ref().filter(|_| is_question(example) && !example.answers.is_empty())?;
    let is_chinese = question.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let turn = Turn {
        say: question.trim().to_owned(),
        expect: Expect::Answer,
        answers: example.answers.clone(),
        ..Turn::default()
    };
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
        question: example.question.as_ref()?.trim().to_owned(),
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

/// The bot with a model that only listens.
fn listening(
    config: &Config,
    knowledge: &Arc<dyn Knowledge>,
) -> anyhow::Result<(Arc<dyn Dialogue>, Listener)> {
    let listener = Listener::default();
    let mut config = config.clone();
    config.bot.policy = Policy::Strict;
    let embedders = embedders(&config, &cache(&config)?, &Screen::default())?;
    let speakers: Vec<Arc<dyn LanguageModel>> = vec![Arc::new(listener.clone())];
    Ok((engine(&config, &embedders, knowledge.clone(), speakers)?, listener))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(kind: &str, user: &str, assistant: &str, more: &str) -> Example {
        let line = format!(
            r#"{{"id":"1","kind":"{kind}",{more}"messages":[{{"role":"system","content":"S"}},{{"role":"user","content":{user:?}}},{{"role":"assistant","content":{assistant:?}}}]}}"#
        );
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn questions_prompts_and_texts_are_read_out_of_examples() {
        let user = "事实：\n不丹的首都是廷布。\n\n问题：不丹的首都是什么？";
        let more = r#""question":"不丹的首都是什么？","answers":["廷布"],"#;
        let fact = example("fact", user, "不丹的首都是廷布。", more);
        let asked = item(&fact).unwrap();
        let turn = &asked.turns[0];
        assert_eq!((turn.say.as_str(), asked.language.as_str()), ("不丹的首都是什么？", "zh"));
        assert_eq!(turn.answers, ["廷布"], "a reply is judged by them");
        assert!(missing(&fact).is_none());
        let text = judged(&fact).unwrap();
        assert_eq!((text.chat.len(), text.text.as_str()), (2, "不丹的首都是廷布。"));
        let unjudged = example("fact", user, "x", r#""question":"不丹的首都是什么？","#);
        assert!(item(&unjudged).is_none());
        let mut material = Material::default();
        material.of_test(&[fact, unjudged], 9);
        assert_eq!(material.items.len(), 1);
        assert!(material.notes[0].starts_with("1 questions"), "{:?}", material.notes);

        let unknown = example(
            "missing",
            "The capital of Bhutan is Thimphu.\n\nWhat is its anthem?",
            "I don't know.",
            r#""question":"What is its anthem?","#,
        );
        let prompt = missing(&unknown).unwrap();
        assert_eq!((prompt.messages.len(), prompt.question.as_str()), (2, "What is its anthem?"));
        assert_eq!(prompt.refusal.as_deref(), Some("I don't know."));
        assert!(item(&unknown).is_none());
    }

    #[test]
    fn sets_and_files_of_one_name_are_told_apart_and_ids_that_come_twice_refused() {
        let mut names = Vec::new();
        assert_eq!(["a", "b", "a", "a"].map(|name| unlike(&mut names, name)), ["a", "b", "a-2", "a-3"]);
        let item = Item { id: "1".to_owned(), ..Item::default() };
        let twice = Material { items: vec![item.clone(), item], ..Material::default() };
        assert!(twice.check().unwrap_err().to_string().contains("twice"));
        assert!(Material::default().check().is_ok());
    }
}
