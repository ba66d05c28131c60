//! ONNX Runtime's adapter file, a flatbuffer. In: named tensors. Out: its bytes. The schema is
//! `onnxruntime/lora/adapter_format/adapter_schema.fbs`:
//!
//! ```text
//! table Parameter { name: string; dims: [int64]; data_type: int32; raw_data: [uint8] (force_align: 8); }
//! table Adapter { format_version: int; adapter_version: int; model_version: int; parameters: [Parameter]; }
//! ```

use std::path::Path;

use flatbuffers::{FlatBufferBuilder, TableFinishedWIPOffset, VOffsetT, Vector, WIPOffset};

use crate::error::{ExportError, Result};

const IDENTIFIER: &str = "TORT";
/// `kAdapterFormatVersion`.
const FORMAT_VERSION: i32 = 1;
/// Offsets in a flatbuffer have 31 bits; the rest is for names and tables.
const LARGEST: usize = (1 << 31) - (1 << 20);

/// A tensor with the name of a graph's input.
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) dims: [usize; 2],
    pub(super) element: i32,
    pub(super) data: Vec<u8>,
}

/// Where field number `index` of a table is listed.
const fn slot(index: VOffsetT) -> VOffsetT {
    4 + 2 * index
}

pub(super) fn encode(path: &Path, parameters: &[Parameter]) -> Result<Vec<u8>> {
    let total = parameters.iter().map(|parameter| parameter.data.len()).sum::<usize>();
    if total > LARGEST {
        let detail = format!("its {total} bytes do not fit one adapter file");
        return Err(ExportError::UnsupportedAdapter { path: path.to_owned(), detail });
    }
    let mut builder = FlatBufferBuilder::with_capacity(total + (1 << 16));
    let mut tables: Vec<WIPOffset<TableFinishedWIPOffset>> = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        let name = builder.create_string(&parameter.name);
        let dims = builder.create_vector(&parameter.dims.map(|extent| extent as i64));
        let data = aligned(&mut builder, &parameter.data);
        let table = builder.start_table();
        builder.push_slot_always(slot(0), name);
        builder.push_slot_always(slot(1), dims);
        builder.push_slot_always(slot(2), parameter.element);
        builder.push_slot_always(slot(3), data);
        tables.push(builder.end_table(table));
    }
    let tables = builder.create_vector(&tables);
    let adapter = builder.start_table();
    for (index, version) in [(0, FORMAT_VERSION), (1, 1), (2, 1)] {
        builder.push_slot_always(slot(index), version);
    }
    builder.push_slot_always(slot(3), tables);
    let adapter = builder.end_table(adapter);
    builder.finish(adapter, Some(IDENTIFIER));
    Ok(builder.finished_data().to_vec())
}

/// Bytes that begin at a multiple of 8, as the schema asks. They are written as numbers of 8 bytes, from the last one
/// on, and then counted as bytes.
fn aligned<'a>(builder: &mut FlatBufferBuilder<'a>, bytes: &[u8]) -> WIPOffset<Vector<'a, u8>> {
    let (whole, rest) = bytes.as_chunks::<8>();
    builder.start_vector::<u64>(whole.len() + usize::from(!rest.is_empty()));
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        builder.push(u64::from_le_bytes(last));
    }
    for &chunk in whole.iter().rev() {
        builder.push(u64::from_le_bytes(chunk));
    }
    builder.end_vector::<u8>(bytes.len())
}
