//! `metrics.jsonl`: a line of JSON for each step and each evaluation. A run that goes on writes steps again that its file has beyond the
//! checkpoint: of steps that come twice, the later ones count.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use loquat_finetune::{Event, Observer};
use serde_json::{Value, json};

/// Its name.
pub(crate) const METRICS: &str = "metrics.jsonl";

/// Appends to `metrics.jsonl`, from when the run begins: before, the file may be another process's.
#[derive(Debug)]
pub struct MetricsFile {
    path: PathBuf,
    file: Option<File>,
    /// Why a line is missing; the run is worth more than its numbers.
    problem: Option<std::io::Error>,
}

impl MetricsFile {
    /// The file of a run's folder.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join(METRICS), file: None, problem: None }
    }

    fn open(&mut self) -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(&self.path)?;
        end_line(&mut file)?;
        self.file = Some(file);
        Ok(())
    }

    /// Why the file lacks lines, where it does.
    pub fn problem(&self) -> Option<String> {
        self.problem.as_ref().map(|problem| format!("{} lacks lines: {problem}", self.path.display()))
    }

    fn write(&mut self, line: &Value) {
        let Some(file) = &mut self.file else { return };
        if let Err(problem) = file.write_all(format!("{line}\n").as_bytes()) {
            self.problem.get_or_insert(problem);
        }
    }
}

/// A process that was killed in the midst of a line must not spoil the next one.
fn end_line(file: &mut File) -> std::io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};

    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(());
    }
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut text)?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    file.set_len(whole as u64)
}

impl Observer for MetricsFile {
    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { .. } => {
                if let Err(problem) = self.open() {
                    self.problem.get_or_insert(problem);
                }
            }
            Event::Stepped(step) => self.write(&json!({
                "step": step.step,
                "epoch": step.epoch,
                "loss": step.loss,
                "rate": step.rate,
                "gradient_norm": step.gradient_norm,
                "tokens": step.tokens,
                "tokens_alone": step.tokens_alone,
                "tokens_per_second": step.tokens_per_second,
                "seconds": step.seconds,
            })),
            Event::Evaluated(evaluation) => self.write(&json!({
                "step": evaluation.step,
                "eval": { "loss": evaluation.loss, "perplexity": evaluation.loss.exp() },
            })),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use loquat_finetune::PackReport;
    use loquat_finetune::run::Evaluation;

    use super::*;

    fn begun(folder: &Path) -> MetricsFile {
        let mut file = MetricsFile::new(folder);
        let train = PackReport::default();
        file.tell(&Event::Begun { step: 0, total: 9, resumed: None, train: &train, dev: None });
        file
    }

    fn evaluated(file: &mut MetricsFile, step: u64) {
        file.tell(&Event::Evaluated(&Evaluation { step, epoch: 0.5, loss: 1.0, is_best: true }));
    }

    #[test]
    fn a_line_that_was_cut_off_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(METRICS);
        evaluated(&mut begun(folder.path()), 1);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"step\": 2, \"lo").unwrap();
        let mut metrics = begun(folder.path());
        evaluated(&mut metrics, 3);
        assert_eq!(metrics.problem(), None);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.iter().map(|line| line["step"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 3]);
        assert!((lines[1]["eval"]["perplexity"].as_f64().unwrap() - 1f64.exp()).abs() < 1e-12);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_said_to_lack_lines() {
        let folder = tempfile::tempdir().unwrap();
        let mut metrics = begun(&folder.path().join("nowhere"));
        evaluated(&mut metrics, 1);
        assert!(metrics.problem().unwrap().contains("lacks lines"));
    }
}
