//! Files of conversations. In: OpenAI's chat form, ShareGPT's, CSV. Out: conversations; a line that is not understood is named, or counted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::chat::Chat;
use crate::error::PrepareError;
use crate::example::{Message, Role};
use crate::settings::{BadLines, Dialogues};

/// What a file has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The conversations.
    pub chats: Vec<Chat>,
    /// Lines that were left out.
    pub bad_lines: usize,
    /// The first of these, as `file:line: reason`.
    pub left_out: Vec<String>,
}

/// So many lines that are left out are told with their reasons.
const TOLD: usize = 10;

#[derive(Deserialize)]
struct Turn {
    from: String,
    value: String,
}

/// Reads a file by its ending: `.jsonl`, `.json` or `.csv`.
///
/// # Errors
/// When it cannot be read, has another ending, or has a line that is not understood and the recipe refuses such.
pub fn read(path: &Path, settings: &Dialogues, bad_lines: BadLines) -> Result<Read, PrepareError> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let open = || File::open(path).map_err(|source| PrepareError::Read { path: path.to_owned(), source });
    let found = match ending.as_deref() {
        Some("jsonl") => lines(path, open()?)?,
        Some("json") => array(path, open()?)?,
        Some("csv") => table(path, open()?)?,
        _ => {
            let problem = format!(
                "names {}, whose ending says nothing; known are .jsonl and .json (OpenAI's chat form, ShareGPT's) and .csv",
                path.display()
            );
            return Err(PrepareError::Settings { key: "prepare.dialogues.files".to_owned(), problem });
        }
    };
    // The same wherever the recipe lies.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut read = Read::default();
    for (line, conversation) in found {
        match conversation {
            Ok(mut messages) => {
                if let Some(system) = &settings.system
                    && messages.first().is_some_and(|first| first.role != Role::System)
                {
                    messages.insert(0, Message::new(Role::System, system));
                }
                let id = format!("{name}#{line}");
                read.chats.push(Chat {
                    unit: id.clone(),
                    id,
                    messages,
                    names: Vec::new(),
                    is_grounded: false,
                });
            }
            Err(reason) if bad_lines == BadLines::Skip => {
                read.bad_lines += 1;
                if read.left_out.len() < TOLD {
                    read.left_out.push(format!("{}:{line}: {reason}", path.display()));
                }
            }
            Err(reason) => return Err(PrepareError::Line { path: path.to_owned(), line, reason }),
        }
    }
    Ok(read)
}

/// A conversation, or what is wrong, with the line that it begins in.
type Found = Vec<(usize, Result<Vec<Message>, String>)>;

fn lines(path: &Path, file: File) -> Result<Found, PrepareError> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.map_err(|source| PrepareError::Read { path: path.to_owned(), source })?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if !line.is_empty() {
            let value = serde_json::from_str(line).map_err(|error| unplaced(&error));
            found.push((number, value.and_then(conversation)));
        }
    }
    Ok(found)
}

fn array(path: &Path, file: File) -> Result<Found, PrepareError> {
    let values: Vec<Value> = match serde_json::from_reader(BufReader::new(file)) {
        Ok(values) => values,
        Err(error) => {
            let reason = format!("{error}; a .json file is one array of conversations");
            return Err(PrepareError::Line { path: path.to_owned(), line: error.line(), reason });
        }
    };
    let told = |(number, value)| {
        (
            number,
            conversation(value).map_err(|reason| format!("conversation {number} of the array: {reason}")),
        )
    };
    Ok((1..).zip(values).map(told).collect())
}

/// What is wrong with JSON, without its line: that of a piece is not that of the file, which is told beside it.
fn unplaced(error: &serde_json::Error) -> String {
    let told = error.to_string();
    match told.rfind(" at line ") {
        Some(end) => format!("{} in column {}", &told[..end], error.column()),
        None => told,
    }
}

/// A conversation in OpenAI's or ShareGPT's form.
fn conversation(mut value: Value) -> Result<Vec<Message>, String> {
    if let Some(messages) = value.get_mut("messages") {
        let messages = serde_json::from_value(messages.take());
        return messages.map_err(|error| format!("its `messages`: {error}")).and_then(checked);
    }
    if let Some(turns) = value.get_mut("conversations") {
        let turns: Vec<Turn> =
            serde_json::from_value(turns.take()).map_err(|error| format!("its `conversations`: {error}"))?;
        let message = |turn: Turn| Ok(Message::new(role(&turn.from)?, turn.value));
        return turns.into_iter().map(message).collect::<Result<_, String>>().and_then(checked);
    }
    Err("it has neither `messages` (OpenAI's form) nor `conversations` (ShareGPT's)".to_owned())
}

