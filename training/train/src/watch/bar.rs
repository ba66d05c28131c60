//! The progress of a run as a person sees it: a bar with loss, tokens a second and the time left on a terminal, lines elsewhere; all on
//! standard error.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use loquat_finetune::run::Step;
use loquat_finetune::{Event, Observer, PackReport};

use super::words;

/// How often a line is written where there is no terminal.
const PAUSE: Duration = Duration::from_secs(20);
/// How much of the mean loss is that of the steps before the last one.
const SMOOTHING: f64 = 0.9;

/// Draws the progress.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    is_terminal: bool,
    /// The smoothed loss of the steps so far, and how much of it there is.
    loss: (f64, f64),
    told: Option<Instant>,
}

impl Default for Bar {
    fn default() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = if is_terminal { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("[{bar:24}] {pos}/{len} {msg}");
        Self {
            bar: match style {
                Ok(style) => bar.with_style(style.progress_chars("=> ")),
                Err(_) => bar,
            },
            is_terminal,
            loss: (0.0, 0.0),
            told: None,
        }
    }
}

impl Bar {
    fn say(&self, line: &str) {
        let _ignored = self.bar.suspend(|| writeln!(anstream::stderr(), "{line}"));
    }

    fn step(&mut self, step: &Step) {
        let (sum, of) = self.loss;
        self.loss = (sum * SMOOTHING + step.loss * (1.0 - SMOOTHING), of * SMOOTHING + 1.0 - SMOOTHING);
        let text = format!(
            "loss {:.4}, rate {:.2e}, {:.0} tokens/s, {} left",
            self.loss.0 / self.loss.1,
            step.rate,
            step.tokens_per_second,
            words(step.left)
        );
        self.bar.set_position(step.step);
        let is_due = self.told.is_none_or(|told| told.elapsed() >= PAUSE) || step.step == step.total;
        if !self.is_terminal && is_due {
            self.told = Some(Instant::now());
            self.say(&format!("step {} of {}: {text}", step.step, step.total));
        }
        self.bar.set_message(text);
    }
}

impl Observer for Bar {
    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Loaded { on } => self.say(&format!("computing on {on}")),
            Event::Begun { step, total, resumed, train, dev } => {
                self.bar.set_length(*total);
                self.bar.set_position(*step);
                self.say(&format!("learning from {}", documents(train)));
                if let Some(dev) = dev {
                    self.say(&format!("evaluated on {}", documents(dev)));
                }
                if let Some(folder) = resumed {
                    self.say(&format!("going on at step {step} of {total}, from {}", folder.display()));
                }
            }
            Event::Changed { keys } => {
                self.say(&format!("going on with other options than before: {}", keys.join(", ")));
            }
            Event::Damaged { folder, problem } => {
                self.say(&format!("warning: {} cannot be used: {problem}", folder.display()));
            }
            Event::Stepped(step) => self.step(step),
            Event::Evaluating { done, of } => self.bar.set_message(format!("evaluating, {done} of {of}")),
            Event::Evaluated(evaluation) => self.say(&format!(
                "step {}: loss on dev {:.4}, perplexity {:.3}{}",
                evaluation.step,
                evaluation.loss,
                evaluation.loss.exp(),
                if evaluation.is_best { ", the best so far" } else { "" }
            )),
            Event::NotKept { step, problem } => {
                self.say(&format!("warning: what was learnt by step {step} could not be written: {problem}"));
            }
            Event::Published { .. } | Event::Kept { .. } => {}
            _ => {}
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn documents(report: &PackReport) -> String {
    let PackReport { documents, tokens, learnt, computed, dropped, cut, without_target, groups: _ } = report;
    let mut text = format!("{documents} documents of {tokens} tokens, of which {learnt} are learnt");
    if computed < tokens {
        text += &format!("; {computed} are computed, as what begins alike is read once a row");
    }
    for (count, what) in [
        (dropped, "too long and left out"),
        (cut, "too long and cut"),
        (without_target, "left out, having nothing to learn"),
    ] {
        if *count > 0 {
            text += &format!("; {count} {what}");
        }
    }
    text
}
