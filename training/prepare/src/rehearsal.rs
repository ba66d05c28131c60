//! What the base can do already. In: the base and questions of any kind. Out: its own replies as conversations, to be learnt beside the rest, so
//! that training does not take away what it could before (rehearsal with replies of the model itself: Huang et al. 2024, "Mitigating
//! Catastrophic Forgetting in Large Language Models with Self-Synthesized Rehearsal"). Replies are kept as soon as they are written.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use futures::{StreamExt, stream};
use loquat_contract::{
    ChatMessage, GenerateRequest, LanguageModel, ModelError, Role as Speaker, Sampling, StopReason, Token,
};
use serde::{Deserialize, Serialize};

use crate::dialogues;
use crate::dice::digest;
use crate::error::PrepareError;
use crate::example::{Example, Kind, Message, Role};
use crate::lines::{self, Lines};
use crate::settings::{BadLines, Dialogues, Rehearsal};

/// Questions of everyday life, knowledge, writing and arithmetic, one a line.
const QUESTIONS: &str = include_str!("../rehearsal/en.txt");

/// A question, and what the base said to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reply {
    /// What the reply depends on: the model, the question, how often it was asked before.
    key: String,
    question: String,
    reply: String,
    /// Whether it came to an end within the tokens that it had.
    ended: bool,
}

/// The questions of the recipe's files, else those that are built in.
///
/// # Errors
/// When a file cannot be read, or has a line that is not understood and the recipe refuses such.
pub fn questions(settings: &Rehearsal, bad_lines: BadLines) -> Result<Vec<String>, PrepareError> {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    if settings.questions.is_empty() {
        return Ok(lines(QUESTIONS));
    }
    let mut all = Vec::new();
    for path in &settings.questions {
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt")) {
            let text = std::fs::read_to_string(path)
                .map_err(|source| PrepareError::Read { path: path.clone(), source })?;
            all.extend(lines(&text));
            continue;
        }
        for chat in dialogues::read(path, &Dialogues::default(), bad_lines)?.chats {
            all.extend(
                chat.messages
                    .into_iter()
                    .find(|message| message.role == Role::User)
                    .map(|message| message.content),
            );
        }
    }
    Ok(all)
}

