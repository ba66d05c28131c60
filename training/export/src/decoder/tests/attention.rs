//! `GroupQueryAttention`, written down as it is defined. In: a node and its inputs. Out: the context and the cache.

use super::interpreter::Tensor;
use crate::onnx::schema::NodeProto;

pub(super) fn attention(node: &NodeProto, inputs: &[Option<&Tensor>]) -> Vec<Tensor> {
    let number = |name: &str| node.attribute(name).map(|a| a.i() as usize);
    let (heads, kv_heads) = (number("num_heads").unwrap(), number("kv_num_heads").unwrap());
    let scale = node.attribute("scale").unwrap().f.unwrap();
    assert_eq!((number("do_rotary"), number("rotary_interleaved")), (Some(1), Some(0)));
    let past = [inputs[3].unwrap(), inputs[4].unwrap()];
    let (before, size) = (past[0].dims()[2], past[0].dims()[3]);
    let length = inputs[0].unwrap().dims()[1];
    let total = inputs[6].unwrap().integers()[0] as usize;
    assert_eq!((total, inputs[5].unwrap().integers()[0] as usize), (before + length, total - 1));

    // `rows(part, head, position)`, whether the three come packed or apart.
    let rows = |part: usize, head: usize, position: usize| -> &[f32] {
        let (value, start, width) = match inputs[1] {
            None => {
                let first = [0, heads, heads + kv_heads][part];
                (inputs[0].unwrap(), (first + head) * size, (heads + 2 * kv_heads) * size)
            }
            Some(_) => {
                let own = if part == 0 { heads } else { kv_heads };
                (inputs[part].unwrap(), head * size, own * size)
            }
        };
        &value.floats()[position * width + start..][..size]
    };
    let rotated = |row: &[f32], position: usize| -> Vec<f32> {
        let half = size / 2;
        let [cos, sin] = [7, 8].map(|i| &inputs[i].unwrap().floats()[position * half..][..half]);
        let mut out = vec![0.0; size];
        for i in 0..half {
            out[i] = row[i] * cos[i] - row[i + half] * sin[i];
            out[i + half] = row[i + half] * cos[i] + row[i] * sin[i];
        }
        out
    };

    let mut present = [Vec::new(), Vec::new()];
    for head in 0..kv_heads {
        for (part, cache) in present.iter_mut().enumerate() {
            cache.extend(&past[part].floats()[head * before * size..(head + 1) * before * size]);
            for position in 0..length {
                let row = rows(part + 1, head, position);
                match part {
                    0 => cache.extend(rotated(row, before + position)),
                    _ => cache.extend(row),
                }
            }
        }
    }
    let mut context = vec![0.0; length * heads * size];
    for position in 0..length {
        let last = before + position;
        let first = number("local_window_size").map_or(0, |window| (last + 1).saturating_sub(window));
        for head in 0..heads {
            let query = rotated(rows(0, head, position), last);
            let group = head / (heads / kv_heads);
            let cached = |part: usize, at: usize| &present[part][(group * total + at) * size..][..size];
            let dot = |at: usize| query.iter().zip(cached(0, at)).map(|(a, b)| a * b).sum::<f32>() * scale;
            let scores = (first..=last).map(dot).collect::<Vec<_>>();
            let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights = scores.iter().map(|s| (s - largest).exp()).collect::<Vec<_>>();
            let sum = weights.iter().sum::<f32>();
            let out = &mut context[(position * heads + head) * size..][..size];
            for (weight, at) in weights.iter().zip(first..) {
                out.iter_mut().zip(cached(1, at)).for_each(|(o, v)| *o += weight / sum * v);
            }
        }
    }
    let cache = |values: Vec<f32>| Tensor::Floats(vec![1, kv_heads, total, size], values);
    let [key, value] = present;
    vec![Tensor::Floats(vec![1, length, heads * size], context), cache(key), cache(value)]
}
