//! Words from a model, sentence by sentence. In: a plan and its evidence. Out: sentences with verdicts, each passed on as soon as it may
//! be shown. Asks the model at most twice, the second time under constraint; what it cannot say, the templates say.

mod constrain;
mod prompt;
mod sentences;

use std::time::{Duration, Instant};

use futures::StreamExt;
use loquat_contract::{
    BoxStream, ChatMessage, Constraint, ConversationId, Fact, FactId, GenerateRequest, LanguageModel,
    ModelError, Policy, Sampling, Sentence, StopReason, Token, TokenCount, Value, Verdict, Wording,
};
use tracing::field::Empty;
use tracing::{Instrument, debug_span};

use crate::ground::{Grounds, Unknown};
use crate::lexicon::{Lexicon, Lines, Smalltalk};
use crate::realise::{Realised, fill, realise};
use crate::verify::Evidence;
use sentences::Splitter;

pub(crate) use prompt::Persona;

/// At most this many facts are put into words by the model.
const WORDED_FACTS: usize = 8;
/// A text of more characters than this is a sentence rather than a name or a code.
const PROSE: usize = 60;
/// Tokens a grounded sentence may take.
const GROUNDED_TOKENS: usize = 128;
/// Sentences that small talk may take.
const SMALLTALK_SENTENCES: usize = 2;
/// Tokens that small talk may take.
const SMALLTALK_TOKENS: usize = 48;

/// What a reply consists of, and what it cost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) sentences: Vec<Sentence>,
    pub(crate) tokens: TokenCount,
    /// From the start of the model's work to its first text.
    pub(crate) first_token: Option<Duration>,
}

/// Writes one reply.
pub(crate) struct Responder<'a> {
    /// `None` where no model speaks the language: then the templates speak.
    pub(crate) model: Option<&'a dyn LanguageModel>,
    pub(crate) conversation: &'a ConversationId,
    pub(crate) persona: Persona<'a>,
    pub(crate) policy: Policy,
    pub(crate) sampling: &'a Sampling,
    pub(crate) lexicon: &'a Lexicon,
    /// Called with each sentence that may be shown.
    pub(crate) show: &'a mut (dyn FnMut(&Sentence) + Send),
    pub(crate) draft: Draft,
    /// How many sentences the message's earlier questions took.
    pub(crate) begun: usize,
}

/// One request to the model, and what its sentences are checked against.
struct Attempt<'a> {
    messages: Vec<ChatMessage>,
    /// How the reply begins.
    prefill: String,
    max_tokens: usize,
    constraint: Option<Constraint>,
    evidence: &'a Evidence<'a>,
    grounds: Option<&'a Grounds>,
}

impl<'a> Attempt<'a> {
    fn new(
        messages: Vec<ChatMessage>,
        max_tokens: usize,
        evidence: &'a Evidence<'a>,
        grounds: Option<&'a Grounds>,
    ) -> Self {
        Self { messages, prefill: String::new(), max_tokens, constraint: None, evidence, grounds }
    }
}

/// Whether to go on reading the model.
enum Next {
    Continue,
    Enough,
}

