//! What a recipe says of its set: the table `[prepare]`. In: TOML. Out: settings, every key with a default. Paths are as the recipe has
//! them; whoever reads it resolves them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use loquat_contract::Language;
use serde::{Deserialize, Serialize};

use crate::error::PrepareError;
use crate::example::Kind;

/// `[prepare]`: what the set is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// At most so many examples made from the graph, in all parts together; dialogues and text come beside them. Default 6000.
    pub examples: usize,
    /// What happens to a line of a file that is not understood: `refuse` (the default) stops and names it, `skip` leaves it out and counts it.
    pub bad_lines: BadLines,
    /// `[prepare.graph]`: questions about the bot's graph, with its facts. Without this table nothing is made from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph: Option<Graph>,
    /// `[prepare.dialogues]`: files of conversations.
    pub dialogues: Dialogues,
    /// `[prepare.journal]`: what people said to the bot, from its own journal. Without this table it is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<Journal>,
    /// `[prepare.text]`: plain text, to go on training on.
    pub text: Text,
    /// `[prepare.rehearsal]`: replies of the base itself, against forgetting. Without this table there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
    /// `[prepare.clean]`: what is taken out of dialogues and journal.
    pub clean: Clean,
    /// `[prepare.duplicates]`: what counts as said twice.
    pub duplicates: Duplicates,
    /// `[prepare.split]`: how large the parts are.
    pub split: Split,
    /// `[prepare.augment]`: what is done to examples of the train part to make them more various.
    pub augment: Augment,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            examples: 6000,
            bad_lines: BadLines::default(),
            graph: None,
            dialogues: Dialogues::default(),
            journal: None,
            text: Text::default(),
            rehearsal: None,
            clean: Clean::default(),
            duplicates: Duplicates::default(),
            split: Split::default(),
            augment: Augment::default(),
        }
    }
}

/// What happens to a line that is not understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BadLines {
    /// The command stops and names it.
    #[default]
    Refuse,
    /// It is left out and counted.
    Skip,
}

/// `[prepare.graph]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Graph {
    /// Question sets, in the forms that `loquat eval` reads, plain or `.gz`.
    pub questions: Vec<PathBuf>,
    /// At most so many of their questions are asked, as evenly over their relations as can be; 0 for all. Default 6000.
    pub asked: usize,
    /// So many questions are made from the graph itself and asked too, as evenly over its relations as can be. Default 2000.
    pub generated: usize,
    /// In other words each question that was answered is asked so often more. Default 1.
    pub reworded: usize,
    /// The languages in which questions are made and asked in other words. Default: the bot's.
    pub languages: Vec<Language>,
    /// Files with more ways to ask and to say, in the form of `training/prepare/wordings/en.toml`.
    pub wordings: Vec<PathBuf>,
    /// At least this share of answers says the fact as the prompt has it. The others take the question's words up as far as the verifier lets
    /// them; where the prompt's own words do that best, they are said too. Default 0.4.
    pub copied: f64,
    /// What is answered where the facts do not tell, by language, such as `{ en = "I don't know." }`; without one, the bot's own line for that.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refusal: BTreeMap<Language, String>,
    /// `[prepare.graph.shares]`: how much of each kind, relative to each other; a kind with 0 is left out. What one kind falls short of goes to the
    /// others.
    pub shares: Shares,
}

impl Default for Graph {
    fn default() -> Self {
        Self {
            questions: Vec::new(),
            asked: 6000,
            generated: 2000,
            reworded: 1,
            languages: Vec::new(),
            wordings: Vec::new(),
            copied: 0.4,
            refusal: BTreeMap::new(),
            shares: Shares::default(),
        }
    }
}

/// `[prepare.graph.shares]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shares {
    /// One fact. Default 0.47.
    pub fact: f64,
    /// A list, whole. Default 0.10.
    pub list: f64,
    /// What follows over several facts. Default 0: the bot concludes by itself, and asks no model.
    pub multi_hop: f64,
    /// Yes or no. Default 0: the bot says it by itself, and asks no model.
    pub yes_no: f64,
    /// What only the message before makes clear. Default 0.10.
    pub follow_up: f64,
    /// A wrong presupposition, put right. Default 0.05.
    pub contradicted: f64,
    /// The facts do not tell. In the test part there are at least as many of these as of all others. Default 0.28.
    pub missing: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            fact: 0.47,
            list: 0.10,
            multi_hop: 0.0,
            yes_no: 0.0,
            follow_up: 0.10,
            contradicted: 0.05,
            missing: 0.28,
        }
    }
}

