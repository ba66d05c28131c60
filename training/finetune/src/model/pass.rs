//! The forward and the backward pass.

use super::error::ModelError;
use super::options::Learn;
use super::{Decoder, Space};
use crate::backend::{Backend, Layout, LayoutError};
use crate::batch::{Batch, Row};
use crate::layer::attention::Step;
use crate::layer::head::Learnt;
use crate::layer::lora::Dropping;
use crate::layer::room::{Input, Kept, Room};
use crate::trainee::Loss;

/// Activations are for a multiple of so many tokens, so that rows a little longer need no other memory.
const GRAIN: usize = 64;

impl<B: Backend> Decoder<B> {
    /// The logits at some tokens of a row, `vocabulary` numbers each.
    ///
    /// # Errors
    /// When the row does not fit the model, a position is not in it, or the backend fails.
    pub fn logits(&mut self, row: &Row, positions: &[usize]) -> Result<Vec<Vec<f32>>, ModelError> {
        if let Some(position) = positions.iter().find(|position| **position >= row.tokens.len()) {
            let what = format!("it has no token {position}, whose logits are wanted");
            return Err(LayoutError::Malformed { row: 0, what }.into());
        }
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let batch = Batch { rows: vec![row.clone()] };
        self.forward(&batch, Dropping::Nothing)?;
        let Some(space) = &self.space else { return Ok(Vec::new()) };
        let rows: Vec<u32> = positions.iter().map(|position| *position as u32).collect();
        let logits = self.head.logits(&mut self.backend, &self.embedding, &space.room.normed, &rows)?;
        Ok(logits.chunks_exact(self.config.vocab_size).map(<[f32]>::to_vec).collect())
    }

    /// Whether something below a block learns, so that its input's gradient is wanted.
    fn wanted(&self, block: usize) -> bool {
        self.options.learn == Learn::Full || self.lowest() < block
    }

    /// The first block that learns.
    fn lowest(&self) -> usize {
        self.blocks.iter().position(|block| block.learns()).unwrap_or(self.blocks.len())
    }

    fn dropping(&self) -> Dropping {
        match &self.options.learn {
            Learn::Lora(lora) if lora.dropout > 0.0 => {
                Dropping::Elements(self.options.seed ^ self.draws.wrapping_mul(0xD134_2543_DE82_EF95))
            }
            _ => Dropping::Nothing,
        }
    }

    /// Which of the kept activations a block has.
    fn shelf(&self, block: usize, lowest: usize) -> usize {
        if self.options.checkpointing || self.options.learn == Learn::Nothing {
            0
        } else {
            block.saturating_sub(lowest)
        }
    }

    fn make_room(&mut self, tokens: usize) -> Result<(), ModelError> {
        if self.space.as_ref().is_some_and(|space| space.tokens >= tokens) {
            return Ok(());
        }
        // First the old ones go.
        self.space = None;
        let (sizes, tokens, last) = (self.sizes(), tokens.next_multiple_of(GRAIN), self.blocks.len());
        let shelves = self.shelf(last - 1, self.lowest().min(last - 1)) + 1;
        let backend = &mut self.backend;
        let inputs = (0..=last).map(|_| Input::new(backend, sizes, tokens)).collect::<Result<_, _>>()?;
        let kept = (0..shelves).map(|_| Kept::new(backend, sizes, tokens)).collect::<Result<_, _>>()?;
        self.space = Some(Space { tokens, inputs, kept, room: Room::new(backend, sizes, tokens)? });
        Ok(())
    }

