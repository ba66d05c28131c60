//! What PEFT saves. In: the bytes of `adapter_config.json` and `adapter_model.safetensors`. Out: the changed modules
//! with their matrices. Refuses by name whatever is no plain LoRA. It must not know models, nor files.

use std::collections::BTreeMap;
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{ExportError, Result};

/// An adapter, as PEFT saved it.
#[derive(Debug)]
pub struct PeftAdapter<'a> {
    changes: Vec<Change<'a>>,
}

/// The change of one module: `A` `[rank, columns]`, `B` `[rows, rank]`, and the factor of their product.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) module: String,
    pub(crate) columns: usize,
    pub(crate) rank: usize,
    pub(crate) rows: usize,
    factor: f32,
    a: TensorView<'a>,
    b: TensorView<'a>,
}

/// The keys that decide the arithmetic. The rest of the file tells how the adapter was trained.
#[derive(Debug, Deserialize)]
struct Config {
    peft_type: String,
    r: usize,
    lora_alpha: f32,
    #[serde(default)]
    rank_pattern: BTreeMap<String, usize>,
    #[serde(default)]
    alpha_pattern: BTreeMap<String, f32>,
    #[serde(default)]
    use_rslora: bool,
    bias: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// Keys that make something else than a plain LoRA when they are set.
const REFUSED: [&str; 10] = [
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "fan_in_fan_out",
    "lora_bias",
    "modules_to_save",
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
];

impl<'a> PeftAdapter<'a> {
    /// Reads an adapter from the bytes of its two files. `path` is what errors name.
    ///
    /// # Errors
    /// [`ExportError::Json`], [`ExportError::Safetensors`] and [`ExportError::UnsupportedAdapter`], as their names say.
    pub fn parse(path: &Path, config: &[u8], tensors: &'a [u8]) -> Result<Self> {
        let config: Config = serde_json::from_slice(config)
            .map_err(|source| ExportError::Json { path: path.to_owned(), detail: source.to_string() })?;
        let reader = Reader { path, config };
        reader.check_config()?;
        let corrupt = |source: safetensors::SafeTensorError| ExportError::Safetensors {
            path: path.to_owned(),
            detail: source.to_string(),
        };
        let mut halves: BTreeMap<String, [Option<TensorView<'a>>; 2]> = BTreeMap::new();
        for (name, view) in SafeTensors::deserialize(tensors).map_err(corrupt)?.tensors() {
            let ends = [".lora_A.weight", ".lora_B.weight"];
            let half = ends.iter().position(|end| name.ends_with(end));
            let half =
                half.ok_or_else(|| reader.refuse(format!("its tensor `{name}` is no part of a LoRA")))?;
            let module = name.trim_end_matches(ends[half]).to_owned();
            halves.entry(module).or_default()[half] = Some(view);
        }
        if halves.is_empty() {
            return Err(reader.refuse("it changes nothing".to_owned()));
        }
        let changes = halves.into_iter().map(|(module, halves)| reader.change(module, halves));
        Ok(Self { changes: changes.collect::<Result<_>>()? })
    }

    /// The number of modules that are changed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether nothing is changed, which [`parse`](Self::parse) refuses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The largest rank.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.changes.iter().map(|change| change.rank).max().unwrap_or(0)
    }

    pub(crate) fn changes(&self) -> &[Change<'a>] {
        &self.changes
    }
}

impl Change<'_> {
    /// `Aᵀ`, `[columns, rank]`.
    pub(crate) fn down(&self) -> Vec<f32> {
        transposed(&floats(&self.a), self.rank, self.columns)
    }

    /// `factor · Bᵀ`, `[rank, rows]`.
    pub(crate) fn up(&self) -> Vec<f32> {
        let mut values = transposed(&floats(&self.b), self.rows, self.rank);
        values.iter_mut().for_each(|value| *value *= self.factor);
        values
    }
}

