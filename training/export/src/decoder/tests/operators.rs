//! The operators of exported graphs, as their documentation defines them. In: a node and its inputs. Out: its outputs.

use super::interpreter::Tensor;
use crate::onnx::schema::NodeProto;

/// Batches hold one sequence here.
pub(super) fn run(node: &NodeProto, inputs: &[Option<&Tensor>]) -> Vec<Tensor> {
    let input = |i: usize| {
        inputs.get(i).copied().flatten().unwrap_or_else(|| panic!("{} lacks input {i}", node.name()))
    };
    let unary = |f: &dyn Fn(f32) -> f32| {
        vec![Tensor::Floats(input(0).dims().to_vec(), input(0).floats().iter().map(|&v| f(v)).collect())]
    };
    match node.op_type() {
        "ReduceSum" if matches!(input(0), Tensor::Floats(..)) => vec![block_sums(input(0), input(1))],
        "ReduceSum" => vec![Tensor::Integers(vec![1], vec![input(0).integers().iter().sum()])],
        "Sub" => {
            let by = input(1).integers()[0];
            vec![Tensor::Integers(
                input(0).dims().to_vec(),
                input(0).integers().iter().map(|n| n - by).collect(),
            )]
        }
        // Numbers of every width are held alike.
        "Cast" => vec![input(0).clone()],
        "Neg" => vec![Tensor::Integers(vec![1], vec![input(0).integers()[0].wrapping_neg()])],
        "Shape" => {
            let dims = input(0).dims();
            vec![Tensor::Integers(vec![dims.len()], dims.iter().map(|&d| d as i64).collect())]
        }
        "Gather" => vec![gather(input(0), input(1))],
        "GatherBlockQuantized" => vec![gather(&unblocked(node, inputs, 0, 2, 3), input(1))],
        "Sigmoid" => unary(&|x| 1.0 / (1.0 + (-x).exp())),
        "Gelu" => {
            assert_eq!(node.attribute("approximate").unwrap().s.as_deref(), Some(b"tanh".as_slice()));
            let root = (2.0 / std::f32::consts::PI).sqrt();
            unary(&|x| 0.5 * x * (1.0 + (root * (x + 0.044_715 * x * x * x)).tanh()))
        }
        "Mul" => vec![broadcast(input(0), input(1), |a, b| a * b)],
        "Add" => vec![broadcast(input(0), input(1), |a, b| a + b)],
        "Split" => split(input(0), input(1)),
        "Concat" => vec![concat(inputs)],
        "Reshape" => vec![reshape(input(0), input(1))],
        "Slice" => vec![last_rows(input(0), input(1))],
        "SimplifiedLayerNormalization" => vec![norm(node, input(0), input(1))],
        "SkipSimplifiedLayerNormalization" => {
            let sum = broadcast(input(0), input(1), |a, b| a + b);
            let normed = norm(node, &sum, input(2));
            vec![normed, sum.clone(), sum.clone(), sum]
        }
        "MatMul" => vec![product(input(0), input(1), false)],
        "FusedMatMul" => vec![product(input(0), input(1), true)],
        "MatMulNBits" => {
            let columns = node.attribute("K").unwrap().i() as usize;
            let matrix = first_columns(&unblocked(node, inputs, 1, 2, 3), columns);
            vec![product(input(0), &matrix, true)]
        }
        "GroupQueryAttention" => super::attention::attention(node, inputs),
        other => panic!("no operator {other}"),
    }
}

fn gather(table: &Tensor, ids: &Tensor) -> Tensor {
    let width = table.dims()[1..].iter().product::<usize>();
    let mut dims = ids.dims().to_vec();
    dims.extend(&table.dims()[1..]);
    let rows = ids.integers().iter().map(|&id| id as usize * width);
    match table {
        Tensor::Floats(_, values) => {
            Tensor::Floats(dims, rows.flat_map(|start| values[start..start + width].to_vec()).collect())
        }
        Tensor::Integers(_, values) => {
            Tensor::Integers(dims, rows.flat_map(|start| values[start..start + width].to_vec()).collect())
        }
    }
}

/// `scale × (q − zero point)`, the rows of a matrix; `quants`, `scales` and `zeros` are numbers of inputs.
fn unblocked(
    node: &NodeProto,
    inputs: &[Option<&Tensor>],
    quants: usize,
    scales: usize,
    zeros: usize,
) -> Tensor {
    // GatherBlockQuantized has its scales after the indices, MatMulNBits after the matrix.
    let (quants, scales) = (inputs[quants].unwrap(), inputs[scales].unwrap());
    let bits = node.attribute("bits").unwrap().i() as usize;
    let (per_byte, block) = (8 / bits, node.attribute("block_size").unwrap().i() as usize);
    let rows = quants.dims()[0];
    let columns = quants.integers().len() / rows * per_byte;
    let blocks = columns / block;
    let zeros = inputs.get(zeros).copied().flatten().map(Tensor::integers);
    let code = |values: &[i64], row: usize, index: usize, width: usize| {
        values[row * width + index / per_byte] >> (index % per_byte * bits) & ((1 << bits) - 1)
    };
    let values = (0..rows * columns)
        .map(|i| {
            let (row, column) = (i / columns, i % columns);
            let q = code(quants.integers(), row, column, columns / per_byte);
            let zero = zeros
                .map_or(1 << (bits - 1), |zeros| code(zeros, row, column / block, blocks.div_ceil(per_byte)));
            scales.floats()[row * blocks + column / block] * (q - zero) as f32
        })
        .collect();
    Tensor::Floats(vec![rows, columns], values)
}