impl Shares {
    /// The share of a kind that is made from the graph; 0 for others.
    pub fn of(&self, kind: Kind) -> f64 {
        match kind {
            Kind::Fact => self.fact,
            Kind::List => self.list,
            Kind::MultiHop => self.multi_hop,
            Kind::YesNo => self.yes_no,
            Kind::FollowUp => self.follow_up,
            Kind::Contradicted => self.contradicted,
            Kind::Missing => self.missing,
            Kind::Dialogue | Kind::Text | Kind::Rehearsal => 0.0,
        }
    }

    fn total(&self) -> f64 {
        Kind::ALL.into_iter().map(|kind| self.of(kind)).sum()
    }
}

/// `[prepare.dialogues]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dialogues {
    /// Files, by their endings: `.jsonl` (OpenAI's chat form, or ShareGPT's), `.json` (an array of either), `.csv` (with a heading: `question,answer`,
    /// or `conversation,role,content`).
    pub files: Vec<PathBuf>,
    /// What each begins with where it has no system message of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// `[prepare.journal]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Journal {
    /// Which replies are learnt from: `good` (the default) those that somebody liked and nobody disliked, `not_bad` those that nobody disliked.
    pub replies: Replies,
    /// Whether a reply that somebody disliked may stand before others as what was said, and is not learnt. Default false: conversations begin
    /// anew behind it.
    pub keep_bad_as_context: bool,
    /// Before a question that is asked again, what was said in at most so many messages before it is said again. Default 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_before: Option<usize>,
}

/// Which replies of the journal are learnt from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replies {
    /// Those that somebody liked and nobody disliked.
    #[default]
    Good,
    /// Those that nobody disliked.
    NotBad,
}

/// `[prepare.text]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Text {
    /// Files, `.txt` or `.md`, and folders of such.
    pub files: Vec<PathBuf>,
    /// Text is cut at paragraphs, else at sentences, into pieces of at most so many characters. Default 2000.
    pub characters: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self { files: Vec::new(), characters: 2000 }
    }
}

/// `[prepare.rehearsal]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rehearsal {
    /// What the base is asked: `.txt` with a question a line, and conversations as in `[prepare.dialogues]`, of which what the person says first is
    /// taken. Default: English questions that are built in.
    pub questions: Vec<PathBuf>,
    /// So many replies, each question in turn. Default 400.
    pub replies: usize,
    /// The most tokens of a reply; of one that is cut off there, the end is not learnt. Default 256.
    pub tokens: usize,
}

impl Default for Rehearsal {
    fn default() -> Self {
        Self { questions: Vec::new(), replies: 400, tokens: 256 }
    }
}

/// `[prepare.clean]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clean {
    /// Whether e-mail addresses, telephone, card and account numbers, addresses and the names of those who talk, where the platform gives them,
    /// are replaced. Default true.
    pub personal_data: bool,
    /// The country whose telephone numbers are recognised without `+`, as two letters (ISO 3166-1). Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Further names and words that are taken out.
    pub words: Vec<String>,
    /// What is never taken out, such as the shop's own address.
    pub keep: Vec<String>,
}

impl Default for Clean {
    fn default() -> Self {
        Self { personal_data: true, country: None, words: Vec::new(), keep: Vec::new() }
    }
}

/// `[prepare.duplicates]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Duplicates {
    /// Texts of one entity, and dialogues and pieces of text of any, that are at least so similar (estimated Jaccard index of their word triples)
    /// are kept once; above 1 only what is the same is. Default 0.9.
    pub similarity: f64,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self { similarity: 0.9 }
    }
}

/// `[prepare.split]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// The share of entities that are kept back for choosing among checkpoints. Default 0.05.
    pub dev: f64,
    /// The share that is kept back for the evaluation. Default 0.08.
    pub test: f64,
}

impl Default for Split {
    fn default() -> Self {
        Self { dev: 0.05, test: 0.08 }
    }
}

/// `[prepare.augment]`. Shares are of the examples of the train part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// How many get facts beside those that answer, in any order; in dev and test too. Default 0.35.
    pub distracted: f64,
    /// The most facts that are put beside. Default 4.
    pub distractors: usize,
    /// How many get their value replaced by that of another entity, in the facts and the answer alike, so that what the prompt says is learnt
    /// and not what the world says. Default 0.1.
    pub substituted: f64,
    /// How many questions get a slip of the keyboard, outside of names. Default 0.05.
    pub typos: f64,
    /// How many questions are in lower case without the mark at their end, names apart. Default 0.05.
    pub careless: f64,
    /// How many dialogues begin at a later message, and how many pieces of text at a later sentence. Default 0.1.
    pub cropped: f64,
    /// How often each dialogue and each piece of text of the train part is in it. Default 1.
    pub repeated: usize,
}

