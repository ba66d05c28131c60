//! The way of one message through the stages. In: a text of a conversation. Out: a [`Reply`], its sentences shown as they pass.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loquat_contract::{
    BoxFuture, Citation, ConversationId, Dialogue, DialogueError, Fact, Knowledge, Language, LanguageModel,
    LinkedEntity, Memory, Mention, Outcome, Policy, Reply, Sampling, Sentence, Timings,
};

use crate::EngineError;
use crate::ground::{Grounds, Plan, Unknown, ground};
use crate::lexicon::{Lexicon, Lexicons};
use crate::memory;
use crate::realise::cite;
use crate::recheck::note_left_out;
use crate::respond::{Draft, Persona, Responder};
use crate::session::{Session, Sessions};
use crate::understand::{RelationWords, Understood, asks, detect_language, understand};
use crate::words::is_abbreviation;

/// How many conversations are remembered at once.
const CONVERSATIONS: usize = 10_000;

/// How many questions of one message are answered.
const CLAUSES: usize = 4;

/// Who the bot is and how it answers.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Its name.
    pub name: String,
    /// What it is, in its owner's words; the model is told so.
    pub persona: String,
    /// What happens to a sentence that the facts do not support.
    pub policy: Policy,
    /// The languages it speaks, the preferred one first.
    pub languages: Vec<Language>,
    /// How the model chooses its words.
    pub sampling: Sampling,
}

/// The dialogue engine of one bot.
pub struct Engine {
    bot: Bot,
    knowledge: Arc<dyn Knowledge>,
    models: Vec<Arc<dyn LanguageModel>>,
    lexicons: Lexicons,
    sessions: Sessions,
    relation_words: RelationWords,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("bot", &self.bot.name).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that answers from `knowledge` in the words of the first of `models` that speaks the language.
    ///
    /// # Errors
    /// When there is no model, or no word lists for one of the bot's languages.
    pub fn new(
        bot: Bot,
        knowledge: Arc<dyn Knowledge>,
        models: Vec<Arc<dyn LanguageModel>>,
    ) -> Result<Self, EngineError> {
        let lexicons = Lexicons::builtin()?;
        if let Some(unknown) = bot.languages.iter().find(|language| !lexicons.knows(language)) {
            return Err(EngineError::UnknownLanguage { language: unknown.to_string() });
        }
        if models.is_empty() {
            return Err(EngineError::NoModel);
        }
        let sessions = Sessions::new(CONVERSATIONS);
        Ok(Self { bot, knowledge, models, lexicons, sessions, relation_words: RelationWords::default() })
    }

    /// Answers one message. `show` gets each sentence as soon as it may be seen; the reply has them all.
    ///
    /// # Errors
    /// When the graph fails; the conversation's memory is then as before. A model that fails is logged, and done without.
    pub async fn answer(
        &self,
        conversation: &ConversationId,
        text: &str,
        show: &mut (dyn FnMut(&Sentence) + Send),
    ) -> Result<Reply, EngineError> {
        let started = Instant::now();
        let mut session = self.sessions.get(conversation);
        let language = detect_language(text, &self.bot.languages, session.language.as_ref());
        let lexicon = self.lexicons.of(&language);
        let schema = self.knowledge.schema();
        let model = self.models.iter().find(|model| model.speaks(&language));
        let mut responder = Responder {
            model: model.map(Arc::as_ref),
            conversation,
            persona: Persona { bot: &self.bot.name, text: &self.bot.persona },
            policy: self.bot.policy,
            sampling: &self.bot.sampling,
            lexicon,
            show,
            draft: Draft::default(),
            begun: 0,
        };
        let mut timings = Timings::default();
        let mut turns = Vec::new();
        for clause in clauses(text, lexicon) {
            let begun = Instant::now();
            let about: Vec<_> = session.focus.iter().map(|entity| entity.id.clone()).collect();
            let mentions = self.knowledge.link_in(&text[clause.clone()], &about).await?;
            timings.link += milliseconds(begun.elapsed());
            let begun = Instant::now();
            let asked = &text[clause.clone()];
            let relation_words = self.relation_words.of(&schema, &lexicon.language);
            let understood = understand(asked, mentions, &schema, &relation_words, lexicon);
            let plan = ground(&understood, &session, &language, self.knowledge.as_ref()).await?;
            timings.ground += milliseconds(begun.elapsed());
            tracing::debug!(
                ?language,
                mentions = understood.mentions.len(),
                unexplained = ?understood.unexplained,
                "grounded"
            );
            let had_text = responder.draft.first_token.is_some();
            let begun = started.elapsed();
            let is_answered = match &plan {
                Plan::Facts(grounds) => {
                    responder.say_facts(asked, grounds).await;
                    true
                }
                Plan::Unknown(unknown) => responder.say_unknown(asked, unknown).await,
                Plan::Smalltalk(kind) => {
                    responder.make_smalltalk(asked, *kind).await;
                    false
                }
            };
            if let (false, Some(first)) = (had_text, responder.draft.first_token) {
                timings.first_token = Some(milliseconds(begun + first));
            }
            session = remember(session, &plan, &language);
            turns.push(Turn { offset: clause.start, understood, plan, is_answered });
        }
        self.sessions.put(conversation, session);
        let mut draft = responder.draft;
        let facts: Vec<&Fact> =
            turns.iter().filter_map(Turn::grounds).flat_map(|grounds| &grounds.facts).collect();
        note_left_out(&mut draft.sentences, &facts, &language, self.knowledge.as_ref()).await?;
        timings.total = milliseconds(started.elapsed());
        Ok(Reply {
            answer: join(&draft.sentences, &language),
            outcome: outcome(&turns),
            citations: citations(&draft.sentences, &turns, lexicon),
            values: Vec::new(),
            gaps: Vec::new(),
            choices: Vec::new(),
            entities: turns.iter().flat_map(|turn| turn.entities(&language)).collect(),
            policy: self.bot.policy,
            model: model.unwrap_or(&self.models[0]).identity().clone(),
            graph: schema.generation,
            seed: self.bot.sampling.seed,
            timings,
            tokens: draft.tokens,
            sentences: draft.sentences,
            language,
        })
    }
}

