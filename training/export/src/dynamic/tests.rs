//! The rewrite on graphs built in code: what matches is replaced by the right numbers, everything else stays.

use prost::Message;
use tempfile::TempDir;

use super::dequantise_onnx;
use crate::onnx::schema::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, data_type};
use crate::onnx::{Extent, GRAPH_FILE, float_bytes, integer, load, node, tensor_floats, value};
use crate::{ExportError, KvCache, Manifest};

const CONFIG: &str = r#"{"model_type":"llama","hidden_size":2,"intermediate_size":4,"num_attention_heads":1,
"num_hidden_layers":1,"max_position_embeddings":8,"vocab_size":3,"eos_token_id":2}"#;

fn tensor(name: &str, element: i32, dims: &[i64], bytes: Vec<u8>) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        data_type: Some(element),
        dims: dims.to_vec(),
        raw_data: Some(bytes),
        ..TensorProto::default()
    }
}

/// The five nodes that the quantiser makes of `x · w`, with the scales' factors in either order.
fn pattern(name: &str, weight: &str, swapped: bool) -> Vec<NodeProto> {
    let n = |part: &str| format!("{name}.{part}");
    let (xq, xs, xz) = ("x.q", "x.s", "x.z");
    let (product, sum, cast) = (n("scales"), n("sum"), n("cast"));
    let (wq, ws, wz) = (format!("{weight}.q"), format!("{weight}.s"), format!("{weight}.z"));
    let factors = if swapped { [ws.as_str(), xs] } else { [xs, ws.as_str()] };
    let scaled = if swapped { [product.as_str(), &cast] } else { [cast.as_str(), &product] };
    vec![
        node("", "Mul", &n("scales_mul"), &factors, &[&product], vec![]),
        node("", "MatMulInteger", &n("MatMul_quant"), &[xq, &wq, xz, &wz], &[&sum], vec![]),
        node("", "Cast", &n("cast_node"), &[&sum], &[&cast], vec![integer("to", 1)]),
        node("", "Mul", &n("scale_mul"), &scaled, &[name], vec![]),
    ]
}

fn quantised_graph() -> GraphProto {
    let mut nodes =
        vec![node("", "DynamicQuantizeLinear", "quantise", &["x"], &["x.q", "x.s", "x.z"], vec![])];
    nodes.extend(pattern("a", "w", false));
    nodes.extend(pattern("b", "u", true));
    let nested = GraphProto {
        node: vec![node("", "Identity", "inner", &["kept.scale"], &["inner.out"], vec![])],
        ..GraphProto::default()
    };
    let branch =
        AttributeProto { name: Some("then_branch".into()), g: Some(nested), ..AttributeProto::default() };
    nodes.push(node("", "If", "branch", &["a"], &["c"], vec![branch]));
    let scalar = |name: &str, v: f32| tensor(name, data_type::FLOAT, &[], float_bytes(&[v]));
    let mut zero = tensor("w.z", data_type::INT8, &[], vec![]);
    (zero.raw_data, zero.int32_data) = (None, vec![-2]);
    GraphProto {
        node: nodes,
        initializer: vec![
            tensor("w.q", data_type::INT8, &[2, 3], [1i8, -2, 3, 4, -5, 127].map(|v| v as u8).to_vec()),
            scalar("w.s", 0.5),
            zero,
            tensor("u.q", data_type::UINT8, &[2, 3], vec![0, 10, 20, 30, 40, 255]),
            tensor("u.s", data_type::FLOAT, &[3], float_bytes(&[1.0, 0.5, 0.25])),
            tensor("u.z", data_type::UINT8, &[3], vec![0, 10, 128]),
            scalar("kept.scale", 2.0),
            scalar("unused", 1.0),
        ],
        input: vec![
            value("x", data_type::FLOAT, &[Extent::Named("n"), Extent::Fixed(2)]),
            value("position_ids", data_type::INT64, &[Extent::Named("n")]),
        ],
        output: ["a", "b", "c"].map(|n| value(n, data_type::FLOAT, &[])).to_vec(),
        value_info: ["a", "a.sum", "x.q"].map(|n| value(n, data_type::FLOAT, &[])).to_vec(),
        ..GraphProto::default()
    }
}

fn package(graph: GraphProto) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("package");
    std::fs::create_dir_all(source.join("onnx")).unwrap();
    let model = ModelProto { ir_version: Some(8), graph: Some(graph), ..ModelProto::default() };
    std::fs::write(source.join("onnx/model_quantized.onnx"), model.encode_to_vec()).unwrap();
    std::fs::write(source.join("config.json"), CONFIG).unwrap();
    std::fs::write(source.join("tokenizer.json"), "{}").unwrap();
    std::fs::write(source.join("tokenizer_config.json"), r#"{"chat_template":"{{ x }}"}"#).unwrap();
    folder
}

