//! The types in which weights are kept. In: numbers. Out: their bytes.

use half::{bf16, f16};
use safetensors::Dtype;

/// A floating-point type of a weights folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Element {
    /// 32 bits, which lose nothing.
    #[default]
    F32,
    /// 16 bits with the range of `f32`.
    Bf16,
    /// 16 bits up to 65504.
    F16,
}

impl Element {
    /// As `config.json` names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::Bf16 => "bfloat16",
            Self::F16 => "float16",
        }
    }

    pub(crate) fn dtype(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::Bf16 => Dtype::BF16,
            Self::F16 => Dtype::F16,
        }
    }

    /// Bytes of a number.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 | Self::F16 => 2,
        }
    }

    /// Appends little-endian bytes, each number rounded to the nearest; whether finite ones stayed so.
    pub(crate) fn encode(self, values: &[f32], bytes: &mut Vec<u8>) -> bool {
        let mut fit = true;
        match self {
            Self::F32 => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Self::Bf16 => bytes.extend(values.iter().flat_map(|&value| {
                let rounded = bf16::from_f32(value);
                fit &= rounded.is_finite() || !value.is_finite();
                rounded.to_le_bytes()
            })),
            Self::F16 => bytes.extend(values.iter().flat_map(|&value| {
                let rounded = f16::from_f32(value);
                fit &= rounded.is_finite() || !value.is_finite();
                rounded.to_le_bytes()
            })),
        }
        fit
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