fn role(name: &str) -> Result<Role, String> {
    match name.trim().to_lowercase().as_str() {
        "system" => Ok(Role::System),
        "user" | "human" | "customer" => Ok(Role::User),
        "assistant" | "gpt" | "bot" | "chatgpt" | "agent" => Ok(Role::Assistant),
        _ => Err(format!("{name:?} is no role; known are system, user (human) and assistant (gpt)")),
    }
}

/// A conversation of which something can be learnt.
fn checked(messages: Vec<Message>) -> Result<Vec<Message>, String> {
    if let Some(wrong) = messages.iter().find(|message| message.weight.is_some_and(|weight| weight > 1)) {
        return Err(format!("`weight` is 0 or 1, not {}", wrong.weight.unwrap_or_default()));
    }
    if !messages.iter().any(|message| message.role == Role::Assistant) {
        return Err("it has no assistant's message to learn".to_owned());
    }
    Ok(messages)
}

/// A table with a heading.
fn table(path: &Path, file: File) -> Result<Found, PrepareError> {
    let wrong = |line, reason: String| PrepareError::Line { path: path.to_owned(), line, reason };
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::Headers).from_reader(file);
    let heads = reader.headers().map_err(|error| wrong(1, error.to_string()))?.clone();
    let column = |name: &str| {
        heads.iter().position(|head| head.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name))
    };
    let pairs = column("question").zip(column("answer"));
    let turns = column("conversation").zip(column("role")).zip(column("content"));
    let mut rows = Rows::default();
    for record in reader.into_records() {
        let (line, record) = match record {
            Ok(record) => (record.position().map_or(0, |at| at.line() as usize), record),
            Err(error) => {
                let line = error.position().map_or(0, |at| at.line() as usize);
                rows.add(line, None, Err(error.to_string()));
                continue;
            }
        };
        let cell = |at: usize| {
            let text = record.get(at).map(str::trim).filter(|text| !text.is_empty());
            text.ok_or_else(|| format!("its column `{}` is empty", &heads[at]))
        };
        match (pairs, turns) {
            (_, Some(((conversation, who), content))) => {
                let id = cell(conversation);
                let said = id.clone().and_then(|_| Ok(Message::new(role(cell(who)?)?, cell(content)?)));
                rows.add(line, id.ok(), said);
            }
            (Some((question, answer)), None) => {
                let pair = cell(question).and_then(|asked| {
                    let answer = Message::new(Role::Assistant, cell(answer)?);
                    Ok(vec![Message::new(Role::User, asked), answer])
                });
                rows.found.push((line, pair));
            }
            (None, None) => {
                let reason = "its heading has neither `question` and `answer` nor `conversation`, `role` and `content`";
                return Err(wrong(1, reason.to_owned()));
            }
        }
    }
    let found = rows.found.into_iter().map(|(line, said)| (line, said.and_then(checked)));
    Ok(found.collect())
}

/// Rows of conversations, put together.
#[derive(Default)]
struct Rows {
    found: Found,
    /// Where in them a conversation is.
    places: BTreeMap<String, usize>,
    /// The conversation of the row before.
    last: Option<String>,
}

