//! The way of one message through the stages. In: a text of a conversation. Out: a [`Reply`], its sentences shown as they pass.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use loquat_contract::{
    BoxFuture, Candidate, Citation, ConversationId, Dialogue, DialogueError, Fact, Knowledge, Language,
    LanguageModel, Memory, Policy, Reply, Sampling, Schema, Sentence, TextEmbedder, Timings,
};
use loquat_retrieve::{RetrieveOptions, Retriever};
use tracing::field::Empty;
use tracing::{Instrument, debug_span};

use crate::EngineError;
use crate::ground::{Plan, Sources, ground};
use crate::lexicon::{Lexicon, Lexicons};
use crate::memory;
use crate::realise::cite;
use crate::recheck::note_left_out;
use crate::respond::{Draft, Persona, Responder};
use crate::session::{Session, Sessions};
use crate::turn::{Turn, outcome, question_back};
use crate::understand::{
    RelationWords, Understood, choice, clauses, completed, detect_language, names, renamed, understand,
};

/// The most facts that one question's answer rests on.
const FACTS: usize = 4096;

/// How many conversations are remembered at once.
const CONVERSATIONS: usize = 10_000;

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
    models: ArcSwap<Vec<Arc<dyn LanguageModel>>>,
    lexicons: Lexicons,
    sessions: Sessions,
    relation_words: RelationWords,
    retriever: Retriever,
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
        // Lists are cut where they are said, and nothing is concluded from one that was cut before.
        let whole =
            RetrieveOptions { max_facts: FACTS, token_budget: usize::MAX, ..RetrieveOptions::default() };
        let retriever = Retriever::new(knowledge.clone(), whole);
        let relation_words = RelationWords::default();
        let models = ArcSwap::from_pointee(models);
        Ok(Self { bot, knowledge, models, lexicons, sessions, relation_words, retriever })
    }

    /// Finds relations by the meaning of a question too, where its words are not theirs.
    #[must_use]
    pub fn with_embedder(mut self, embedder: Arc<dyn TextEmbedder>) -> Self {
        self.retriever = self.retriever.with_embedder(embedder);
        self
    }

    /// Answers in the words of these models from the next message on; one that is being answered ends with the model that it began with.
    ///
    /// # Errors
    /// When there is none.
    pub fn use_models(&self, models: Vec<Arc<dyn LanguageModel>>) -> Result<(), EngineError> {
        if models.is_empty() {
            return Err(EngineError::NoModel);
        }
        self.models.store(Arc::new(models));
        Ok(())
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
        let detected = || detect_language(text, &self.bot.languages, session.language.as_ref());
        let language = session.spoken.clone().unwrap_or_else(detected);
        let lexicon = self.lexicons.of(&language);
        let schema = self.knowledge.schema();
        // Once for the whole message: it is answered by one model, whatever is put in its place meanwhile.
        let models = self.models.load_full();
        let model = models.iter().find(|model| model.speaks(&language));
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
        let reading = Reading { engine: self, schema: &schema, language: &language, lexicon };
        let mut turns: Vec<Turn> = Vec::new();
        for mut turn in reading.turns(text, &mut session, &mut timings).await? {
            let respond = debug_span!("respond", plan = turn.plan.name());
            let had_text = responder.draft.first_token.is_some();
            let begun = started.elapsed();
            turn.is_answered = async {
                match &turn.plan {
                    Plan::Facts(grounds) => {
                        responder.say_facts(&turn.asked, grounds).await;
                        true
                    }
                    Plan::Clarify(ambiguity) => {
                        responder.say_line(question_back(ambiguity, lexicon));
                        false
                    }
                    Plan::Unknown(unknown) => responder.say_unknown(&turn.asked, unknown).await,
                    Plan::Smalltalk(kind) => {
                        responder.make_smalltalk(&turn.asked, *kind).await;
                        false
                    }
                }
            }
            .instrument(respond)
            .await;
            if let (false, Some(first)) = (had_text, responder.draft.first_token) {
                timings.first_token = Some(milliseconds(begun + first));
            }
            turns.push(turn);
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
            values: turns.iter().flat_map(|turn| turn.values(lexicon)).collect(),
            gaps: turns.iter().flat_map(|turn| turn.gaps.clone()).collect(),
            choices: turns.iter().flat_map(|turn| turn.choices(&language)).collect(),
            entities: turns.iter().flat_map(|turn| turn.entities(&language)).collect(),
            policy: self.bot.policy,
            model: model.unwrap_or(&models[0]).identity().clone(),
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

    fn speak(&self, conversation: &ConversationId, language: Option<Language>) {
        // One that the bot does not have would be answered in the words of none.
        let spoken = language.filter(|language| self.lexicons.knows(language));
        let known = self.sessions.known(conversation);
        if known.is_some() || spoken.is_some() {
            self.sessions.put(conversation, Session { spoken, ..known.unwrap_or_default() });
        }
    }

    fn spoken(&self, conversation: &ConversationId) -> Option<Language> {
        self.sessions.known(conversation)?.spoken
    }

    fn forget(&self, conversation: &ConversationId) {
        self.sessions.forget(conversation);
    }
}

/// What a message is read with.
struct Reading<'a> {
    engine: &'a Engine,
    schema: &'a Schema,
    language: &'a Language,
    lexicon: &'a Lexicon,
}

