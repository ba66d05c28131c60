//! What was said is counted. In: a reply that is in the journal. Out: counters of outcomes, verdicts and whose words they are in, through
//! the `metrics` facade. No text, no name and no id becomes a label.

use std::time::Duration;

use loquat_contract::{Outcome, Prepared, Settlement, Verdict, Wording};
use metrics::{counter, histogram};

/// Counts an event that the journal has.
pub(crate) fn accepted() {
    counter!("loquat_messages_accepted_total").increment(1);
}

/// Counts an event that nothing is owed to any more.
pub(crate) fn settled(outcome: &'static str) {
    counter!("loquat_messages_total", "outcome" => outcome).increment(1);
}

/// How an event ended, as metrics name it.
pub(crate) fn outcome_of(settlement: &Settlement) -> &'static str {
    match settlement {
        Settlement::Delivered => "delivered",
        Settlement::Noted => "noted",
        Settlement::Merged { .. } => "merged",
        Settlement::Superseded { .. } => "superseded",
        Settlement::Expired { .. } => "expired",
        Settlement::Failed { .. } => "failed",
        Settlement::Unknown { .. } => "unknown",
        Settlement::Discarded => "discarded",
    }
}

/// Takes how long it was from when a message was accepted until the platform had the whole reply.
pub(crate) fn delivered(after: Duration) {
    histogram!("loquat_delivery_seconds").record(after.as_secs_f64());
}

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
    histogram!("loquat_reply_seconds").record(reply.timings.total / 1e3);
    if let Some(first) = reply.timings.first_token {
        histogram!("loquat_first_token_seconds").record(first / 1e3);
    }
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
