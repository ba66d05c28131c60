//! The event file of a run, for TensorBoard. In: its events. Out: numbers by step.

use std::path::{Path, PathBuf};

use loquat_finetune::{Event, Observer};
use loquat_report::events::Setting;
use loquat_report::{EventFile, ReportError};

/// Writes an event file into a run's folder, a new one each time that the run goes on.
#[derive(Debug)]
pub struct Board {
    folder: PathBuf,
    name: String,
    settings: Vec<(String, Setting)>,
    file: Option<EventFile>,
    /// Why numbers are missing; the run is worth more than they are.
    problem: Option<String>,
}

impl Board {
    /// For a run's folder. TensorBoard has the settings in its table of hyperparameters, under the name.
    pub fn new(folder: &Path, name: &str, settings: Vec<(String, Setting)>) -> Self {
        let folder = folder.to_owned();
        Self { folder, name: name.to_owned(), settings, file: None, problem: None }
    }

    /// Why the file lacks numbers, where it does.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Adds texts and pictures once the run is over.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn add(
        &mut self,
        write: impl FnOnce(&mut EventFile) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => EventFile::create(&self.folder, None)?,
        };
        write(&mut file)?;
        file.flush()
    }

    fn begin(&mut self, step: u64, is_resumed: bool) -> Result<(), ReportError> {
        // A run that begins may have begun before, and have ended without a checkpoint: what it said then holds no more.
        let from = if is_resumed { step + 1 } else { 0 };
        let mut file = EventFile::create(&self.folder, Some(from))?;
        if !self.settings.is_empty() {
            file.settings(&self.name, &self.settings)?;
        }
        file.flush()?;
        self.file = Some(file);
        Ok(())
    }

    fn write(&mut self, event: &Event<'_>) -> Result<(), ReportError> {
        if let Event::Begun { step, resumed, .. } = event {
            return self.begin(*step, resumed.is_some());
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        match event {
            Event::Stepped(step) => {
                for (tag, value) in [
                    ("loss/train", step.loss),
                    ("optimiser/learning_rate", step.rate),
                    ("optimiser/gradient_norm", step.gradient_norm),
                    ("speed/tokens_per_second", step.tokens_per_second),
                    ("progress/epoch", step.epoch),
                ] {
                    file.scalar(step.step, tag, value)?;
                }
                Ok(())
            }
            Event::Evaluated(evaluation) => {
                file.scalar(evaluation.step, "loss/dev", evaluation.loss)?;
                file.scalar(evaluation.step, "perplexity/dev", evaluation.loss.exp())?;
                file.flush()
            }
            Event::Kept { .. } => file.flush(),
            _ => Ok(()),
        }
    }
}

impl Observer for Board {
    fn tell(&mut self, event: &Event<'_>) {
        if let Err(problem) = self.write(event) {
            self.problem.get_or_insert_with(|| problem.to_string());
        }
    }
}