    /// Leaves the hidden states, after the last norm, in `room.normed`.
    fn forward(
        &mut self,
        batch: &Batch,
        dropping: Dropping,
    ) -> Result<(B::Placement, B::Indices, usize), ModelError> {
        let layout = Layout::new(batch, self.config.max_position_embeddings, self.config.vocab_size)?;
        let tokens = layout.tokens();
        self.make_room(tokens)?;
        let lowest = self.lowest();
        let shelves: Vec<_> = (0..self.blocks.len()).map(|block| self.shelf(block, lowest)).collect();
        let Self { backend, embedding, rotary, blocks, norm, space: Some(space), .. } = self else {
            return Ok((self.backend.place(&layout)?, self.backend.indices(&[])?, 0));
        };
        let placement = backend.place(&layout)?;
        let ids: Vec<u32> = batch.rows.iter().flat_map(|row| row.tokens.iter().copied()).collect();
        let ids = backend.indices(&ids)?;
        let Space { inputs, kept, room, .. } = space;
        embedding.forward(backend, &mut inputs[0].x, &ids)?;
        let Input { x, inverse } = &mut inputs[0];
        blocks[0].attention.norm.forward(backend, &mut room.normed, inverse, x, tokens)?;
        for (index, block) in blocks.iter().enumerate() {
            let step = Step { placement: &placement, tokens, dropping: dropping.of(index as u64) };
            let kept = &mut kept[shelves[index]];
            block.enter(backend, rotary, &inputs[index], kept, room, &step)?;
            block.leave(backend, kept, room, &step)?;
            let next = blocks.get(index + 1).map_or(&*norm, |next| &next.attention.norm);
            let Input { x, inverse } = &mut inputs[index + 1];
            next.add_forward(backend, &mut room.normed, inverse, x, &kept.middle, &room.delta, tokens)?;
        }
        Ok((placement, ids, tokens))
    }

    /// What of a batch is learnt. What the base foretells is computed first: it is what the model is without its adapters.
    fn learnt(&mut self, batch: &Batch) -> Result<Learnt<B>, ModelError> {
        let (width, distilled) = (self.config.hidden_size, batch.distilled());
        if distilled.rows.is_empty() {
            return Ok(Learnt::new(&mut self.backend, batch, width, None)?);
        }
        if !matches!(self.options.learn, Learn::Lora(_)) {
            let what = "only adapters leave the base as it is, to learn from what it foretells: use LoRA, or learn the tokens themselves";
            return Err(ModelError::Options(what.to_owned()));
        }
        // What is wrong with a row is said of the batch as it came.
        Layout::new(batch, self.config.max_position_embeddings, self.config.vocab_size)?;
        self.forward(&distilled, Dropping::Adapters)?;
        let Self { backend, space, .. } = self;
        let hidden = space.as_ref().map(|space| &space.room.normed);
        Ok(Learnt::new(backend, batch, width, hidden)?)
    }

    /// The loss; with `learn`, gradients are added.
    pub(super) fn pass(&mut self, batch: &Batch, learn: bool) -> Result<Loss, ModelError> {
        let learn = learn && self.options.learn != Learn::Nothing;
        let learnt = self.learnt(batch)?;
        if learnt.is_empty() {
            return Ok(Loss::default());
        }
        let dropping = if learn { self.dropping() } else { Dropping::Nothing };
        let (placement, ids, tokens) = self.forward(batch, dropping)?;
        let (full, lowest) = (self.options.learn == Learn::Full, self.lowest());
        let plan: Vec<_> =
            (0..self.blocks.len()).map(|block| (self.shelf(block, lowest), self.wanted(block))).collect();
        let again = self.options.checkpointing;
        let weight = batch.weight();
        let Self { backend, embedding, rotary, blocks, norm, head, space: Some(space), .. } = self else {
            return Ok(Loss::default());
        };
        let Space { inputs, kept, room, .. } = space;
        if !learn {
            let sum = head.loss(backend, embedding, &learnt, &room.normed, None, tokens)?;
            return Ok(Loss { sum, weight });
        }
        self.draws += 1;
        let Room { normed, d_normed, d_stream, .. } = room;
        let sum = head.loss(backend, embedding, &learnt, normed, Some(&mut *d_normed), tokens)?;
        backend.clear(d_stream, tokens * self.config.hidden_size)?;
        let last = &inputs[blocks.len()];
        norm.backward(backend, d_stream, d_normed, &last.x, &last.inverse, tokens)?;
        for (index, block) in blocks.iter_mut().enumerate().skip(if full { 0 } else { lowest }).rev() {
            let step = Step { placement: &placement, tokens, dropping: dropping.of(index as u64) };
            let (shelf, wanted) = plan[index];
            let (input, kept) = (&mut inputs[index], &mut kept[shelf]);
            if again {
                block.again(backend, rotary, input, kept, room, &step)?;
            }
            block.backward(backend, rotary, input, kept, room, &step, wanted)?;
        }
        if full {
            embedding.backward(backend, &room.d_stream, &ids)?;
        }
        Ok(Loss { sum, weight })
    }
}
