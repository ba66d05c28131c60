//! A decoder as a training run sees it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::json;

use super::error::ModelError;
use super::files::{Tensor, Tensors, write, write_bytes};
use super::options::{Learn, LoraOptions};
use super::{ADAPTER, Decoder};
use crate::backend::Backend;
use crate::batch::Batch;
use crate::layer::Parameter;
use crate::layer::parameter::Learning;
use crate::trainee::{Loss, Trainee, Update};

/// What `state.safetensors` has of each tensor.
const KEPT: [&str; 3] = ["value", "first", "second"];

impl<B: Backend> Trainee for Decoder<B> {
    type Error = ModelError;

    fn accumulate(&mut self, batch: &Batch) -> Result<Loss, ModelError> {
        self.pass(batch, true)
    }

    fn evaluate(&mut self, batch: &Batch) -> Result<Loss, ModelError> {
        self.pass(batch, false)
    }

    fn gradient_norm(&mut self) -> Result<f64, ModelError> {
        let (backend, parameters) = self.split();
        let gradients = parameters
            .iter()
            .filter_map(|parameter| Some((&parameter.learning.as_ref()?.gradient, parameter.length())));
        Ok(backend.sums_of_squares(&gradients.collect::<Vec<_>>())?.sqrt())
    }

    fn update(&mut self, update: &Update) -> Result<(), ModelError> {
        let (backend, parameters) = self.split();
        for parameter in parameters {
            parameter.update(backend, update)?;
        }
        Ok(())
    }

    fn forget(&mut self) -> Result<(), ModelError> {
        let (backend, parameters) = self.split();
        for parameter in parameters {
            parameter.forget(backend)?;
        }
        Ok(())
    }

    fn keep(&mut self, folder: &Path) -> Result<(), ModelError> {
        let metadata = HashMap::from([("draws".to_owned(), self.draws.to_string())]);
        let (backend, parameters) = self.split();
        let learning: Vec<_> = parameters.iter().filter(|parameter| parameter.learning.is_some()).collect();
        let (mut tensors, mut places) = (Vec::new(), Vec::new());
        for (kept, name_of_kept) in KEPT.iter().enumerate() {
            for (index, parameter) in learning.iter().enumerate() {
                for (name, start, shape) in parameter.tensors() {
                    tensors.push(Tensor { name: format!("{name_of_kept}.{name}"), shape });
                    places.push((kept, index, start));
                }
            }
        }
        write(&folder.join("state.safetensors"), &tensors, metadata, |tensor, start, into| {
            let (kept, index, first) = places[tensor];
            Ok(backend.download(buffer(learning[index], kept), first + start, into)?)
        })
    }

    fn restore(&mut self, folder: &Path) -> Result<(), ModelError> {
        let path = folder.join("state.safetensors");
        let mut tensors = Tensors::file(&path)?;
        let draws = tensors.metadata.get("draws").and_then(|draws| draws.parse().ok());
        let draws = draws.ok_or_else(|| ModelError::content(&path, "it is no state of a training run"))?;
        let (backend, mut parameters) = self.split();
        parameters.retain(|parameter| parameter.learning.is_some());
        // All is looked at before anything is changed.
        let mut known = HashSet::new();
        for parameter in &parameters {
            for (name, _, shape) in parameter.tensors() {
                for kept in KEPT {
                    let name = format!("{kept}.{name}");
                    tensors.check(&name, &shape)?;
                    known.insert(name);
                }
            }
        }
        if let Some(other) = tensors.names().filter(|name| !known.contains(*name)).min() {
            return Err(ModelError::content(
                &path,
                format!("it has `{other}`, which this model does not learn"),
            ));
        }
        for parameter in parameters {
            let named: Vec<_> =
                parameter.tensors().map(|(name, start, shape)| (name.to_owned(), start, shape)).collect();
            for (name, first, shape) in named {
                for (kept, name_of_kept) in KEPT.iter().enumerate() {
                    tensors.read(&format!("{name_of_kept}.{name}"), &shape, |start, numbers| {
                        Ok(backend.upload(buffer_mut(parameter, kept), first + start, numbers)?)
                    })?;
                }
            }
            parameter.forget(backend)?;
        }
        self.draws = draws;
        Ok(())
    }