/// A question, understood and grounded.
struct Read {
    asked: String,
    understood: Understood,
    plan: Plan,
}

impl Reading<'_> {
    /// The questions of a message, each with what answers it; the session goes along.
    async fn turns(
        &self,
        text: &str,
        session: &mut Session,
        timings: &mut Timings,
    ) -> Result<Vec<Turn>, EngineError> {
        if let Some((question, meant)) = self.chosen(text, session) {
            let read = self.read(&question, session, Some(&meant), timings).await?;
            let turn = self.turn(0, Vec::new(), read, session);
            return Ok(vec![turn]);
        }
        let mut turns = Vec::new();
        for clause in clauses(text, self.lexicon) {
            let read = self.read(&text[clause.clone()], session, None, timings).await?;
            let mentions = read.understood.mentions.clone();
            let read = match self.completed(&read, session, timings).await? {
                Some(completed) => completed,
                None => read,
            };
            turns.push(self.turn(clause.start, mentions, read, session));
        }
        Ok(turns)
    }

    /// The question that waited, where the message says what a name in it means.
    fn chosen(&self, text: &str, session: &Session) -> Option<(String, Candidate)> {
        let pending = session.pending.as_ref()?;
        let lines: Vec<&str> = pending.meanings.iter().map(|(_, line)| line.as_str()).collect();
        let (entity, _) = pending.meanings.get(choice(text, &lines, self.lexicon)?)?;
        Some((pending.question.clone(), Candidate { entity: entity.clone(), score: 1.0 }))
    }

    /// The last question again, with what the message says instead of a part of it; `None` where that has no answer.
    async fn completed(
        &self,
        read: &Read,
        session: &Session,
        timings: &mut Timings,
    ) -> Result<Option<Read>, EngineError> {
        let Some(last) = &session.asked else { return Ok(None) };
        for question in completed(last, &read.asked, &read.understood) {
            let completed = self.read(&question, session, None, timings).await?;
            if matches!(completed.plan, Plan::Facts(_) | Plan::Clarify(_)) {
                return Ok(Some(completed));
            }
        }
        Ok(None)
    }

    async fn read(
        &self,
        text: &str,
        session: &Session,
        meant: Option<&Candidate>,
        timings: &mut Timings,
    ) -> Result<Read, EngineError> {
        let (engine, lexicon) = (self.engine, self.lexicon);
        let begun = Instant::now();
        let reading = debug_span!("understand", language = %self.language, mentions = Empty);
        let about: Vec<_> = session.focus.iter().map(|entity| entity.id.clone()).collect();
        let mut mentions = engine.knowledge.link_in(text, &about).instrument(reading.clone()).await?;
        let mentions = reading.in_scope(|| {
            if let Some(meant) = meant {
                mentions = renamed(mentions, meant);
            }
            names(mentions, &engine.retriever, self.language)
        });
        timings.link += milliseconds(begun.elapsed());
        let begun = Instant::now();
        let understood = reading.in_scope(|| {
            let relation_words = engine.relation_words.of(self.schema, &lexicon.language);
            understand(text, mentions, self.schema, &relation_words, lexicon)
        });
        reading.record("mentions", understood.mentions.len());
        drop(reading);
        let (knowledge, language) = (engine.knowledge.as_ref(), self.language);
        let sources = Sources { knowledge, retriever: &engine.retriever, language, lexicon };
        let span = debug_span!("ground", plan = Empty, facts = Empty);
        let plan = ground(text, &understood, session, sources).instrument(span.clone()).await?;
        span.record("plan", plan.name());
        if let Plan::Facts(grounds) = &plan {
            span.record("facts", grounds.facts.len());
        }
        drop(span);
        timings.ground += milliseconds(begun.elapsed());
        tracing::debug!(
            %language,
            mentions = understood.mentions.len(),
            unexplained = ?understood.unexplained,
            "grounded"
        );
        Ok(Read { asked: text.to_owned(), understood, plan })
    }

    /// A question as a part of the reply; the session remembers it.
    fn turn(
        &self,
        offset: usize,
        mentions: Vec<loquat_contract::Mention>,
        read: Read,
        session: &mut Session,
    ) -> Turn {
        let Read { asked, understood, plan } = read;
        let mut turn =
            Turn { offset, mentions, asked, understood, plan, gaps: Vec::new(), is_answered: false };
        turn.gaps = turn.gaps(session, self.language);
        *session = turn.remember(std::mem::take(session), self.language);
        turn
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
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
