//! Texts and pieces.

use loquat_contract::Constraint;
use proptest::prelude::*;

use super::{Model, one_of, pieces};
use crate::InferenceError;
use crate::constrain::Ending;

/// Whether `text` is put together from `pieces` and one of `ends`; by trying all ways.
fn accepts(pieces: &[String], ends: &[String], text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut reached = vec![false; bytes.len() + 1];
    reached[0] = true;
    for at in 0..bytes.len() {
        if reached[at] {
            for piece in pieces.iter().filter(|piece| bytes[at..].starts_with(piece.as_bytes())) {
                reached[at + piece.len()] = true;
            }
        }
    }
    (0..=bytes.len()).any(|at| reached[at] && ends.iter().any(|end| end.as_bytes() == &bytes[at..]))
}

/// Words that begin like each other, in several scripts.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ath ]{1,4}",
        "[不丹首都。]{1,3}",
        "[🐉👩🇧🇹]{1,2}",
        Just("👩‍👩‍👧".to_owned()),
        Just(" the".to_owned()),
        Just("the".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_written_is_allowed(
        parts in prop::collection::vec(word(), 0..6),
        ends in prop::collection::vec(word(), 1..4),
        seed: u64,
        force: bool,
        byte_level: bool,
    ) {
        let model = if byte_level { Model::byte_level() } else { Model::sentencepiece() };
        let constraint = Constraint::Pieces { pieces: parts.clone(), ends: ends.clone() };
        if let Some(text) = model.write(&constraint, seed, force) {
            prop_assert!(accepts(&parts, &ends, &text), "{text:?}");
        }
        let text = model.write(&Constraint::OneOf(ends.clone()), seed, force);
        prop_assert!(ends.contains(&text.clone().unwrap()), "{text:?}");
    }

    #[test]
    fn what_is_allowed_can_be_written(
        parts in prop::collection::vec(word(), 1..6),
        ends in prop::collection::vec(word(), 1..4),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        end: prop::sample::Index,
        tokens in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        byte_level: bool,
    ) {
        let model = if byte_level { Model::byte_level() } else { Model::sentencepiece() };
        let mut text: String = order.iter().map(|piece| piece.get::<String>(&parts).as_str()).collect();
        text.push_str(end.get::<String>(&ends));
        let constraint = Constraint::Pieces { pieces: parts, ends };
        let mut at = 0;
        let choice = |count| {
            at += 1;
            tokens[at % tokens.len()].index(count)
        };
        prop_assert!(model.writes(&constraint, &text, choice), "{text:?}");
        let all = Constraint::OneOf(vec![text.clone(), format!("{text}s"), "the".to_owned()]);
        prop_assert!(model.writes(&all, &text, |count| count - 1), "{text:?}");
    }
}

#[test]
fn shorter_text_may_go_on_to_a_longer_one() {
    let model = Model::byte_level();
    let constraint = one_of(&["Paris", "Parisian"]);
    let mut mask = model.mask(&constraint);
    assert_eq!(mask.ending(), Ending::Forbidden);
    for id in model.tokenizer.encode("Paris").unwrap() {
        mask.commit(id).unwrap();
    }
    assert_eq!(mask.ending(), Ending::Allowed);
    let allowed = mask.mask().unwrap().to_list();
    assert_eq!(allowed.len(), 2);
    assert!(allowed.contains(&model.eos) && allowed.contains(&model.tokenizer.encode("i").unwrap()[0]));
    for id in model.tokenizer.encode("ian").unwrap() {
        mask.commit(id).unwrap();
    }
    assert_eq!(mask.ending(), Ending::Forced);
    assert_eq!(mask.mask().unwrap().to_list(), [model.eos]);
}

#[test]
fn a_token_may_run_over_the_end_of_a_piece() {
    let model = Model::byte_level();
    let mut mask = model.mask(&pieces(&["t", "h"], &["."]));
    assert!(mask.mask().unwrap().is_allowed(256), "`th` is two pieces");
    mask.commit(256).unwrap();
    // No text but `.` can end it.
    assert_eq!(mask.ending(), Ending::Forbidden);
    assert!(!mask.mask().unwrap().is_allowed(model.eos));
}

