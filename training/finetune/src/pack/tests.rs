//! Packing changes nothing of what is learnt.

use proptest::prelude::*;

use super::*;

fn limits(row_tokens: usize, batch_tokens: usize) -> Limits {
    Limits { row_tokens, batch_tokens, too_long: TooLong::Drop }
}

/// A dialogue: `read` tokens that are read, the rest of them learnt.
fn document(tokens: &[u32], read: usize) -> Document {
    let weights = (0..tokens.len()).map(|at| if at < read { 0.0 } else { 1.0 }).collect();
    Document { tokens: tokens.to_vec(), weights, ..Document::default() }
}

/// `count` dialogues that begin with `prompt`, and then have `own` tokens each, of which the last two are learnt.
fn dialogues(prompt: &[u32], count: u32, own: usize) -> Vec<Document> {
    let dialogue = |number: u32| {
        let mut tokens = prompt.to_vec();
        tokens.push(1000 + number);
        tokens.extend((1..own as u32).map(|at| (number * 7 + at) % 50));
        document(&tokens, tokens.len() - 2)
    };
    (0..count).map(dialogue).collect()
}

/// What is learnt of a batch, as (all tokens that are seen, target).
fn learnt(batch: &Batch) -> Vec<(Vec<u32>, u32)> {
    let mut learnt = Vec::new();
    for row in &batch.rows {
        for (number, &begin) in row.documents.iter().enumerate() {
            let end = row.documents.get(number + 1).copied().unwrap_or(row.tokens.len());
            for at in begin..end {
                if row.weights[at] != 0.0 {
                    let seen = [&row.tokens[..row.prefix], &row.tokens[begin..=at]].concat();
                    learnt.push((seen, row.targets[at]));
                }
            }
        }
        assert!(row.weights[..row.prefix].iter().all(|weight| *weight == 0.0));
    }
    learnt
}

/// The same of documents that stand alone.
fn learnt_alone(documents: &[Document]) -> Vec<(Vec<u32>, u32)> {
    let mut learnt = Vec::new();
    for document in documents {
        for at in 1..document.len() {
            if document.weights[at] != 0.0 {
                learnt.push((document.tokens[..at].to_vec(), document.tokens[at]));
            }
        }
    }
    learnt.sort();
    learnt
}

fn all(pack: &Pack, plan: &[Vec<RowPlan>]) -> Vec<(Vec<u32>, u32)> {
    let mut all: Vec<_> = plan.iter().flat_map(|rows| learnt(&pack.batch(rows))).collect();
    all.sort();
    all
}

#[test]
fn a_shared_prompt_is_read_once_a_row() {
    let prompt: Vec<u32> = (100..180).collect();
    let documents = dialogues(&prompt, 40, 20);
    let pack = Pack::new(documents.clone(), limits(200, 400)).unwrap();
    let report = pack.report();
    assert_eq!((report.groups, report.tokens, report.computed), (1, 4000, 7 * 80 + 40 * 20));
    let plan = pack.epoch(1, 0);
    let batches: Vec<Batch> = plan.iter().map(|rows| pack.batch(rows)).collect();
    // Six dialogues of 20 tokens beside the prompt's 80: 7 rows, of which two fill a batch.
    assert_eq!(batches.iter().map(|batch| batch.rows.len()).sum::<usize>(), 7);
    assert_eq!(batches.iter().map(Batch::tokens).sum::<usize>(), 7 * 80 + 40 * 20);
    assert!(batches.iter().flat_map(|batch| &batch.rows).all(|row| row.prefix == 80));
    assert_eq!(plan.iter().map(|rows| pack.tokens_alone(rows)).sum::<usize>(), 4000);
    assert_eq!(all(&pack, &plan), learnt_alone(&documents));
}

#[test]
fn each_bots_prompt_is_its_own_beginning() {
    // Both begin with the same three tokens of the template; one bot's dialogues have examples in addition, of two kinds.
    let first: Vec<u32> = [[1, 2, 3].to_vec(), (100..140).collect()].concat();
    let second: Vec<u32> = [[1, 2, 3].to_vec(), (200..240).collect()].concat();
    let kinds = [[second.clone(), vec![7; 60]].concat(), [second, vec![8; 60]].concat()];
    let mut documents = dialogues(&first, 30, 12);
    documents.extend(dialogues(&kinds[0], 30, 12));
    documents.extend(dialogues(&kinds[1], 30, 12));
    // A text, of which all is learnt, can share nothing.
    documents.push(document(&(0..50).collect::<Vec<_>>(), 1));
    let pack = Pack::new(documents.clone(), limits(256, 256)).unwrap();
    let mut prefixes: Vec<usize> = pack.groups.iter().map(|group| group.prefix).collect();
    prefixes.sort_unstable();
    // The text stands alone in its group.
    assert_eq!(prefixes, [0, 43, 103, 103]);
    let plan = pack.epoch(5, 2);
    assert_eq!(all(&pack, &plan), learnt_alone(&documents));
    assert_ne!(plan, pack.epoch(5, 3));
    assert_eq!(plan, pack.epoch(5, 2));
}