impl Default for Augment {
    fn default() -> Self {
        Self {
            distracted: 0.35,
            distractors: 4,
            substituted: 0.1,
            typos: 0.05,
            careless: 0.05,
            cropped: 0.1,
            repeated: 1,
        }
    }
}

impl Settings {
    /// Checks what a type alone does not say.
    ///
    /// # Errors
    /// When a share is none, the parts leave nothing to train on, or nothing is asked for.
    pub fn check(&self) -> Result<(), PrepareError> {
        let shares = [
            ("prepare.split.dev", self.split.dev),
            ("prepare.split.test", self.split.test),
            ("prepare.augment.distracted", self.augment.distracted),
            ("prepare.augment.substituted", self.augment.substituted),
            ("prepare.augment.typos", self.augment.typos),
            ("prepare.augment.careless", self.augment.careless),
            ("prepare.augment.cropped", self.augment.cropped),
            ("prepare.graph.copied", self.graph.as_ref().map_or(0.0, |graph| graph.copied)),
        ];
        for (key, share) in shares {
            if !(0.0..=1.0).contains(&share) {
                return Err(problem(key, &format!("is {share}; it is a share, from 0 to 1")));
            }
        }
        if self.split.dev + self.split.test >= 1.0 {
            return Err(problem(
                "prepare.split",
                "leaves nothing to train on; make `dev` and `test` smaller",
            ));
        }
        if let Some(graph) = &self.graph {
            let is_share = |kind: &Kind| graph.shares.of(*kind) >= 0.0 && graph.shares.of(*kind).is_finite();
            if !Kind::ALL.iter().all(is_share) || graph.shares.total() - graph.shares.missing <= 0.0 {
                let wrong = "has a negative share, or nothing but `missing`";
                return Err(problem("prepare.graph.shares", wrong));
            }
        }
        if self.duplicates.similarity.is_nan() || self.duplicates.similarity <= 0.0 {
            return Err(problem("prepare.duplicates.similarity", "is not above 0; 0.9 keeps what differs"));
        }
        if self.text.characters < 100 {
            return Err(problem("prepare.text.characters", "is below 100, too little to learn a text from"));
        }
        if self.augment.repeated == 0 {
            return Err(problem("prepare.augment.repeated", "is 0; 1 has everything once"));
        }
        let has_files = !self.dialogues.files.is_empty() || !self.text.files.is_empty();
        if self.graph.is_none() && self.journal.is_none() && !has_files {
            let wrong = "names nothing to learn from; add `[prepare.graph]`, `[prepare.journal]`, `[prepare.dialogues] files = […]` or \
                         `[prepare.text] files = […]`";
            return Err(problem("prepare", wrong));
        }
        Ok(())
    }
}

fn problem(key: &str, problem: &str) -> PrepareError {
    PrepareError::Settings { key: key.to_owned(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), String> {
        let settings: Settings = toml::from_str(text).map_err(|error| error.to_string())?;
        settings.check().map_err(|error| error.to_string())
    }

    #[test]
    fn a_recipe_is_checked_before_anything_is_done() {
        assert_eq!(checked("[graph]"), Ok(()));
        assert_eq!(checked("[text]\nfiles = [\"a.txt\"]"), Ok(()));
        for (recipe, says) in [
            ("", "names nothing to learn from"),
            ("[graph]\n[split]\ndev = 0.6\ntest = 0.4", "leaves nothing to train on"),
            ("[graph]\n[augment]\ntypos = 1.5", "`prepare.augment.typos` of the recipe is 1.5"),
            ("[graph]\n[augment]\nrepeated = 0", "repeated"),
            (
                "[graph.shares]\nfact = 0\nlist = 0\nmulti_hop = 0\nyes_no = 0\nfollow_up = 0\ncontradicted = 0",
                "nothing but",
            ),
            ("[graph]\nfacts = 3", "unknown field `facts`"),
            ("[graph]\n[duplicates]\nsimilarity = nan", "similarity"),
        ] {
            let said = checked(recipe).unwrap_err();
            assert!(said.contains(says), "{recipe}: {said}");
        }
    }
}
