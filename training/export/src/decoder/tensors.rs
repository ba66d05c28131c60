//! The tensors that a model of a shape has, each of them. In: a [`Shape`]. Out: names and extents. Knows neither files nor graphs.

use super::Shape;

/// A tensor, by the name that GGUF gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) name: String,
    /// 1 of vectors.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) is_vector: bool,
    /// Whether a rotation turns the rows, or the elements of a bias, of which GGUF may have another order.
    pub(crate) is_turned: bool,
    pub(crate) role: Role,
}

/// What a tensor is to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Matrix,
    /// Weights of a norm.
    Norm,
    /// A bias of a linear layer of attention, which a model may be without.
    AttentionBias,
    /// A bias of a linear layer of the feed-forward block, which a model may be without.
    FeedForwardBias,
}

/// Every tensor of a model, in the order of its layers.
pub(crate) fn tensors(shape: &Shape) -> Vec<Expected> {
    let (hidden, width, head) = (shape.hidden, shape.feed_forward, shape.head_size);
    let (queries, keys) = (shape.heads * head, shape.kv_heads * head);
    let mut all = vec![matrix("token_embd", shape.vocabulary, hidden, false)];
    for layer in 0..shape.layers {
        let name = |part: &str| format!("blk.{layer}.{part}");
        for (part, rows, columns, is_turned) in [
            ("attn_q", queries, hidden, true),
            ("attn_k", keys, hidden, true),
            ("attn_v", keys, hidden, false),
            ("attn_output", hidden, queries, false),
            ("ffn_gate", width, hidden, false),
            ("ffn_up", width, hidden, false),
            ("ffn_down", hidden, width, false),
        ] {
            all.push(matrix(&name(part), rows, columns, is_turned));
            if shape.biases.contains(&part) {
                let role = match part.starts_with("attn") {
                    true => Role::AttentionBias,
                    false => Role::FeedForwardBias,
                };
                all.push(Expected {
                    name: format!("{}.bias", name(part)),
                    is_turned,
                    role,
                    ..vector("", rows)
                });
            }
        }
        let mut norms = vec![("attn_norm", hidden), ("ffn_norm", hidden)];
        if shape.head_norms {
            norms.extend([("attn_q_norm", head), ("attn_k_norm", head)]);
        }
        if shape.post_norms {
            norms.extend([("post_attention_norm", hidden), ("post_ffw_norm", hidden)]);
        }
        all.extend(norms.into_iter().map(|(part, length)| vector(&name(part), length)));
    }
    all.push(vector("output_norm", hidden));
    if !shape.tied {
        all.push(matrix("output", shape.vocabulary, hidden, false));
    }
    all
}

fn matrix(name: &str, rows: usize, columns: usize, is_turned: bool) -> Expected {
    let name = format!("{name}.weight");
    Expected { name, rows, columns, is_vector: false, is_turned, role: Role::Matrix }
}

fn vector(name: &str, length: usize) -> Expected {
    let name = format!("{name}.weight");
    Expected { name, rows: 1, columns: length, is_vector: true, is_turned: false, role: Role::Norm }
}
