//! Which files of a repository make a model. In: its listing. Out: the paths to take. It must not know the network.

use crate::HubFiles;

/// Files beside the graph that a runtime reads.
const COMPANIONS: [&str; 12] = [
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "config.json",
    "genai_config.json",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
];

/// The wanted paths out of `listed`, sorted; else why there are none.
pub(crate) fn files(listed: &[String], wanted: &HubFiles) -> Result<Vec<String>, String> {
    let mut chosen = match wanted {
        HubFiles::Named(names) => match names.iter().find(|name| !listed.contains(name)) {
            Some(absent) => return Err(format!("the repository has no {absent}")),
            None => names.clone(),
        },
        HubFiles::OnnxModel { graph } => onnx(listed, graph.as_deref())?,
    };
    chosen.sort();
    chosen.dedup();
    Ok(chosen)
}

fn onnx(listed: &[String], graph: Option<&str>) -> Result<Vec<String>, String> {
    let graph = match graph {
        Some(named) if listed.iter().any(|file| file == named) => named,
        Some(absent) => return Err(format!("the repository has no {absent}; {}", graphs(listed))),
        None => ["model.onnx", "onnx/model.onnx"]
            .into_iter()
            .find(|usual| listed.iter().any(|file| file == usual))
            .or_else(|| listed.iter().map(String::as_str).filter(|file| file.ends_with(".onnx")).min())
            .ok_or_else(|| graphs(listed))?,
    };
    let folder = graph.rfind('/').map_or("", |at| &graph[..=at]);
    // External data carries the graph's name ("model.onnx_data", "model.onnx.data", "model.onnx_data_1").
    let data = |file: &str| file.strip_prefix(graph).is_some_and(|rest| rest.starts_with(['_', '.']));
    let companion = |file: &str| {
        let name = file.strip_prefix(folder).unwrap_or(file);
        COMPANIONS.contains(&name)
    };
    Ok(listed.iter().filter(|file| *file == graph || data(file) || companion(file)).cloned().collect())
}

fn graphs(listed: &[String]) -> String {
    let graphs: Vec<_> = listed.iter().map(String::as_str).filter(|file| file.ends_with(".onnx")).collect();
    if graphs.is_empty() {
        "it has no .onnx file".into()
    } else {
        format!("its graphs are: {}", graphs.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(text: &str) -> Vec<String> {
        text.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn the_hub_layout_takes_one_graph_with_its_data() {
        let listed = listing(
            "README.md config.json tokenizer.json onnx/model.onnx onnx/model.onnx_data onnx/model_q4.onnx model.safetensors",
        );
        let chosen = files(&listed, &HubFiles::OnnxModel { graph: None }).unwrap();
        assert_eq!(chosen, ["config.json", "onnx/model.onnx", "onnx/model.onnx_data", "tokenizer.json"]);
    }

    #[test]
    fn a_graph_in_a_subfolder_brings_its_own_companions() {
        let listed = listing(
            "config.json cpu/int4/genai_config.json cpu/int4/model.onnx cpu/int4/model.onnx.data gpu/model.onnx",
        );
        let graph = Some("cpu/int4/model.onnx".to_owned());
        let chosen = files(&listed, &HubFiles::OnnxModel { graph }).unwrap();
        assert_eq!(
            chosen,
            ["config.json", "cpu/int4/genai_config.json", "cpu/int4/model.onnx", "cpu/int4/model.onnx.data"]
        );
    }

    #[test]
    fn what_is_not_listed_is_named() {
        let listed = listing("config.json onnx/model_q4.onnx");
        let absent =
            files(&listed, &HubFiles::OnnxModel { graph: Some("onnx/model_q8.onnx".into()) }).unwrap_err();
        assert!(absent.contains("model_q8") && absent.contains("onnx/model_q4.onnx"), "{absent}");
        assert!(files(&listed, &HubFiles::Named(vec!["LICENSE".into()])).unwrap_err().contains("LICENSE"));
    }
}