/// The reading of one adapter.
struct Reader<'p> {
    path: &'p Path,
    config: Config,
}

impl Reader<'_> {
    fn refuse(&self, detail: String) -> ExportError {
        ExportError::UnsupportedAdapter { path: self.path.to_owned(), detail }
    }

    fn check_config(&self) -> Result<()> {
        if self.config.peft_type != "LORA" {
            return Err(self.refuse(format!("its type is `{}`, not `LORA`", self.config.peft_type)));
        }
        if let Some(bias) = self.config.bias.as_deref().filter(|bias| *bias != "none") {
            return Err(self.refuse(format!("it trains biases (`bias` is `{bias}`)")));
        }
        let set = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(items) => !items.is_empty(),
            Value::Object(items) => !items.is_empty(),
            _ => true,
        };
        // Others than these change the base weights, of which the saved adapter is then what is left.
        let plain = ["gaussian", "eva", "orthogonal"];
        if let Some(Value::String(start)) = self.config.others.get("init_lora_weights")
            && !plain.contains(&start.as_str())
        {
            return Err(
                self.refuse(format!("`init_lora_weights` is `{start}`, which changes the base model"))
            );
        }
        match REFUSED.iter().find(|key| self.config.others.get(**key).is_some_and(set)) {
            Some(key) => Err(self.refuse(format!("`{key}` is set, which is not supported"))),
            None => Ok(()),
        }
    }

    fn change<'a>(&self, module: String, halves: [Option<TensorView<'a>>; 2]) -> Result<Change<'a>> {
        let [Some(a), Some(b)] = halves else {
            return Err(self.refuse(format!("`{module}` has one of `lora_A` and `lora_B` only")));
        };
        for view in [&a, &b] {
            if !matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16) {
                return Err(self.refuse(format!("`{module}` holds numbers of type {:?}", view.dtype())));
            }
        }
        let rank = self.pattern(&self.config.rank_pattern, &module)?.copied().unwrap_or(self.config.r);
        let (columns, rows) = match (a.shape(), b.shape()) {
            (&[down, columns], &[rows, up])
                if down == rank && up == rank && rank > 0 && columns > 0 && rows > 0 =>
            {
                (columns, rows)
            }
            (a, b) => {
                let detail =
                    format!("`{module}` has matrices of shapes {a:?} and {b:?} for a rank of {rank}");
                return Err(self.refuse(detail));
            }
        };
        let alpha = self.pattern(&self.config.alpha_pattern, &module)?.copied();
        let alpha = alpha.unwrap_or(self.config.lora_alpha);
        let by = if self.config.use_rslora { (rank as f32).sqrt() } else { rank as f32 };
        Ok(Change { module, columns, rank, rows, factor: alpha / by, a, b })
    }

    /// The value for a module: its keys are the ends of modules' names. PEFT takes expressions too, which are refused.
    fn pattern<'v, T>(&self, pattern: &'v BTreeMap<String, T>, module: &str) -> Result<Option<&'v T>> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if let Some(key) = pattern.keys().find(|key| key.is_empty() || !key.chars().all(plain)) {
            return Err(self.refuse(format!("the pattern `{key}` is no name of a module")));
        }
        let ends = |key: &str| {
            module.strip_suffix(key).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        let mut matching = pattern.iter().filter(|(key, _)| ends(key));
        let found = matching.next().map(|(_, value)| value);
        match matching.next() {
            Some((key, _)) => Err(self.refuse(format!("`{key}` is not the only pattern for `{module}`"))),
            None => Ok(found),
        }
    }
}

fn floats(view: &TensorView<'_>) -> Vec<f32> {
    let pairs = || view.data().as_chunks::<2>().0.iter();
    match view.dtype() {
        Dtype::F16 => pairs().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
        Dtype::BF16 => pairs().map(|&b| bf16::from_le_bytes(b).to_f32()).collect(),
        _ => view.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
    }
}

/// The columns of a matrix of `rows × columns`, one below the other.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}
