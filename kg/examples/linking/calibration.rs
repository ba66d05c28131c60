//! The map from evidence to certainty. In: mentions of the training questions. Out: its knots, and how reliable it is on others.
//!
//! Questions of EntityQuestions, with a tenth of the subjects not in the graph, a slip in 20 % of the names, and 15 % of
//! the questions in lower case. A mention counts that overlaps the subject's name: of the others nobody said whether they are
//! right. The map is an isotonic regression (pool adjacent violators; Zadrozny and Elkan 2002); how reliable it is on the
//! development questions is told by the expected calibration error (Naeini, Cooper and Hauskrecht 2015).

use loquat_kg::Graph;

use super::cases::{Case, hash};
use super::sets::{english, reduced};
use super::slips::{SLIPS, slipped};
use super::{Failure, Options};

/// A mention: its evidence, its certainty as of now, and whether it means the subject.
type Judged = (f64, f64, bool);

#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
pub(crate) fn calibrate(options: &Options) -> Result<(), Failure> {
    let Some((facts, training)) = english(options, "train.jsonl.gz")? else { return Ok(()) };
    let Some((_, development)) = english(options, "dev.jsonl.gz")? else { return Ok(()) };
    let (_folder, graph) = reduced(&facts)?;
    let mut judged = judge(&graph, &training);
    judged.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!("\n## Calibration\n\nKnots from {} mentions of the training questions:\n", judged.len());
    println!("| evidence | mentions | right |\n|---|---|---|");
    for (evidence, count, right) in isotonic(&judged) {
        println!("| {evidence:.3} | {count} | {right:.3} |");
    }
    let held = judge(&graph, &development);
    println!("\nCertainty on {} mentions of the development questions:\n", held.len());
    println!("| certainty | mentions | mean certainty | right |\n|---|---|---|---|");
    let mut error = 0.0;
    for bin in 0..10 {
        let low = f64::from(bin) / 10.0;
        let inside = |certainty: f64| certainty >= low && (certainty < low + 0.1 || bin == 9);
        let bin: Vec<&Judged> = held.iter().filter(|(_, certainty, _)| inside(*certainty)).collect();
        if bin.is_empty() {
            continue;
        }
        let count = bin.len() as f64;
        let mean = bin.iter().map(|(_, certainty, _)| certainty).sum::<f64>() / count;
        let right = bin.iter().filter(|(.., right)| *right).count() as f64 / count;
        error += count / held.len() as f64 * (mean - right).abs();
        println!("| {low:.1}–{:.1} | {count} | {mean:.3} | {right:.3} |", low + 0.1);
    }
    println!("\nExpected calibration error: {error:.4}");
    Ok(())
}

fn judge(graph: &Graph, cases: &[Case]) -> Vec<Judged> {
    let mut judged = Vec::new();
    for case in cases {
        let case = spoilt(case);
        let linked = graph.linked(&case.text, &[]);
        for (mention, evidence) in linked.mentions.iter().zip(linked.evidence) {
            if mention.range.start < case.range.end && case.range.start < mention.range.end {
                let certainty: f32 = mention.candidates.iter().map(|candidate| candidate.score).sum();
                let right =
                    mention.candidates.iter().any(|candidate| candidate.entity.id.as_str() == case.gold);
                judged.push((f64::from(evidence), f64::from(certainty), right));
            }
        }
    }
    judged
}

/// The question as people might write it.
fn spoilt(case: &Case) -> Case {
    let seed = hash(&format!("spoilt {}", case.text));
    let slip = SLIPS[(seed / 20 % 4) as usize];
    let slip = |case: &Case| slipped(&case.text[case.range.clone()], slip).map(|name| case.respelt(&name));
    let lower = |case: &Case| case.changed(str::to_lowercase);
    let spoilt = match seed % 20 {
        0..3 => slip(case),
        3..5 => lower(case),
        5 => slip(case).as_ref().and_then(lower),
        _ => None,
    };
    spoilt.unwrap_or_else(|| case.clone())
}

/// Mean evidence, count and share of right ones of blocks in which the share never falls. Starts from groups of one hundredth.
fn isotonic(judged: &[Judged]) -> Vec<(f64, usize, f64)> {
    let mut blocks: Vec<(f64, usize, f64)> = Vec::new();
    for group in judged.chunk_by(|a, b| (a.0 * 50.0).floor() == (b.0 * 50.0).floor()) {
        let count = group.len();
        let evidence = group.iter().map(|(evidence, ..)| evidence).sum::<f64>() / count as f64;
        let right = group.iter().filter(|(.., right)| *right).count() as f64 / count as f64;
        blocks.push((evidence, count, right));
        while let [.., (x, n, p), (y, m, q)] = blocks[..] {
            if p <= q {
                break;
            }
            let (n_, m_) = (n as f64, m as f64);
            let merged = ((x * n_ + y * m_) / (n_ + m_), n + m, (p * n_ + q * m_) / (n_ + m_));
            blocks.truncate(blocks.len() - 2);
            blocks.push(merged);
        }
    }
    blocks
}
