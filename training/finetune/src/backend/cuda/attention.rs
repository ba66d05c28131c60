//! Attention as kernels: on tensor cores where precision and heads allow, else simply. In: buffers, places, heads. Out: launches.

use super::buffer::{Buffer, Place, Placement};
use super::device::Argument::{Address, Float};
use super::device::Device;
use super::kernels::Module;
use super::launch::{THREADS, WARP};
use super::{Cuda, Precision};
use crate::backend::{BackendError, Heads};

/// Numbers of a head in attention without tensor cores.
const WIDEST_HEAD: usize = 256;

impl<D: Device> Cuda<D> {
    /// Where the queries, and then the blocks, of attention are.
    fn attention(&self, heads: Heads) -> Result<Option<Module>, BackendError> {
        if heads.key == 0 || !heads.query.is_multiple_of(heads.key) {
            return Err(self.refused(format!("{} heads of queries over {} of keys", heads.query, heads.key)));
        }
        if heads.dimension > WIDEST_HEAD {
            return Err(self.refused(format!("heads of {} numbers: at most {WIDEST_HEAD}", heads.dimension)));
        }
        Ok(Module::flash(heads.dimension).filter(|_| self.precision == Precision::Mixed))
    }

    pub(super) fn attend_forward(
        &self,
        out: &Buffer<D>,
        logsumexp: &Buffer<D>,
        qkv: &Buffer<D>,
        placement: &Placement<D>,
        heads: Heads,
    ) -> Result<(), BackendError> {
        let tokens = placement.tokens;
        let flash = self.attention(heads)?;
        let scale = Float(1.0 / (heads.dimension as f32).sqrt());
        let (query, key) = (self.int(heads.query)?, self.int(heads.key)?);
        let first = [
            Address(self.working(out, tokens * heads.output())?),
            Address(self.state(logsumexp, tokens * heads.query)?),
            Address(self.working(qkv, tokens * heads.fused())?),
            Address(placement.places.at(0)),
        ];
        if let Some(module) = flash {
            let then = [Address(placement.tiles.at(0)), query, key, scale];
            let grid = (placement.tile_count, heads.query);
            return self.run(module, "flash", grid, Place::THREADS, &[first, then].concat());
        }
        let then = [self.int(tokens)?, query, key, self.int(heads.dimension)?, scale];
        let grid = (tokens.div_ceil(THREADS / WARP), heads.query);
        let arguments = [first.as_slice(), then.as_slice()].concat();
        self.run(Module::Attention, &format!("attend_{}", self.number()), grid, THREADS, &arguments)
    }

    #[expect(clippy::too_many_arguments, reason = "buffers and sizes, few kernels")]
    pub(super) fn attend_back(
        &self,
        d_qkv: &Buffer<D>,
        d_out: &Buffer<D>,
        out: &Buffer<D>,
        logsumexp: &Buffer<D>,
        qkv: &Buffer<D>,
        placement: &Placement<D>,
        heads: Heads,
    ) -> Result<(), BackendError> {
        let tokens = placement.tokens;
        let flash = self.attention(heads)?;
        let (number, blocks) = (self.number(), tokens.div_ceil(THREADS / WARP));
        let d_out = Address(self.working(d_out, tokens * heads.output())?);
        let delta = self.scratch(tokens * heads.query * 4)?;
        let (query, key) = (self.int(heads.query)?, self.int(heads.key)?);
        let dimension = self.int(heads.dimension)?;
        let of_delta = [
            Address(delta.at(0)),
            Address(self.working(out, tokens * heads.output())?),
            d_out,
            self.int(tokens)?,
            query,
            dimension,
        ];
        let grid = (blocks, heads.query);
        self.run(Module::Attention, &format!("attend_delta_{number}"), grid, THREADS, &of_delta)?;
        let first = [
            Address(self.working(d_qkv, tokens * heads.fused())?),
            d_out,
            Address(delta.at(0)),
            Address(self.state(logsumexp, tokens * heads.query)?),
            Address(self.working(qkv, tokens * heads.fused())?),
            Address(placement.places.at(0)),
        ];
        let scale = Float(1.0 / (heads.dimension as f32).sqrt());
        for (whose, count) in [("query", heads.query), ("key", heads.key)] {
            if let Some(module) = flash {
                let then = [Address(placement.tiles.at(0)), query, key, scale];
                let arguments = [first.as_slice(), then.as_slice()].concat();
                let kernel = format!("flash_backward_{whose}");
                self.run(module, &kernel, (placement.tile_count, count), Place::THREADS, &arguments)?;
            } else {
                let then = [self.int(tokens)?, query, key, dimension, scale];
                let arguments = [first.as_slice(), then.as_slice()].concat();
                let kernel = format!("attend_backward_{whose}_{number}");
                self.run(Module::Attention, &kernel, (blocks, count), THREADS, &arguments)?;
            }
        }
        Ok(())
    }
}
