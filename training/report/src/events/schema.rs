//! The protobuf messages of event files, declared by hand: those fields of TensorBoard's `event.proto`, `summary.proto`, `tensor.proto`,
//! `tensor_shape.proto` and `plugins/hparams/plugin_data.proto`, and of protobuf's `struct.proto`, that are written here. Other fields are
//! left out: nothing is read and written again.
#![allow(missing_docs, reason = "the fields are those of TensorBoard's files, which document them")]

use std::collections::HashMap;

/// `Image.colorspace`.
pub(super) const RGBA: i32 = 4;
/// `hparams.Status.STATUS_SUCCESS`.
pub(super) const SUCCESS: i32 = 1;

/// `SessionLog.SessionStatus`.
pub(super) mod session {
    pub(in crate::events) const START: i32 = 1;
}

/// Element types of `DataType`.
mod data_type {
    pub(super) const FLOAT: i32 = 1;
    pub(super) const DOUBLE: i32 = 2;
    pub(super) const STRING: i32 = 7;
}

/// What a summary's value is to be read as.
#[derive(Clone, Copy, Debug)]
pub(super) enum DataClass {
    Unknown = 0,
    Tensor = 2,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Event {
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    pub(super) what: Option<What>,
    #[prost(message, optional, tag = "10")]
    pub(super) source_metadata: Option<SourceMetadata>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SourceMetadata {
    #[prost(string, tag = "1")]
    pub(super) writer: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SessionLog {
    #[prost(int32, tag = "1")]
    pub(super) status: i32,
    #[prost(string, tag = "2")]
    pub(super) checkpoint_path: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) value: Vec<Value>,
}

/// `Summary.Value`, of whose kinds one is there.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(float, optional, tag = "2")]
    pub(super) simple_value: Option<f32>,
    #[prost(message, optional, tag = "4")]
    pub(super) image: Option<Image>,
    #[prost(message, optional, tag = "8")]
    pub(super) tensor: Option<TensorProto>,
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<SummaryMetadata>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Image {
    #[prost(int32, tag = "1")]
    pub(super) height: i32,
    #[prost(int32, tag = "2")]
    pub(super) width: i32,
    #[prost(int32, tag = "3")]
    pub(super) colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) encoded_image_string: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SummaryMetadata {
    #[prost(message, optional, tag = "1")]
    pub(super) plugin_data: Option<PluginData>,
    #[prost(string, tag = "2")]
    pub(super) display_name: String,
    #[prost(string, tag = "3")]
    pub(super) summary_description: String,
    #[prost(int32, tag = "4")]
    pub(super) data_class: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PluginData {
    #[prost(string, tag = "1")]
    pub(super) plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) content: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TensorProto {
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) tensor_shape: Option<TensorShape>,
    #[prost(double, repeated, tag = "6")]
    pub(super) double_val: Vec<f64>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(super) string_val: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Dimension {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct HParamsPluginData {
    #[prost(int32, tag = "1")]
    pub(super) version: i32,
    #[prost(message, optional, tag = "3")]
    pub(super) session_start_info: Option<SessionStart>,
    #[prost(message, optional, tag = "4")]
    pub(super) session_end_info: Option<SessionEnd>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SessionStart {
    #[prost(map = "string, message", tag = "1")]
    pub(super) hparams: HashMap<String, HParamsValue>,
    #[prost(string, tag = "4")]
    pub(super) group_name: String,
    #[prost(double, tag = "5")]
    pub(super) start_time_secs: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SessionEnd {
    #[prost(int32, tag = "1")]
    pub(super) status: i32,
    #[prost(double, tag = "2")]
    pub(super) end_time_secs: f64,
}

/// `google.protobuf.Value`, as far as settings need it.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct HParamsValue {
    #[prost(oneof = "hparams_value::Kind", tags = "2, 3, 4")]
    pub(super) kind: Option<hparams_value::Kind>,
}

pub(super) mod hparams_value {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(in crate::events) enum Kind {
        #[prost(double, tag = "2")]
        Number(f64),
        #[prost(string, tag = "3")]
        Word(String),
        #[prost(bool, tag = "4")]
        Switch(bool),
    }
}

impl TensorProto {
    /// One text, as a list of one.
    pub(super) fn text(text: &str) -> Self {
        Self {
            dtype: data_type::STRING,
            tensor_shape: Some(TensorShape::of(&[1])),
            string_val: vec![text.as_bytes().to_vec()],
            ..Self::default()
        }
    }

    pub(super) fn doubles(values: Vec<f64>, shape: &[usize]) -> Self {
        let tensor_shape = Some(TensorShape::of(shape));
        Self { dtype: data_type::DOUBLE, tensor_shape, double_val: values, ..Self::default() }
    }

    /// What stands where only the metadata says something: an empty tensor.
    pub(super) fn nothing() -> Self {
        Self { dtype: data_type::FLOAT, tensor_shape: Some(TensorShape::of(&[0])), ..Self::default() }
    }
}

impl TensorShape {
    fn of(sizes: &[usize]) -> Self {
        Self { dim: sizes.iter().map(|&size| Dimension { size: size as i64 }).collect() }
    }
}