impl Dialogue for Engine {
    fn answer<'a>(
        &'a self,
        conversation: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            Engine::answer(self, conversation, text, show)
                .await
                .map_err(|error| DialogueError(Box::new(error)))
        })
    }

    fn memory(&self, conversation: &ConversationId) -> Option<Memory> {
        self.sessions.known(conversation).map(|session| memory::keep(&session))
    }

    fn recall<'a>(&'a self, conversation: &'a ConversationId, kept: Memory) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            match memory::recall(&kept, self.knowledge.as_ref()).await {
                Ok(session) => self.sessions.put(conversation, session),
                Err(error) => tracing::warn!(%conversation, %error, "what was talked about is forgotten"),
            }
        })
    }

    fn forget(&self, conversation: &ConversationId) {
        self.sessions.forget(conversation);
    }
}

/// What the conversation is about after this message.
fn remember(session: Session, plan: &Plan, language: &Language) -> Session {
    let session = Session { language: Some(language.clone()), ..session };
    match plan {
        Plan::Facts(Grounds { focus, relations, .. }) => {
            Session { focus: focus.clone(), relations: relations.clone(), ..session }
        }
        Plan::Unknown(Unknown::Relation(entity)) => {
            Session { focus: vec![entity.clone()], relations: Vec::new(), ..session }
        }
        // Something else was asked about, and it is not in the graph: "its" no longer points at what came before.
        Plan::Unknown(_) => Session { focus: Vec::new(), relations: Vec::new(), ..session },
        Plan::Smalltalk(_) => session,
    }
}

/// One question of a message, as far as it went.
struct Turn {
    /// Where it begins in the message.
    offset: usize,
    understood: Understood,
    plan: Plan,
    /// Whether it got facts or, under a policy other than strict, what the model believes.
    is_answered: bool,
}

impl Turn {
    fn grounds(&self) -> Option<&Grounds> {
        match &self.plan {
            Plan::Facts(grounds) => Some(grounds),
            Plan::Unknown(_) | Plan::Smalltalk(_) => None,
        }
    }

    /// What each mention was taken to mean.
    fn entities(&self, language: &Language) -> Vec<LinkedEntity> {
        let chosen = self.grounds().map_or(&[][..], |grounds| &grounds.chosen);
        let of_mention = |(place, mention): (usize, &Mention)| {
            let taken = chosen.iter().find(|(at, _)| *at == place).map(|(_, entity)| &entity.id);
            let by_choice = mention.candidates.iter().find(|candidate| Some(&candidate.entity.id) == taken);
            let candidate = by_choice.or(mention.candidates.first())?;
            Some(LinkedEntity {
                text: mention.text.clone(),
                start: self.offset + mention.range.start,
                end: self.offset + mention.range.end,
                id: candidate.entity.id.clone(),
                label: candidate.entity.label(language).to_owned(),
                score: candidate.score,
            })
        };
        self.understood.mentions.iter().enumerate().filter_map(of_mention).collect()
    }
}

/// The questions of a message, as byte ranges. Statements beside a question ("I live in France. What …?") ask nothing; a message
/// without a question is taken whole.
fn clauses(text: &str, lexicon: &Lexicon) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let ends = match c {
            '.' if is_abbreviation(&text[start..at]) => false,
            '?' | '!' | '.' => text[end..].starts_with(char::is_whitespace),
            '\u{FF1F}' | '\u{FF01}' | '。' | '\n' => true,
            _ => false,
        };
        if ends {
            ranges.push(start..end);
            start = end;
        }
    }
    ranges.push(start..text.len());
    ranges.retain(|range| text[range.clone()].chars().any(char::is_alphanumeric));
    let questions: Vec<Range<usize>> =
        ranges.iter().filter(|range| asks(&text[(*range).clone()], lexicon)).cloned().collect();
    let has_parts = ranges.len() > 1 && !questions.is_empty();
    let whole = std::iter::once(0..text.len());
    if has_parts { questions.into_iter().take(CLAUSES).collect() } else { whole.collect() }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Answered where any question is; small talk where nothing else was said.
fn outcome(turns: &[Turn]) -> Outcome {
    if turns.iter().any(|turn| turn.is_answered) {
        Outcome::Answered
    } else if turns.iter().any(|turn| matches!(turn.plan, Plan::Unknown(_))) {
        Outcome::Abstained
    } else {
        Outcome::Smalltalk
    }
}

fn join(sentences: &[Sentence], language: &Language) -> String {
    let texts: Vec<&str> = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    texts.join(if language.is_unspaced() { "" } else { " " })
}

/// The facts that the sentences rest on, in the order of their first use.
fn citations(sentences: &[Sentence], turns: &[Turn], lexicon: &Lexicon) -> Vec<Citation> {
    let facts = || turns.iter().filter_map(Turn::grounds).flat_map(|grounds| &grounds.facts);
    let mut citations: Vec<Citation> = Vec::new();
    for id in sentences.iter().flat_map(|sentence| &sentence.facts) {
        if !citations.iter().any(|citation| citation.id == *id) {
            citations.extend(facts().find(|fact| fact.id == *id).map(|fact| cite(fact, lexicon)));
        }
    }
    citations
}
