//! Makes a decoder of a weights folder.

use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::config::Config;
use super::error::ModelError;
use super::files::Tensors;
use super::options::{Learn, LoraOptions, Options, Target};
use super::{ADAPTER, Decoder};
use crate::backend::Backend;
use crate::layer::{Attention, Block, Embedding, Head, Linear, Lora, Mlp, Parameter, Part, RmsNorm, Rotary};

impl<B: Backend> Decoder<B> {
    /// With the weights of a folder: `config.json` and `model.safetensors`, or its shards, as Hugging Face writes them.
    ///
    /// # Errors
    /// When a file is missing, damaged or of an unknown architecture, options are out of range, or the backend has no room.
    pub fn load(mut backend: B, folder: &Path, options: Options) -> Result<Self, ModelError> {
        let config = Config::read(folder)?;
        if let Learn::Lora(lora) = &options.learn {
            lora.check()?;
        }
        let mut tensors = Tensors::folder(folder)?;
        let mut build = Build { backend: &mut backend, config: &config, options: &options };
        let table = [("model.embed_tokens", config.vocab_size)];
        let embedding = Embedding { table: build.matrix(&table, config.hidden_size)? };
        let blocks =
            (0..config.num_hidden_layers).map(|index| build.block(index)).collect::<Result<_, _>>()?;
        let norm = build.norm("model.norm".to_owned())?;
        let head = if config.tie_word_embeddings || !tensors.has("lm_head.weight") {
            None
        } else {
            Some(build.matrix(&[("lm_head", config.vocab_size)], config.hidden_size)?)
        };
        let stretch = config.stretch().map_err(|what| ModelError::content(folder, what))?;
        let rotary = Rotary::new(&mut backend, config.heads().dimension, config.theta(), stretch)?;
        let base = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let head = Head::new(head);
        let mut decoder = Self {
            backend,
            config,
            options,
            embedding,
            rotary,
            blocks,
            norm,
            head,
            space: None,
            draws: 0,
            base,
        };
        decoder.fill(&mut tensors)?;
        decoder.draw()?;
        Ok(decoder)
    }

    /// Writes what a file has into the parameters of the base.
    fn fill(&mut self, tensors: &mut Tensors) -> Result<(), ModelError> {
        let (backend, parameters) = self.split();
        for parameter in parameters {
            let named: Vec<_> =
                parameter.tensors().map(|(name, start, shape)| (name.to_owned(), start, shape)).collect();
            for (name, start, shape) in named.into_iter().filter(|(name, ..)| !name.starts_with(ADAPTER)) {
                tensors.read(&name, &shape, |place, numbers| {
                    Ok(backend.upload(&mut parameter.value, start + place, numbers)?)
                })?;
            }
        }
        Ok(())
    }

    /// Draws the matrices A of LoRA as PEFT does, uniformly within `1 / √in`; the matrices B stay zeros, so that nothing is changed at first.
    fn draw(&mut self) -> Result<(), ModelError> {
        let mut random = ChaCha8Rng::seed_from_u64(self.options.seed);
        let Self { backend, blocks, .. } = self;
        for lora in blocks.iter_mut().flat_map(loras) {
            let bound = 1.0 / (lora.down.columns as f32).sqrt();
            let mut number = || ((random.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0) * bound;
            let numbers: Vec<f32> = (0..lora.down.length()).map(|_| number()).collect();
            backend.upload(&mut lora.down.value, 0, &numbers)?;
        }
        Ok(())
    }
}

fn loras<B: Backend>(block: &mut Block<B>) -> impl Iterator<Item = &mut Lora<B>> {
    let (attention, mlp) = (&mut block.attention, &mut block.mlp);
    let linears = [&mut attention.qkv, &mut attention.out, &mut mlp.gate_up, &mut mlp.down];
    linears.into_iter().filter_map(|linear| linear.lora.as_mut())
}

/// Makes layers of zeros.
struct Build<'a, B> {
    backend: &'a mut B,
    config: &'a Config,
    options: &'a Options,
}

