//! Event files as TensorBoard reads them. In: numbers, texts, pictures and distributions by step. Out: one file a start of a run, in a folder
//! that TensorBoard takes for one run. It must not know what the numbers mean.

mod record;
mod schema;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message as _;

use crate::error::{ReportError, unwritten};
use schema::{
    DataClass, Event, HParamsPluginData, HParamsValue, Image, PluginData, SessionEnd, SessionLog,
    SessionStart, SourceMetadata, Summary, SummaryMetadata, TensorProto, Value, What, hparams_value, session,
};

/// The version of the format that TensorBoard knows; from 2 on, numbers of steps that come twice are kept unless a start says otherwise.
const VERSION: &str = "brain.Event:2";
/// How many buckets a distribution has, as in TensorFlow's `tf.summary.histogram`.
const BUCKETS: usize = 30;
/// How often another name is tried where a file is there already.
const NAMES: u32 = 1000;

/// A setting of a run, for TensorBoard's table of hyperparameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A number.
    Number(f64),
    /// A word.
    Word(String),
    /// Yes or no.
    Switch(bool),
}

/// An event file that is being written. What was written is on disk after [`flush`](Self::flush), and when it is dropped.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventFile {
    /// A new file in a folder, which is made where it is not there. A run that goes on says `from`, the first step that is to come: TensorBoard then
    /// forgets what earlier files say of that step and later ones.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(folder: &Path, from: Option<u64>) -> Result<Self, ReportError> {
        fs::create_dir_all(folder).map_err(unwritten(folder))?;
        let seconds = now() as u64;
        let mut number = 0;
        let (path, file) = loop {
            // TensorBoard reads a folder's files in the order of their names.
            let name = format!("events.out.tfevents.{seconds:010}.loquat.{}.{number}", std::process::id());
            let path = folder.join(name);
            match File::create_new(&path) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < NAMES => {
                    number += 1
                }
                Err(error) => return Err(unwritten(&path)(error)),
            }
        };
        let mut events = Self { path, file: BufWriter::new(file) };
        events.write(Event {
            what: Some(What::FileVersion(VERSION.into())),
            source_metadata: Some(SourceMetadata { writer: "loquat".into() }),
            ..Event::default()
        })?;
        if let Some(step) = from {
            let start = SessionLog { status: session::START, ..SessionLog::default() };
            events.write(Event {
                step: at(step),
                what: Some(What::SessionLog(start)),
                ..Event::default()
            })?;
        }
        events.flush()?;
        Ok(events)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A number. `tag` groups by its part before the first `/`, as in `loss/train`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn scalar(&mut self, step: u64, tag: &str, value: f64) -> Result<(), ReportError> {
        // TensorBoard keeps single precision.
        self.value(step, Value { tag: tag.into(), simple_value: Some(value as f32), ..Value::default() })
    }

    /// A text in Markdown.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn text(&mut self, step: u64, tag: &str, markdown: &str) -> Result<(), ReportError> {
        let metadata = metadata("text", DataClass::Tensor, Vec::new());
        let tensor = TensorProto::text(markdown);
        self.value(
            step,
            Value { tag: tag.into(), tensor: Some(tensor), metadata: Some(metadata), ..Value::default() },
        )
    }

    /// A picture, as the bytes of a PNG file.
    ///
    /// # Errors
    /// When the bytes are no PNG, or it cannot be written.
    pub fn image(&mut self, step: u64, tag: &str, png: &[u8]) -> Result<(), ReportError> {
        let Some((width, height)) = png_size(png) else {
            return Err(ReportError::Picture { tag: tag.into() });
        };
        let image = Image { height, width, colorspace: schema::RGBA, encoded_image_string: png.to_vec() };
        self.value(step, Value { tag: tag.into(), image: Some(image), ..Value::default() })
    }

    /// How values are distributed: buckets of one width from the least to the greatest. Values that are no numbers are left out.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn histogram(&mut self, step: u64, tag: &str, values: &[f64]) -> Result<(), ReportError> {
        let buckets = buckets(values);
        let rows = buckets.len();
        let tensor = TensorProto::doubles(buckets.into_iter().flatten().collect(), &[rows, 3]);
        let metadata = metadata("histograms", DataClass::Tensor, Vec::new());
        self.value(
            step,
            Value { tag: tag.into(), tensor: Some(tensor), metadata: Some(metadata), ..Value::default() },
        )
    }

    /// The settings of the run, with a name for it: a line of TensorBoard's table of hyperparameters, beside this file's numbers.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn settings(&mut self, name: &str, settings: &[(String, Setting)]) -> Result<(), ReportError> {
        let hparams: HashMap<String, HParamsValue> =
            settings.iter().map(|(name, setting)| (name.clone(), setting.into())).collect();
        let start = SessionStart { hparams, group_name: name.into(), start_time_secs: now() };
        let content = HParamsPluginData { session_start_info: Some(start), ..HParamsPluginData::default() };
        self.plugin("_hparams_/session_start_info", &content)
    }

    /// The run that [`settings`](Self::settings) began came to its end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn settled(&mut self) -> Result<(), ReportError> {
        let end = SessionEnd { status: schema::SUCCESS, end_time_secs: now() };
        let content = HParamsPluginData { session_end_info: Some(end), ..HParamsPluginData::default() };
        self.plugin("_hparams_/session_end_info", &content)
    }

    /// Hands what was written to the operating system, where TensorBoard sees it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> Result<(), ReportError> {
        self.file.flush().map_err(unwritten(&self.path))
    }

    fn plugin(&mut self, tag: &str, content: &HParamsPluginData) -> Result<(), ReportError> {
        let metadata = metadata("hparams", DataClass::Unknown, content.encode_to_vec());
        let tensor = TensorProto::nothing();
        self.value(
            0,
            Value { tag: tag.into(), tensor: Some(tensor), metadata: Some(metadata), ..Value::default() },
        )
    }

    fn value(&mut self, step: u64, value: Value) -> Result<(), ReportError> {
        let summary = Summary { value: vec![value] };
        self.write(Event { step: at(step), what: Some(What::Summary(summary)), ..Event::default() })
    }

    fn write(&mut self, event: Event) -> Result<(), ReportError> {
        let event = Event { wall_time: now(), ..event };
        record::write(&mut self.file, &event.encode_to_vec()).map_err(unwritten(&self.path))
    }
}

