//! The names of tensors: llama.cpp's in GGUF, and those of Hugging Face's transformers in safetensors. In: one. Out: the other.

/// What is not in a layer.
const OUTSIDE: [(&str, &str); 3] =
    [("token_embd", "model.embed_tokens"), ("output_norm", "model.norm"), ("output", "lm_head")];
/// What all layers have.
const LAYER: [(&str, &str); 10] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];
/// The other norms of a layer, where blocks are normalised once, and where their outputs are too.
const PLAIN: [(&str, &str); 1] = [("ffn_norm", "post_attention_layernorm")];
const POST: [(&str, &str); 3] = [
    ("ffn_norm", "pre_feedforward_layernorm"),
    ("post_attention_norm", "post_attention_layernorm"),
    ("post_ffw_norm", "post_feedforward_layernorm"),
];

fn norms(post: bool) -> &'static [(&'static str, &'static str)] {
    if post { &POST } else { &PLAIN }
}

/// The name in safetensors of a tensor in GGUF. `post` tells whether outputs of blocks are normalised too.
pub(crate) fn to_transformers(gguf: &str, post: bool) -> Option<String> {
    let (name, end) = gguf.rsplit_once('.')?;
    if let Some((_, found)) = OUTSIDE.iter().find(|(known, _)| *known == name) {
        return Some(format!("{found}.{end}"));
    }
    let (layer, part) = name.strip_prefix("blk.")?.split_once('.')?;
    let (_, found) = LAYER.iter().chain(norms(post)).find(|(known, _)| *known == part)?;
    Some(format!("model.layers.{layer}.{found}.{end}"))
}

/// The name in GGUF of a tensor in safetensors.
pub(crate) fn to_gguf(transformers: &str, post: bool) -> Option<String> {
    let (name, end) = transformers.rsplit_once('.')?;
    if let Some((found, _)) = OUTSIDE.iter().find(|(_, known)| *known == name) {
        return Some(format!("{found}.{end}"));
    }
    let (layer, part) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (found, _) = LAYER.iter().chain(norms(post)).find(|(_, known)| *known == part)?;
    Some(format!("blk.{layer}.{found}.{end}"))
}

#[cfg(test)]
mod tests {
    use super::{to_gguf, to_transformers};

    #[test]
    fn names_go_there_and_back() {
        for post in [false, true] {
            for part in ["attn_q.weight", "attn_k.bias", "ffn_norm.weight", "ffn_down.weight"] {
                let name = format!("blk.12.{part}");
                let other = to_transformers(&name, post).unwrap();
                assert_eq!(to_gguf(&other, post).as_ref(), Some(&name), "{other}");
            }
        }
        assert_eq!(to_transformers("output_norm.weight", false).as_deref(), Some("model.norm.weight"));
        let norm = "model.layers.3.post_attention_layernorm.weight";
        assert_eq!(to_gguf(norm, false).as_deref(), Some("blk.3.ffn_norm.weight"));
        assert_eq!(to_gguf(norm, true).as_deref(), Some("blk.3.post_attention_norm.weight"));
        for unknown in ["rope_freqs.weight", "blk.0.attn_odd.weight", "blk.weight", "weight", ""] {
            assert_eq!(to_transformers(unknown, false), None, "{unknown}");
        }
        assert_eq!(to_gguf("model.layers.0.self_attn.rotary_emb.inv_freq", false), None);
    }
}