    fn publish(&mut self, folder: &Path) -> Result<(), ModelError> {
        let options = self.options.learn.clone();
        let Learn::Lora(lora) = options else {
            return self.write_tensors(&folder.join("model.safetensors"), |_| true);
        };
        self.write_tensors(&folder.join("adapter_model.safetensors"), |name| name.starts_with(ADAPTER))?;
        let path = folder.join("adapter_config.json");
        let text = serde_json::to_vec_pretty(&self.adapter_config(&lora));
        write_bytes(&path, &text.map_err(|error| ModelError::content(&path, error.to_string()))?)
    }
}

impl<B: Backend> Decoder<B> {
    fn write_tensors(&mut self, path: &Path, wanted: impl Fn(&str) -> bool) -> Result<(), ModelError> {
        let (backend, parameters) = self.split();
        let (mut tensors, mut places) = (Vec::new(), Vec::new());
        for (index, parameter) in parameters.iter().enumerate() {
            for (name, start, shape) in parameter.tensors().filter(|(name, ..)| wanted(name)) {
                tensors.push(Tensor { name: name.to_owned(), shape });
                places.push((index, start));
            }
        }
        // Transformers asks for it.
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        write(path, &tensors, metadata, |tensor, start, into| {
            let (index, first) = places[tensor];
            Ok(backend.download(&parameters[index].value, first + start, into)?)
        })
    }

    fn adapter_config(&self, lora: &LoraOptions) -> serde_json::Value {
        let modules: Vec<_> =
            lora.targets.iter().filter_map(|target| target.module().rsplit('.').next()).collect();
        let blocks = self.blocks.len();
        let first = blocks.saturating_sub(lora.last_blocks.unwrap_or(blocks));
        let layers: Option<Vec<usize>> = (first > 0).then(|| (first..blocks).collect());
        json!({
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": self.base,
            "r": lora.rank,
            "lora_alpha": lora.alpha,
            "lora_dropout": lora.dropout,
            "target_modules": modules,
            "layers_to_transform": layers,
            "bias": "none",
            "fan_in_fan_out": false,
            "init_lora_weights": true,
            "inference_mode": true,
            "use_rslora": false,
        })
    }

    /// Reads an adapter that [`publish`](Trainee::publish) or PEFT wrote, into LoRA of the same rank and layers.
    ///
    /// # Errors
    /// When it cannot be read, or is of another shape.
    pub fn adopt(&mut self, folder: &Path) -> Result<(), ModelError> {
        let mut tensors = Tensors::file(&folder.join("adapter_model.safetensors"))?;
        let (backend, mut parameters) = self.split();
        parameters.retain(|parameter| parameter.parts.iter().any(|part| part.name.starts_with(ADAPTER)));
        for parameter in &parameters {
            parameter.tensors().try_for_each(|(name, _, shape)| tensors.check(name, &shape))?;
        }
        for parameter in parameters {
            let named: Vec<_> =
                parameter.tensors().map(|(name, start, shape)| (name.to_owned(), start, shape)).collect();
            for (name, first, shape) in named {
                tensors.read(&name, &shape, |start, numbers| {
                    Ok(backend.upload(&mut parameter.value, first + start, numbers)?)
                })?;
            }
        }
        Ok(())
    }
}

fn buffer<B: Backend>(parameter: &Parameter<B>, kept: usize) -> &B::Buffer {
    match (&parameter.learning, kept) {
        (Some(Learning { first, .. }), 1) => first,
        (Some(Learning { second, .. }), 2) => second,
        _ => &parameter.value,
    }
}

fn buffer_mut<B: Backend>(parameter: &mut Parameter<B>, kept: usize) -> &mut B::Buffer {
    match (&mut parameter.learning, kept) {
        (Some(Learning { first, .. }), 1) => first,
        (Some(Learning { second, .. }), 2) => second,
        _ => &mut parameter.value,
    }
}