impl Rows {
    /// Adds a row. One that is not understood spoils its conversation, whose answers would stand behind the wrong questions without it; where
    /// it does not say which that is, the one of the row before.
    fn add(&mut self, line: usize, conversation: Option<&str>, said: Result<Message, String>) {
        if let Some(id) = conversation {
            self.last = Some(id.to_owned());
        }
        let place = self.last.clone().map(|id| {
            *self.places.entry(id).or_insert_with(|| {
                self.found.push((line, Ok(Vec::new())));
                self.found.len() - 1
            })
        });
        match (place.and_then(|at| self.found.get_mut(at)), said) {
            (Some((_, Ok(messages))), Ok(message)) => messages.push(message),
            (Some(of), Err(reason)) if of.1.is_ok() => *of = (line, Err(reason)),
            (None, Err(reason)) => self.found.push((line, Err(reason))),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(name: &str, content: &str, bad: BadLines) -> Result<Read, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let settings = Dialogues { files: Vec::new(), system: Some("Be kind.".into()) };
        read(&path, &settings, bad).map_err(|error| error.to_string())
    }

    fn told(read: &Read) -> Vec<String> {
        let message = |m: &Message| format!("{:?} {}{:?}", m.role, m.content, m.weight);
        read.chats
            .iter()
            .map(|chat| chat.messages.iter().map(message).collect::<Vec<_>>().join("|"))
            .collect()
    }

    #[test]
    fn each_form_gives_the_same_conversations() {
        let openai = "\u{feff}{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": \"Yes?\"}]}\n\n";
        let sharegpt = "{\"id\": 3, \"conversations\": [{\"from\": \"human\", \"value\": \"Hi\"}, {\"from\": \"gpt\", \"value\": \"Yes?\"}]}";
        let expected = ["System Be kind.None|User HiNone|Assistant Yes?None"];
        for (name, content) in [
            ("a.jsonl", openai.to_owned()),
            ("b.jsonl", sharegpt.to_owned()),
            ("c.json", format!("[{sharegpt}]")),
            ("d.csv", "question,answer\nHi,Yes?\n".to_owned()),
            ("e.csv", "conversation,role,content\n1,user,Hi\n1,assistant,Yes?\n".to_owned()),
        ] {
            assert_eq!(told(&reading(name, &content, BadLines::Refuse).unwrap()), expected, "{name}");
        }
        let weighed = openai.replace("\"Yes?\"", "\"Yes?\", \"weight\": 0");
        assert!(told(&reading("a.jsonl", &weighed, BadLines::Refuse).unwrap())[0].ends_with("Some(0)"));
    }

    #[test]
    fn a_line_that_is_wrong_is_named_or_counted() {
        let good = r#"{"messages": [{"role": "assistant", "content": "Yes?"}]}"#;
        for (bad, says) in [
            ("{\"messages\"", "EOF"),
            ("{\"text\": 1}", "neither `messages`"),
            (r#"{"messages": [{"role": "user", "content": "Hi"}]}"#, "no assistant's message"),
            (r#"{"messages": [{"role": "robot", "content": "Hi"}]}"#, "robot"),
            (r#"{"messages": [{"role": "assistant", "content": "Hi", "weight": 2}]}"#, "`weight`"),
            (r#"{"conversations": [{"from": "nobody", "value": "Hi"}]}"#, "\"nobody\" is no role"),
        ] {
            let content = format!("{good}\n{bad}\n{good}\n");
            let said = reading("x.jsonl", &content, BadLines::Refuse).unwrap_err();
            assert!(said.contains("x.jsonl:2") && said.contains(says), "{said}");
            let read = reading("x.jsonl", &content, BadLines::Skip).unwrap();
            assert_eq!((read.chats.len(), read.bad_lines), (2, 1));
            // The line of the file alone, and why.
            assert!(!said.contains("at line"), "{said}");
            let [left_out] = read.left_out.as_slice() else { panic!("{:?}", read.left_out) };
            assert!(left_out.contains("x.jsonl:2: ") && left_out.contains(says), "{left_out}");
        }
        let many = reading("x.jsonl", &"{}\n".repeat(30), BadLines::Skip).unwrap();
        assert_eq!((many.bad_lines, many.left_out.len()), (30, TOLD));
        let said = reading("x.csv", "question,answer\nHi,\n", BadLines::Refuse).unwrap_err();
        assert!(said.contains("x.csv:2") && said.contains("`answer` is empty"), "{said}");
        let table =
            "conversation,role,content\n1,user,Hi\n1,assistant,Yes?\n2,user,So?\n2,user,\n2,assistant,No.\n";
        let read = reading("x.csv", table, BadLines::Skip).unwrap();
        assert_eq!((read.chats.len(), read.bad_lines), (1, 1));
        assert!(reading("x.csv", table, BadLines::Refuse).unwrap_err().contains("x.csv:5"));
        // Whose row it is is not said.
        let nobody = table.replace("2,user,\n", ",user,Well?\n");
        assert_eq!(reading("x.csv", &nobody, BadLines::Skip).unwrap().chats.len(), 1);
        assert!(reading("x.csv", "a,b\n1,2\n", BadLines::Refuse).unwrap_err().contains("heading"));
        assert!(reading("x.txt", "", BadLines::Refuse).unwrap_err().contains("ending"));
    }
}