impl From<&Setting> for HParamsValue {
    fn from(setting: &Setting) -> Self {
        let kind = match setting {
            Setting::Number(number) => hparams_value::Kind::Number(*number),
            Setting::Word(word) => hparams_value::Kind::Word(word.clone()),
            Setting::Switch(on) => hparams_value::Kind::Switch(*on),
        };
        Self { kind: Some(kind) }
    }
}

fn metadata(plugin: &str, class: DataClass, content: Vec<u8>) -> SummaryMetadata {
    let plugin_data = Some(PluginData { plugin_name: plugin.into(), content });
    SummaryMetadata { plugin_data, data_class: class as i32, ..SummaryMetadata::default() }
}

/// A step as the format has it.
fn at(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

/// Seconds since 1970; 0 where the clock stands before it.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Width and height, which stand in the first chunk (PNG specification, section 11.2.1).
fn png_size(png: &[u8]) -> Option<(i32, i32)> {
    let head = png.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let number = |from: usize| Some(u32::from_be_bytes(head.get(from..from + 4)?.try_into().ok()?));
    (head.get(4..8)? == b"IHDR").then_some(())?;
    Some((i32::try_from(number(8)?).ok()?, i32::try_from(number(12)?).ok()?))
}

/// Rows of the lower edge, the upper edge and the count.
fn buckets(values: &[f64]) -> Vec<[f64; 3]> {
    let numbers = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = numbers()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let count = numbers().count();
    if count == 0 {
        return Vec::new();
    }
    let width = (high - low) / BUCKETS as f64;
    if width <= 0.0 || !width.is_finite() {
        // All are one value: as TensorFlow does, a bucket of width 1 around it.
        return vec![[low - 0.5, low + 0.5, count as f64]];
    }
    let edge = |at: usize| if at == BUCKETS { high } else { low + at as f64 * width };
    let mut rows: Vec<[f64; 3]> = (0..BUCKETS).map(|at| [edge(at), edge(at + 1), 0.0]).collect();
    for value in numbers() {
        let at = (((value - low) / width) as usize).min(BUCKETS - 1);
        rows[at][2] += 1.0;
    }
    rows
}

#[cfg(test)]
mod tests;