/// Asks the base, each question as often as it takes to come to `settings.replies`, and gives what it said; where it came
/// to no end, as unfinished.
///
/// # Errors
/// When the base fails, or `kept` cannot be read or written.
pub async fn rehearse(
    model: &dyn LanguageModel,
    questions: &[String],
    settings: &Rehearsal,
    seed: u64,
    kept: &Path,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Vec<Example>, PrepareError> {
    /// Questions that are asked at the same time.
    const PARALLEL: usize = 8;
    let wanted: Vec<(String, &String)> = questions
        .iter()
        .cycle()
        .take(if questions.is_empty() { 0 } else { settings.replies })
        .enumerate()
        .map(|(at, question)| {
            let round = at / questions.len();
            let made_of =
                format!("{} {seed} {} {round} {question}", model.identity().sha256, settings.tokens);
            (format!("{:016x}", digest(seed, "rehearsal", &made_of)), question)
        })
        .collect();
    let (mut lines, mut known) = read(kept)?;
    let left: Vec<_> = wanted.iter().filter(|(key, _)| !known.contains_key(key)).collect();
    let mut done = wanted.len() - left.len();
    let asked = left.into_iter().map(|(key, question)| async move {
        let (reply, ended) = ask(model, question, settings, key).await?;
        Ok::<Reply, PrepareError>(Reply { key: key.clone(), question: (*question).clone(), reply, ended })
    });
    let mut asked = stream::iter(asked).buffer_unordered(PARALLEL);
    while let Some(reply) = asked.next().await {
        let reply = reply?;
        lines.push(&reply)?;
        known.insert(reply.key.clone(), reply);
        // What another base or seed said is kept too, and is none of these.
        done += 1;
        progress(done, wanted.len());
    }
    let said = wanted.iter().filter_map(|(key, _)| known.get(key));
    Ok(said.filter(|reply| !reply.reply.is_empty()).map(example).collect())
}

/// The replies that are kept. A first line of another form is another version's, as all that follow it are.
fn read(path: &Path) -> Result<(Lines, HashMap<String, Reply>), PrepareError> {
    let mut known = HashMap::new();
    let lines = Lines::open(path, |number, line| {
        let reply: Reply = match lines::value(path, number, line) {
            Err(_) if number == 1 => return Err(PrepareError::Stale { path: path.to_owned() }),
            reply => reply?,
        };
        known.insert(reply.key.clone(), reply);
        Ok(())
    })?;
    Ok((lines, known))
}

/// What the base says, drawn as its own distribution has it, and whether it came to an end.
async fn ask(
    model: &dyn LanguageModel,
    question: &str,
    settings: &Rehearsal,
    key: &str,
) -> Result<(String, bool), PrepareError> {
    let sampling = Sampling {
        temperature: 1.0,
        top_p: 0.95,
        seed: digest(0, "draw", key),
        max_tokens: settings.tokens,
        ..Sampling::default()
    };
    let request = GenerateRequest {
        messages: vec![ChatMessage::new(Speaker::User, question)],
        sampling,
        ..GenerateRequest::default()
    };
    let mut tokens = model.generate(request);
    let (mut text, mut ended) = (String::new(), false);
    while let Some(token) = tokens.next().await {
        match token.map_err(failed)? {
            Token::Text(piece) => text.push_str(&piece),
            Token::Finish(finish) => ended = finish.reason == StopReason::End,
            Token::Prompt(_) | Token::Logprob { .. } => {}
        }
    }
    Ok((text.trim().to_owned(), ended))
}

fn failed(error: ModelError) -> PrepareError {
    PrepareError::Rehearsal { source: error }
}

fn example(reply: &Reply) -> Example {
    Example {
        id: format!("rehearsal-{}", reply.key),
        kind: Kind::Rehearsal,
        messages: vec![
            Message::new(Role::User, reply.question.as_str()),
            Message::new(Role::Assistant, reply.reply.as_str()),
        ],
        text: None,
        entities: BTreeSet::new(),
        group: None,
        question: None,
        answers: Vec::new(),
        unfinished: !reply.ended,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use loquat_contract::{BoxStream, Finish, ModelIdentity};

    use super::*;

    /// Says the question back; to what has "long" in it, without an end.
    struct Echo {
        identity: ModelIdentity,
        asked: AtomicUsize,
    }

    impl LanguageModel for Echo {
        fn identity(&self) -> &ModelIdentity {
            &self.identity
        }

        fn generate(&self, request: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let said = request.messages[0].content.clone();
            let reason = if said.contains("long") { StopReason::Length } else { StopReason::End };
            let items = [Token::Text(format!("{said} {}", request.sampling.seed)), {
                Token::Finish(Finish { reason, completion: 1 })
            }];
            stream::iter(items.map(Ok)).boxed()
        }
    }

    #[tokio::test]
    async fn replies_are_learnt_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("rehearsed.jsonl");
        let identity = ModelIdentity { name: "echo".to_owned(), sha256: "1".repeat(64) };
        let model = Echo { identity, asked: AtomicUsize::default() };
        let settings = Rehearsal { replies: 5, ..Rehearsal::default() };
        let questions = ["a?", "a long one?"].map(str::to_owned);
        let rehearsed = async || rehearse(&model, &questions, &settings, 1, &kept, &mut |_, _| ()).await;
        let first = rehearsed().await.unwrap();
        let unfinished: Vec<bool> = first.iter().map(|example| example.unfinished).collect();
        assert_eq!(unfinished, [false, true, false, true, false], "the long one came to no end");
        assert!(first.iter().step_by(2).all(|example| example.messages[1].content.starts_with("a? ")));
        let drawn: BTreeSet<&str> = first.iter().map(|one| one.messages[1].content.as_str()).collect();
        assert_eq!(drawn.len(), 5, "each time with a draw of its own");
        // As another version wrote it.
        let other = folder.path().join("other.jsonl");
        std::fs::write(&other, "{\"key\": \"1\", \"question\": \"a?\", \"reply\": null}\n").unwrap();
        let error = rehearse(&model, &questions, &settings, 1, &other, &mut |_, _| ()).await.unwrap_err();
        assert!(error.to_string().contains("remove it"), "{error}");
        // Cut off within the last line, only that one is asked again.
        let bytes = std::fs::read(&kept).unwrap();
        std::fs::write(&kept, &bytes[..bytes.len() - 3]).unwrap();
        let before = model.asked.load(Ordering::Relaxed);
        assert_eq!(rehearsed().await.unwrap(), first);
        assert_eq!(model.asked.load(Ordering::Relaxed), before + 1);
    }

    #[test]
    fn there_are_questions_of_one_s_own_or_those_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let (text, chats) = (folder.path().join("a.txt"), folder.path().join("b.jsonl"));
        std::fs::write(&text, "One?\n\n Two? \n").unwrap();
        let chat =
            r#"{"messages": [{"role": "user", "content": "Three?"}, {"role": "assistant", "content": "3"}]}"#;
        std::fs::write(&chats, chat).unwrap();
        let settings = Rehearsal { questions: vec![text, chats], ..Rehearsal::default() };
        assert_eq!(questions(&settings, BadLines::Refuse).unwrap(), ["One?", "Two?", "Three?"]);
        let built_in = questions(&Rehearsal::default(), BadLines::Refuse).unwrap();
        assert_eq!(built_in.len(), built_in.iter().collect::<BTreeSet<_>>().len());
    }
}