impl Responder<'_> {
    /// Says the facts: in the model's words where they pass, else in the templates'.
    pub(crate) async fn say_facts(&mut self, question: &str, grounds: &Grounds) {
        self.begin();
        let realised: Vec<Realised> =
            grounds.groups.iter().filter_map(|group| realise(&grounds.facts, group, self.lexicon)).collect();
        let groups: Vec<Vec<usize>> = grounds.groups.iter().map(|group| group.facts.clone()).collect();
        let said: Vec<&str> = realised.iter().map(|sentence| sentence.text.as_str()).collect();
        let evidence = Evidence::new(&grounds.facts, groups, self.lexicon)
            .or_as_realised(&said)
            .concluding(&grounds.groups);
        if is_for_the_model(grounds) {
            let messages = prompt::grounded(self.lexicon, &self.persona, &said, question);
            let free = Attempt::new(messages.clone(), GROUNDED_TOKENS, &evidence, Some(grounds));
            self.attempt(free).await;
            if self.policy == Policy::Strict && self.own().is_empty() {
                let head = match realised.as_slice() {
                    [only] => only.head.clone().unwrap_or_default(),
                    _ => String::new(),
                };
                let constraint = Some(constrain::to_the_facts(grounds, !head.is_empty(), self.lexicon));
                let again = Attempt::new(messages, GROUNDED_TOKENS, &evidence, Some(grounds));
                self.attempt(Attempt { prefill: head, constraint, ..again }).await;
            }
        }
        let own = self.own();
        // A reply that is marked doubtful gets the facts beside it; any other is left as the model wrote it.
        let is_left = match self.policy {
            Policy::Strict => false,
            Policy::Hedged => !own.is_empty() && !own.iter().any(|sentence| sentence.verdict.is_doubtful()),
            Policy::Open => !own.is_empty(),
        };
        if is_left {
            return;
        }
        for (group, sentence) in grounds.groups.iter().zip(realised) {
            if !self.has_said(grounds, &group.facts) {
                let facts = group.facts.iter().map(|index| grounds.facts[*index].id.clone()).collect();
                let spans = evidence.check(&sentence.text).spans;
                let said = Sentence::new(sentence.text, Verdict::Supported, facts);
                self.emit(Sentence { wording: Wording::Template, spans, ..said });
            }
        }
        if !grounds.is_complete {
            self.emit(Sentence::line(self.lexicon.lines.unknown_rest.clone()));
        }
    }

    /// Says that the graph does not say; under a policy other than strict, the model may say what it believes, marked. Whether it did.
    pub(crate) async fn say_unknown(&mut self, question: &str, unknown: &Unknown) -> bool {
        self.begin();
        if self.policy != Policy::Strict {
            let messages = prompt::open(self.lexicon, &self.persona, question);
            let evidence = Evidence::new(&[], Vec::new(), self.lexicon);
            self.attempt(Attempt::new(messages, GROUNDED_TOKENS, &evidence, None)).await;
        }
        let is_believed = !self.own().is_empty();
        if !is_believed {
            let lines = &self.lexicon.lines;
            let text = match unknown {
                Unknown::Everything => lines.unknown.clone(),
                Unknown::Name(name) => fill(&lines.unknown_name, &[("name", name)]),
                Unknown::Relation(entity) => fill(
                    &lines.unknown_relation,
                    &[("name", &entity.name_in_sentence(&self.lexicon.language))],
                ),
            };
            self.emit(Sentence::line(text));
        }
        is_believed
    }

    /// Says a line of the bot's own, such as what it asks back.
    pub(crate) fn say_line(&mut self, text: String) {
        self.begin();
        self.emit(Sentence::line(text));
    }

    /// Makes conversation. Who the bot is and what it can do are its owner's words, never the model's.
    pub(crate) async fn make_smalltalk(&mut self, text: &str, kind: Smalltalk) {
        self.begin();
        if !matches!(kind, Smalltalk::Identity | Smalltalk::Ability) {
            let messages = prompt::smalltalk(self.lexicon, &self.persona, text);
            let evidence = Evidence::none(self.persona.bot, self.lexicon);
            self.attempt(Attempt::new(messages, SMALLTALK_TOKENS, &evidence, None)).await;
        }
        if self.own().is_empty() {
            let line = line_for(&self.lexicon.lines, kind);
            self.emit(Sentence::line(fill(line, &[("bot", self.persona.bot)])));
        }
    }

    /// Has the model answer once and passes on what may be shown. Where the model fails, the templates go on without it.
    async fn attempt(&mut self, attempt: Attempt<'_>) {
        let Some(model) = self.model else { return };
        let max_tokens = self.sampling.max_tokens.min(attempt.max_tokens);
        let request = GenerateRequest {
            messages: attempt.messages.clone(),
            prefill: attempt.prefill.clone(),
            sampling: Sampling { max_tokens, ..self.sampling.clone() },
            constraint: attempt.constraint.clone(),
            conversation: Some(self.conversation.clone()),
            ..GenerateRequest::default()
        };
        let generate = debug_span!(
            "generate",
            model = model.identity().name,
            constrained = attempt.constraint.is_some(),
            prompt_tokens = Empty,
            completion_tokens = Empty
        );
        let before = self.draft.tokens;
        let read = self.read(model.generate(request), &attempt).instrument(generate.clone()).await;
        generate.record("prompt_tokens", self.draft.tokens.prompt - before.prompt);
        generate.record("completion_tokens", self.draft.tokens.completion - before.completion);
        if let Err(error) = read {
            tracing::error!(%error, "the model failed; the reply is made without it");
        }
    }

    /// Reads a stream, sentence by sentence, until nothing more is wanted of it.
    async fn read(
        &mut self,
        mut stream: BoxStream<'static, Result<Token, ModelError>>,
        attempt: &Attempt<'_>,
    ) -> Result<(), ModelError> {
        let started = Instant::now();
        let mut splitter = Splitter::new(&attempt.prefill);
        let mut pieces = 0;
        while let Some(token) = stream.next().await {
            match token? {
                Token::Prompt(tokens) => self.draft.tokens.prompt += tokens,
                Token::Text(text) => {
                    self.draft.first_token.get_or_insert_with(|| started.elapsed());
                    pieces += 1;
                    for sentence in splitter.push(&text) {
                        if let Next::Enough = self.consider(sentence, attempt) {
                            // Dropping the stream stops the model, which then counts no tokens; its pieces are near enough.
                            self.draft.tokens.completion += pieces;
                            return Ok(());
                        }
                    }
                }
                Token::Logprob { .. } => {}
                Token::Finish(finish) => {
                    self.draft.tokens.completion += finish.completion;
                    // A sentence that the limit cut off is none.
                    if finish.reason == StopReason::End
                        && let Some(rest) = splitter.take()
                    {
                        self.consider(rest, attempt);
                    }
                }
            }
        }
        Ok(())
    }

    fn consider(&mut self, text: String, attempt: &Attempt<'_>) -> Next {
        let verify = debug_span!("verify", verdict = Empty);
        let finding = verify.in_scope(|| attempt.evidence.check(&text));
        verify.record("verdict", tracing::field::debug(finding.verdict));
        drop(verify);
        tracing::debug!(sentence = %text, verdict = ?finding.verdict, reason = ?finding.reason, "verified");
        let found = Sentence::new(text, finding.verdict, finding.facts);
        let is_free = attempt.constraint.is_none();
        let wording = if is_free { Wording::Model } else { Wording::Constrained };
        let sentence = Sentence { wording, spans: finding.spans, ..found };
        match (self.policy, attempt.grounds) {
            // Under `strict` a grounded answer consists of supported sentences that say something new, and nothing else.
            (Policy::Strict, Some(grounds)) => {
                let is_new = sentence.facts.iter().any(|fact| !self.states(fact));
                if sentence.verdict != Verdict::Supported || !is_new {
                    return Next::Enough;
                }
                self.emit(sentence);
                let all_said = grounds.groups.iter().all(|group| self.has_said(grounds, &group.facts));
                if all_said { Next::Enough } else { Next::Continue }
            }
            (Policy::Strict, None) => {
                let is_repeated = self.own().iter().any(|said| said.text == sentence.text);
                if sentence.verdict != Verdict::NoClaim || is_repeated {
                    return Next::Enough;
                }
                self.emit(sentence);
                if self.own().len() < SMALLTALK_SENTENCES { Next::Continue } else { Next::Enough }
            }
            (Policy::Hedged | Policy::Open, _) => {
                self.emit(sentence);
                Next::Continue
            }
        }
    }

    /// Begins with the next question of the message.
    fn begin(&mut self) {
        self.begun = self.draft.sentences.len();
    }

    /// The sentences for the question at hand.
    fn own(&self) -> &[Sentence] {
        &self.draft.sentences[self.begun..]
    }

    fn emit(&mut self, sentence: Sentence) {
        (self.show)(&sentence);
        self.draft.sentences.push(sentence);
    }

    fn supported(&self) -> impl Iterator<Item = &Sentence> {
        self.draft.sentences.iter().filter(|sentence| sentence.verdict == Verdict::Supported)
    }

    fn states(&self, fact: &FactId) -> bool {
        self.supported().any(|sentence| sentence.facts.contains(fact))
    }

    fn has_said(&self, grounds: &Grounds, group: &[usize]) -> bool {
        group.iter().all(|index| self.states(&grounds.facts[*index].id))
    }
}

/// Whether a model should word these facts. A long list is the template's work: a small model loses the thread, and a list that was
/// cut says how much is missing. A text that is a sentence by itself is said as it stands, and so is what follows from several facts.
fn is_for_the_model(grounds: &Grounds) -> bool {
    let is_prose =
        |fact: &Fact| matches!(&fact.object, Value::Text(label) if label.text.chars().count() > PROSE);
    grounds.facts.len() <= WORDED_FACTS
        && grounds.groups.iter().all(|group| group.more == 0 && group.conclusion.is_none())
        && !grounds.facts.iter().any(is_prose)
}

fn line_for(lines: &Lines, kind: Smalltalk) -> &str {
    match kind {
        Smalltalk::Greeting => &lines.greeting,
        Smalltalk::Thanks => &lines.thanks,
        Smalltalk::Goodbye => &lines.goodbye,
        Smalltalk::Wellbeing => &lines.wellbeing,
        Smalltalk::Identity => &lines.identity,
        Smalltalk::Ability => &lines.ability,
        Smalltalk::Other => &lines.other,
    }
}
