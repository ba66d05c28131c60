//! The recipe's table `[prepare]`: `loquat-prepare`'s own settings, with paths as seen from the recipe. In: TOML. Out: settings.

use std::path::{Path, PathBuf};

pub use loquat_prepare::Settings as PrepareRecipe;

use super::seen_from;

/// Makes paths absolute, as seen from the recipe's folder.
pub(super) fn resolve(settings: &mut PrepareRecipe, folder: &Path) {
    let graph = settings.graph.iter_mut().flat_map(|graph| [&mut graph.questions, &mut graph.wordings]);
    let rehearsal = settings.rehearsal.iter_mut().map(|rehearsal| &mut rehearsal.questions);
    let lists = graph.chain(rehearsal).chain([&mut settings.dialogues.files, &mut settings.text.files]);
    let resolve = |path: &mut PathBuf| *path = seen_from(folder, path);
    lists.for_each(|files| files.iter_mut().for_each(resolve));
}

pub(super) const SAMPLE: &str = r#"# What is learnt from: loquat-train prepare
[prepare]
# At most so many examples made from the graph, in all parts together; dialogues and text come beside them. 0 takes what there is.
examples = 6000
# What happens to a line of a file that is not understood: refuse (the command stops and names it) or skip (it is left out and counted).
bad_lines = "refuse"

# Questions about the bot's graph with the facts as its engine retrieves them. Without this table nothing is made from the graph.
[prepare.graph]
# Question sets, in the forms that `loquat eval` reads, plain or .gz.
questions = []
# At most so many of their questions are asked, as evenly over their relations as can be; 0 asks all.
asked = 6000
# So many questions are made from the graph itself and asked too.
generated = 2000
# In other words each question that was answered is asked so often more.
reworded = 1
# The languages in which questions are made and asked in other words; without any, the bot's.
languages = []
# Files with more ways to ask and to say, in the form of training/prepare/wordings/en.toml.
wordings = []
# At least this share of answers says the fact as the prompt has it; the others take the question's words up as far as the verifier lets them.
copied = 0.4
# What is answered where the facts do not tell, by language. Default: the bot's own line for that.
# refusal = { en = "I don't know." }

# How much of each kind, relative to each other; what one kind falls short of goes to the others.
[prepare.graph.shares]
# One fact.
fact = 0.47
# A list, whole.
list = 0.10
# What follows over several facts, and yes or no: the bot says these by itself and asks no model, so that there is nothing to learn.
multi_hop = 0.0
yes_no = 0.0
# What only the message before makes clear.
follow_up = 0.10
# A wrong presupposition, put right.
contradicted = 0.05
# The facts do not tell. In test.jsonl there are at least as many of these as of all others.
missing = 0.28

# Conversations.
[prepare.dialogues]
# Files by their endings: .jsonl (OpenAI's chat form with its `weight`, or ShareGPT's), .json (an array of either), .csv (with a heading:
# question,answer, or conversation,role,content).
files = []
# What each begins with where it has no system message of its own. Without it the model's chat template may put a system message there that the
# bot never uses; best is what the bot says itself: the first message of a line of train.jsonl whose kind is fact.
# system = "You are Finch."

# What people said to the bot, from its own journal: where a reply says facts, its question is asked again, and the bot's facts and words of
# today are learnt (with [prepare.graph]); small talk is learnt as it was said. Without this table the journal is left alone; it is only read,
# also while the bot runs.
# [prepare.journal]
# Which replies are learnt: good (somebody liked it and nobody disliked it) or not_bad (nobody disliked it).
# replies = "good"
# Whether a disliked reply stays as what was said, and is not learnt; else conversations begin anew behind it.
# keep_bad_as_context = false
# Before a question that is asked again, what was said in at most so many messages before it is said again.
# messages_before = 4

# Plain text to go on training on.
[prepare.text]
# Files (.txt, .md) and folders of such.
files = []
# It is cut at paragraphs, else at sentences, into pieces of at most so many characters.
characters = 2000

# What the base says already to questions of any kind, learnt beside the rest so that it is not forgotten. Without this table the base is not
# asked; it is a model of the bot's config, or a GGUF file.
[prepare.rehearsal]
# Questions: .txt with one a line, or conversations, of which what the person says first is taken. Without any, English ones that are built in.
questions = []
# So many replies, each question in turn, and the most tokens of each; of one that is cut off there, the end is not learnt.
replies = 400
tokens = 256

# What is taken out of dialogues and journal, of the bot's own answers too.
[prepare.clean]
# Replaces e-mail addresses, telephone, card and account numbers, addresses, and the names of those who talk, where the journal has them.
personal_data = true
# The country whose telephone numbers are recognised without `+`, as two letters.
# country = "DE"
# Further names and words that are taken out.
words = []
# What is never taken out, such as the shop's own telephone number and address: without them here, the bot learns placeholders in their place.
keep = []

# What counts as said twice.
[prepare.duplicates]
# Texts of one entity, and dialogues and pieces of text of any, that are at least so similar (estimated Jaccard index of word triples) are kept
# once; above 1 only what is the same is.
similarity = 0.9

# The parts. No entity is in two of them; of dialogues no conversation is.
[prepare.split]
dev = 0.05
test = 0.08

# What makes the train part more various, as shares of its examples.
[prepare.augment]
# Facts beside those that answer, in any order (in dev and test too), and how many at most.
distracted = 0.35
distractors = 4
# Another entity's value, in the facts and the answer alike.
substituted = 0.1
# A slip of the keyboard in the question, outside of names.
typos = 0.05
# A question in lower case without its mark, names apart.
careless = 0.05
# Dialogues that begin at a later message, text that begins at a later sentence.
cropped = 0.1
# How often each dialogue and each piece of text is there.
repeated = 1
"#;