impl<B: Backend> Build<'_, B> {
    fn learns(&self) -> bool {
        self.options.learn == Learn::Full
    }

    fn matrix(&mut self, modules: &[(&str, usize)], columns: usize) -> Result<Parameter<B>, ModelError> {
        let part = |(module, rows): &(&str, usize)| Part { name: format!("{module}.weight"), rows: *rows };
        let learns = self.learns();
        Ok(Parameter::matrix(self.backend, modules.iter().map(part).collect(), columns, learns)?)
    }

    fn norm(&mut self, module: String) -> Result<RmsNorm<B>, ModelError> {
        let (learns, part) = (self.learns(), vec![(format!("{module}.weight"), self.config.hidden_size)]);
        let weight = Parameter::vector(self.backend, part, learns)?;
        Ok(RmsNorm { weight, epsilon: self.config.rms_norm_eps as f32 })
    }

    fn block(&mut self, index: usize) -> Result<Block<B>, ModelError> {
        let (heads, hidden, inner) =
            (self.config.heads(), self.config.hidden_size, self.config.intermediate_size);
        let (bias, bias_out, bias_mlp) = self.config.biases();
        let (queries, keys) = (heads.output(), heads.key * heads.dimension);
        let qkv = [(Target::Q, queries), (Target::K, keys), (Target::V, keys)];
        Ok(Block {
            attention: Attention {
                norm: self.norm(format!("model.layers.{index}.input_layernorm"))?,
                qkv: self.linear(index, &qkv, hidden, bias)?,
                out: self.linear(index, &[(Target::O, hidden)], queries, bias_out)?,
                heads,
            },
            mlp: Mlp {
                norm: self.norm(format!("model.layers.{index}.post_attention_layernorm"))?,
                gate_up: self.linear(
                    index,
                    &[(Target::Gate, inner), (Target::Up, inner)],
                    hidden,
                    bias_mlp,
                )?,
                down: self.linear(index, &[(Target::Down, hidden)], inner, bias_mlp)?,
            },
        })
    }

    fn linear(
        &mut self,
        index: usize,
        parts: &[(Target, usize)],
        columns: usize,
        bias: bool,
    ) -> Result<Linear<B>, ModelError> {
        let modules: Vec<_> = parts
            .iter()
            .map(|(target, rows)| (format!("model.layers.{index}.{}", target.module()), *rows))
            .collect();
        let named: Vec<_> = modules.iter().map(|(module, rows)| (module.as_str(), *rows)).collect();
        let weight = self.matrix(&named, columns)?;
        let bias = if bias {
            let parts = modules.iter().map(|(module, rows)| (format!("{module}.bias"), *rows)).collect();
            let learns = self.learns();
            Some(Parameter::vector(self.backend, parts, learns)?)
        } else {
            None
        };
        let mut first = 0;
        let mut adapted = Vec::new();
        for ((target, rows), (module, _)) in parts.iter().zip(&modules) {
            if self.adapts(index, *target) {
                adapted.push((module.clone(), first, *rows));
            }
            first += rows;
        }
        let lora = match &self.options.learn {
            Learn::Lora(LoraOptions { rank, dropout, .. }) if !adapted.is_empty() => {
                let shape = (*rank, self.scale(), *dropout);
                Some(Lora::new(self.backend, &adapted, columns, shape)?)
            }
            _ => None,
        };
        Ok(Linear { weight, bias, lora })
    }

    fn adapts(&self, index: usize, target: Target) -> bool {
        let Learn::Lora(lora) = &self.options.learn else { return false };
        let first = self.config.num_hidden_layers.saturating_sub(lora.last_blocks.unwrap_or(usize::MAX));
        index >= first && lora.targets.contains(&target)
    }

    fn scale(&self) -> f32 {
        if let Learn::Lora(lora) = &self.options.learn { lora.scale() } else { 1.0 }
    }
}
