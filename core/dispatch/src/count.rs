//! What was said is counted. In: a reply that is in the journal. Out: counters of outcomes, verdicts and whose words they are in, through
//! the `metrics` facade. No text, no name and no id becomes a label.

use loquat_contract::{Outcome, Prepared, Verdict, Wording};
use metrics::counter;

/// Counts what somebody thinks of a reply: `good`, `bad`, `text`, or `taken_back`.
pub(crate) fn feedback(verdict: &'static str) {
    counter!("loquat_feedback_total", "verdict" => verdict).increment(1);
}

/// Counts somebody who wants to talk to a person.
pub(crate) fn human() {
    counter!("loquat_human_total").increment(1);
}

/// Counts a reply, an explanation, or what was said in place of a reply.
pub(crate) fn prepared(prepared: &Prepared) {
    if prepared.again.is_some() {
        let outcome = if prepared.reply.is_some() { "other" } else { "same" };
        counter!("loquat_retries_total", "outcome" => outcome).increment(1);
    }
    let Some(reply) = &prepared.reply else {
        if prepared.explains.is_some() {
            counter!("loquat_explanations_total").increment(1);
        }
        if prepared.failure.is_some() {
            counter!("loquat_unanswered_total").increment(1);
        }
        return;
    };
    counter!("loquat_replies_total", "outcome" => outcome(reply.outcome)).increment(1);
    for sentence in &reply.sentences {
        let (verdict, wording) = (verdict(sentence.verdict), wording(sentence.wording));
        counter!("loquat_sentences_total", "verdict" => verdict, "wording" => wording).increment(1);
    }
    counter!("loquat_gaps_total").increment(reply.gaps.len() as u64);
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Abstained => "abstained",
        Outcome::Clarified => "clarified",
        Outcome::Smalltalk => "smalltalk",
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Supported => "supported",
        Verdict::Contradicted => "contradicted",
        Verdict::Unsupported => "unsupported",
        Verdict::NoClaim => "no_claim",
    }
}

fn wording(wording: Wording) -> &'static str {
    match wording {
        Wording::Model => "model",
        Wording::Constrained => "constrained",
        Wording::Template => "template",
        Wording::Line => "line",
    }
}