#[test]
fn marks_are_never_text() {
    let model = Model::byte_level();
    let end = "<|im_end|>";
    let mask = model.mask(&one_of(&[end])).mask().unwrap().to_list();
    assert_eq!(mask, model.tokenizer.encode("<").unwrap());
    assert_eq!(model.write(&one_of(&[end]), 1, true).as_deref(), Some(end));
}

#[test]
fn forced_tokens_are_the_tokenizers_own() {
    let model = Model::byte_level();
    let mut mask = model.mask(&one_of(&["the 不丹"]));
    assert_eq!(mask.forced(), model.tokenizer.encode("the 不丹").unwrap());
    // At a choice nothing is forced, and a token that leads into it is left to the model: `th` may follow.
    let mut mask = model.mask(&one_of(&["bath", "bat."]));
    assert_eq!(mask.forced(), model.tokenizer.encode("ba").unwrap());
    for id in mask.forced() {
        mask.commit(id).unwrap();
    }
    assert!(mask.forced().is_empty());
    assert_eq!(mask.mask().unwrap().num_set(), 2);
    // Behind a space that SentencePiece puts there itself.
    let model = Model::sentencepiece();
    let mut mask = model.mask(&one_of(&["ab the 不丹"]));
    assert_eq!(model.text(&mask.forced()), "ab the 不丹");
    // `a`, `b`, `▁the`, `▁`, `不丹`.
    assert_eq!(mask.forced().len(), 5);
}

#[test]
fn empty_text_ends_at_once() {
    let model = Model::byte_level();
    assert_eq!(model.mask(&one_of(&[""])).ending(), Ending::Forced);
    assert_eq!(model.mask(&one_of(&["", "a"])).ending(), Ending::Allowed);
    assert_eq!(model.mask(&pieces(&["a", ""], &[""])).ending(), Ending::Allowed);
    assert!(model.writes(&pieces(&["a", ""], &[""]), "aaa", |_| 0));
}

#[test]
fn what_allows_nothing_is_refused() {
    let model = Model::byte_level();
    for constraint in [one_of(&[]), pieces(&["a"], &[])] {
        let error = model.compiler.compile(&constraint).err().unwrap();
        assert!(matches!(error, InferenceError::Constraint { .. }));
        assert!(error.to_string().contains("give at least one that ends it"), "{error}");
    }
    let long = one_of(&[&"a".repeat(2 << 20)]);
    assert!(matches!(model.compiler.compile(&long).err(), Some(InferenceError::Constraint { .. })));
}

#[test]
fn tokens_that_are_not_allowed_are_not_taken() {
    let model = Model::byte_level();
    let stuck = |id| {
        let error = model.mask(&one_of(&["yes", "no"])).commit(id).unwrap_err();
        assert!(matches!(error, InferenceError::Stuck { .. }));
        assert!(error.to_string().contains(r#"one of the texts ["yes", "no"]"#), "{error}");
    };
    stuck(model.tokenizer.encode("a").unwrap()[0]);
    stuck(model.eos);
    stuck(400);
    stuck(u32::MAX);
}

#[test]
fn a_vocabulary_without_the_words_is_stuck() {
    let model = Model::wordpiece();
    assert_eq!(model.write(&one_of(&[" paris.", " the london"]), 3, false).as_deref(), Some(" paris."));
    assert_eq!(model.write(&one_of(&[" the lons"]), 3, true).as_deref(), Some(" the lons"));
    assert_eq!(
        model.write(&Constraint::Regex(" the (lon)?dons".to_owned()), 3, true).as_deref(),
        Some(" the londons")
    );
    for constraint in [one_of(&[" rome"]), Constraint::Regex(" rome".to_owned())] {
        let error = model.mask(&constraint).mask().err().unwrap();
        assert!(matches!(error, InferenceError::Stuck { .. }), "{error}");
        assert!(error.to_string().contains("rome"), "{error}");
    }
}

#[test]
fn threads_share_what_a_model_has() {
    let model = Model::byte_level();
    let constraint = one_of(&["the 不丹", "🐉"]);
    let written: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|seed| {
                scope.spawn({
                    let (model, constraint) = (&model, &constraint);
                    move || model.write(constraint, seed, true).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(written.iter().all(|text| ["the 不丹", "🐉"].contains(&text.as_str())), "{written:?}");
}