fn dequantise(folder: &TempDir) -> Result<Manifest, ExportError> {
    dequantise_onnx(&folder.path().join("package"), &folder.path().join("model"), &mut |_| ())
}

#[test]
fn the_pattern_becomes_matmul_with_the_right_weights() {
    let folder = package(quantised_graph());
    let manifest = dequantise(&folder).unwrap();
    assert_eq!((manifest.kv_cache, manifest.quantisation.as_str()), (KvCache::Growing, "fp32"));
    let path = folder.path().join("model").join(GRAPH_FILE);
    let graph = load(&path).unwrap().graph.unwrap();
    let operators = graph.node.iter().map(NodeProto::op_type).collect::<Vec<_>>();
    assert_eq!(operators, ["MatMul", "MatMul", "If"]);
    assert_eq!(graph.node[0].input, ["x", "w.q.dequantised"]);
    assert_eq!((graph.node[0].name(), &graph.node[1].output), ("a.MatMul", &vec!["b".to_owned()]));
    let weights = |name: &str| {
        let tensor = graph.initializer.iter().find(|t| t.name() == name).unwrap();
        assert_eq!(tensor.dims, [2, 3]);
        tensor_floats(&path, tensor).unwrap()
    };
    assert_eq!(weights("w.q.dequantised"), [1.5, 0.0, 2.5, 3.0, -1.5, 64.5]);
    assert_eq!(weights("u.q.dequantised"), [0.0, 0.0, -27.0, 30.0, 15.0, 31.75]);
    let mut names = graph.initializer.iter().map(TensorProto::name).collect::<Vec<_>>();
    names.sort_unstable();
    assert_eq!(names, ["kept.scale", "u.q.dequantised", "w.q.dequantised"], "nested graphs count as readers");
    assert_eq!(graph.value_info.iter().map(|v| v.name()).collect::<Vec<_>>(), ["a"]);

    let read = |name: &str| std::fs::read_to_string(folder.path().join("model").join(name)).unwrap();
    assert_eq!(read("chat_template.jinja"), "{{ x }}");
    let genai = serde_json::from_str::<serde_json::Value>(&read("genai_config.json")).unwrap();
    assert_eq!(genai["search"]["past_present_share_buffer"], false);
    assert_eq!(genai["model"]["decoder"]["inputs"]["position_ids"], "position_ids");
}

#[test]
fn what_only_looks_alike_stays() {
    let mut graph = quantised_graph();
    // The integer sum of `a` is an output of the model too, so it must go on existing.
    graph.node.push(node("", "Identity", "peek", &["a.sum"], &["peeked"], vec![]));
    graph.output.push(value("peeked", data_type::INT32, &[]));
    let folder = package(graph);
    dequantise(&folder).unwrap();
    let graph = load(&folder.path().join("model").join(GRAPH_FILE)).unwrap().graph.unwrap();
    let count = |operator: &str| graph.node.iter().filter(|n| n.op_type() == operator).count();
    assert_eq!((count("MatMulInteger"), count("MatMul"), count("DynamicQuantizeLinear")), (1, 1, 1));
}

#[test]
fn incomplete_or_damaged_packages_are_refused() {
    let plain =
        GraphProto { node: vec![node("", "Identity", "i", &["x"], &["y"], vec![])], ..GraphProto::default() };
    assert!(matches!(dequantise(&package(plain)), Err(ExportError::NothingToDequantise { .. })));

    let folder = package(quantised_graph());
    let graph = folder.path().join("package/onnx/model_quantized.onnx");
    let bytes = std::fs::read(&graph).unwrap();
    std::fs::write(&graph, &bytes[..bytes.len() - 7]).unwrap();
    assert!(matches!(dequantise(&folder), Err(ExportError::Onnx { .. })));
    std::fs::remove_file(&graph).unwrap();
    assert!(matches!(dequantise(&folder), Err(ExportError::NoModel { .. })));

    let mut short = quantised_graph();
    short.initializer[0].raw_data = Some(vec![0; 5]);
    let message = dequantise(&package(short)).unwrap_err().to_string();
    assert!(message.contains("`w.q` has shape [2, 3] and 5 bytes"), "{message}");

    let folder = package(quantised_graph());
    std::fs::write(folder.path().join("package/config.json"), r#"{"hidden_size": 0}"#).unwrap();
    assert!(dequantise(&folder).unwrap_err().to_string().contains("is missing or not a positive number"));
    assert!(!folder.path().join("model").exists());
}

#[test]
fn external_data_outside_the_package_is_refused() {
    let mut graph = quantised_graph();
    graph.initializer[0].raw_data = None;
    graph.initializer[0].data_location = Some(crate::onnx::schema::EXTERNAL);
    graph.initializer[0].external_data =
        vec![crate::onnx::schema::StringStringEntryProto::new("location", "../../secret")];
    let message = dequantise(&package(graph)).unwrap_err().to_string();
    assert!(message.contains("lies in `../../secret`"), "{message}");
}