/// `b` has the shape of `a`, or of its last axes.
fn broadcast(a: &Tensor, b: &Tensor, f: impl Fn(f32, f32) -> f32) -> Tensor {
    let (left, right) = (a.floats(), b.floats());
    assert!(a.dims().ends_with(b.dims()), "{:?} and {:?}", a.dims(), b.dims());
    Tensor::Floats(a.dims().to_vec(), left.iter().zip(right.iter().cycle()).map(|(&a, &b)| f(a, b)).collect())
}

fn split(packed: &Tensor, widths: &Tensor) -> Vec<Tensor> {
    let total = *packed.dims().last().unwrap();
    let mut start = 0;
    let mut parts = Vec::new();
    for &width in widths.integers() {
        let width = width as usize;
        let values =
            packed.floats().chunks(total).flat_map(|row| row[start..start + width].to_vec()).collect();
        let mut dims = packed.dims().to_vec();
        *dims.last_mut().unwrap() = width;
        parts.push(Tensor::Floats(dims, values));
        start += width;
    }
    assert_eq!(start, total);
    parts
}

fn concat(inputs: &[Option<&Tensor>]) -> Tensor {
    let parts = inputs.iter().map(|part| part.unwrap()).collect::<Vec<_>>();
    let widths = parts.iter().map(|part| *part.dims().last().unwrap()).collect::<Vec<_>>();
    let mut dims = parts[0].dims().to_vec();
    let rows = dims[..dims.len() - 1].iter().product::<usize>();
    *dims.last_mut().unwrap() = widths.iter().sum();
    let row = |row: usize| {
        parts
            .iter()
            .zip(&widths)
            .flat_map(move |(part, width)| part.floats()[row * width..(row + 1) * width].to_vec())
    };
    Tensor::Floats(dims, (0..rows).flat_map(row).collect())
}

/// A row's last block is whole, whether or not the row is.
fn first_columns(matrix: &Tensor, columns: usize) -> Tensor {
    let stored = matrix.dims()[1];
    assert_eq!(stored, columns.next_multiple_of(32));
    let values = matrix.floats().chunks(stored).flat_map(|row| row[..columns].to_vec()).collect();
    Tensor::Floats(vec![matrix.dims()[0], columns], values)
}

/// The sums along the last of four axes, which goes away.
fn block_sums(value: &Tensor, axis: &Tensor) -> Tensor {
    assert_eq!((value.dims().len(), axis.integers()), (4, [3].as_slice()));
    let sums = value.floats().chunks(value.dims()[3]).map(|block| block.iter().sum()).collect();
    Tensor::Floats(value.dims()[..3].to_vec(), sums)
}

fn reshape(value: &Tensor, form: &Tensor) -> Tensor {
    let old = value.dims();
    let given = form.integers().iter().enumerate().map(|(i, &n)| if n == 0 { old[i] as i64 } else { n });
    let given = given.collect::<Vec<_>>();
    let known = given.iter().filter(|&&n| n > 0).product::<i64>() as usize;
    let rest = value.floats().len() / known;
    let dims = given.iter().map(|&n| if n < 0 { rest } else { n as usize }).collect::<Vec<_>>();
    assert_eq!(dims.iter().product::<usize>(), value.floats().len());
    Tensor::Floats(dims, value.floats().to_vec())
}

/// `Slice` along the sequence, from a start that is counted from the end.
fn last_rows(value: &Tensor, start: &Tensor) -> Tensor {
    let dims = value.dims();
    let kept = (start.integers()[0].unsigned_abs() as usize).min(dims[1]);
    let from = (dims[1] - kept) * dims[2];
    Tensor::Floats(vec![dims[0], kept, dims[2]], value.floats()[from..].to_vec())
}

fn norm(node: &NodeProto, value: &Tensor, weight: &Tensor) -> Tensor {
    let epsilon = node.attribute("epsilon").unwrap().f.unwrap();
    let width = weight.floats().len();
    assert_eq!(value.dims().last(), Some(&width));
    let normed = value.floats().chunks(width).flat_map(|row| {
        let mean = row.iter().map(|v| v * v).sum::<f32>() / width as f32;
        let scale = (mean + epsilon).sqrt().recip();
        row.iter().zip(weight.floats()).map(move |(v, w)| v * scale * w)
    });
    Tensor::Floats(value.dims().to_vec(), normed.collect())
}

/// `a · b`, or `a · bᵀ`. An inner extent of 0 gives zeros.
fn product(a: &Tensor, b: &Tensor, transposed: bool) -> Tensor {
    let (inner, outer) = if transposed { (b.dims()[1], b.dims()[0]) } else { (b.dims()[0], b.dims()[1]) };
    let mut dims = a.dims().to_vec();
    assert_eq!(dims.pop(), Some(inner));
    let rows = dims.iter().product::<usize>();
    dims.push(outer);
    let (left, right) = (a.floats(), b.floats());
    let at = |k: usize, n: usize| if transposed { right[n * inner + k] } else { right[k * outer + n] };
    let values = (0..rows * outer)
        .map(|i| (0..inner).map(|k| left[i / outer * inner + k] * at(k, i % outer)).sum())
        .collect();
    Tensor::Floats(dims, values)
}