#[test]
fn what_is_too_long_or_teaches_nothing_is_counted() {
    let documents = vec![
        document(&[1, 2, 3, 4], 2),
        document(&[1; 30], 2),
        document(&[1; 30], 25),
        document(&[5, 6, 7], 3),
        document(&[5], 0),
        Document::default(),
    ];
    let drop = Pack::new(documents.clone(), limits(10, 10)).unwrap();
    assert_eq!((drop.report().dropped, drop.report().without_target, drop.report().documents), (2, 3, 1));
    let cut = Limits { too_long: TooLong::Cut, ..limits(10, 10) };
    let cut = Pack::new(documents.clone(), cut).unwrap();
    assert_eq!((cut.report().cut, cut.report().without_target, cut.report().documents), (2, 4, 2));
    assert_eq!(cut.longest(), 10);
    let error = Pack::new(documents[1..3].to_vec(), limits(10, 10)).unwrap_err().to_string();
    assert!(error.contains("2 are too long") && error.contains("longer rows"), "{error}");
    let error = Pack::new(Vec::new(), limits(10, 10)).unwrap_err().to_string();
    assert!(error.contains("the set is empty"), "{error}");
    assert!(matches!(Pack::new(documents, limits(10, 9)), Err(PackError::Limits { .. })));
}

#[test]
fn the_fingerprint_knows_documents_and_limits() {
    let documents = dialogues(&[1, 2, 3], 5, 6);
    let of = |documents: &[Document], limits| Pack::new(documents.to_vec(), limits).unwrap().fingerprint();
    let print = of(&documents, limits(20, 20));
    assert_eq!(print, of(&documents, limits(20, 20)));
    assert_ne!(print, of(&documents, limits(20, 40)));
    assert_ne!(print, of(&documents[1..], limits(20, 20)));
    let mut lighter = documents.clone();
    lighter[2].weights[7] = 0.5;
    assert_ne!(print, of(&lighter, limits(20, 20)));
    let mut distilled = documents.clone();
    distilled[1].distilled = true;
    assert_ne!(print, of(&distilled, limits(20, 20)));
}

#[test]
fn a_row_knows_which_of_its_documents_are_distilled() {
    let mut documents = dialogues(&[1, 2], 2, 6);
    documents[1].distilled = true;
    let pack = Pack::new(documents, limits(40, 40)).unwrap();
    let batch = pack.batch(&pack.in_order()[0]);
    let [row] = batch.rows.as_slice() else { panic!("{batch:?}") };
    assert_eq!(row.documents.len(), 2);
    for token in row.documents[0]..row.tokens.len() {
        assert_eq!(row.is_distilled(token), token >= row.documents[1], "token {token}");
    }
}

proptest! {
    #[test]
    fn packing_changes_nothing_that_is_learnt(
        documents in prop::collection::vec((prop::collection::vec(0u32..3, 2..24), 0usize..24), 1..40),
        row in 24usize..64,
        extra in 0usize..80,
        seed in 0u64..4,
    ) {
        let documents: Vec<_> = documents.into_iter().map(|(tokens, read)| document(&tokens, read)).collect();
        let Ok(pack) = Pack::new(documents.clone(), limits(row, row + extra)) else { return Ok(()) };
        let once: usize = pack.in_order().iter().map(|rows| pack.batch(rows).tokens()).sum();
        prop_assert_eq!(pack.report().computed, once);
        prop_assert!(once <= pack.report().tokens);
        for plan in [pack.epoch(seed, 0), pack.in_order()] {
            prop_assert_eq!(all(&pack, &plan), learnt_alone(&documents));
            for rows in &plan {
                let batch = pack.batch(rows);
                prop_assert!(batch.tokens() <= row + extra && !batch.rows.is_empty());
                for row_of in &batch.rows {
                    prop_assert!(row_of.tokens.len() <= row);
                    prop_assert_eq!(row_of.documents[0], row_of.prefix);
                    prop_assert!(row_of.documents.windows(2).all(|pair| pair[0] < pair[1]));
                    prop_assert!(row_of.documents.iter().all(|&begin| begin < row_of.tokens.len()));
                }
            }
        }
    }
}
