//! How fast products are, beside crate `gemm`, for the shapes of SmolLM2-135M at 512 tokens:
//! `cargo run --release -p loquat-finetune --example products [rounds]`. Products take turns; medians of GFLOP/s.

#![expect(clippy::print_stdout, reason = "prints a table")]

use std::time::Instant;

use loquat_finetune::backend::cpu::packed::{Factor, Numbers, Out, Precision, product};

const TOKENS: usize = 512;

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    println!("{} threads", rayon::current_num_threads());
    println!("{:<34}{:>10}{:>10}{:>10}", "rows × depth × columns", "gemm f32", "ours f32", "ours bf16");
    let mut totals = [0.0; 3];
    let mut work = 0.0;
    let layers = [("qkv", 576, 960), ("output", 576, 576), ("gate, up", 576, 3072), ("down", 1536, 576)];
    let low = [("A of qkv", 576, 48), ("B", 16, 576), ("A of gate, up", 576, 32), ("B of gate", 16, 1536)];
    let others = [("A of down", 1536, 16), ("head", 576, 49152)];
    for (name, from, to) in layers.into_iter().chain(low).chain(others) {
        // Forward, gradient of the input, gradient of the weight.
        for (which, rows, depth, columns) in
            [("x·Wᵀ", TOKENS, from, to), ("dy·W", TOKENS, to, from), ("dyᵀ·x", to, TOKENS, from)]
        {
            let numbers =
                |count: usize| (0..count).map(|at| (at % 97) as f32 / 97.0 - 0.5).collect::<Vec<_>>();
            let (left, right, mut out) =
                (numbers(rows * depth), numbers(depth * columns), vec![0.0; rows * columns]);
            let transposed = (which == "dyᵀ·x", which == "x·Wᵀ");
            let mut times = [(); 3].map(|()| Vec::new());
            for _ in 0..rounds {
                for (kind, times) in times.iter_mut().enumerate() {
                    let begun = Instant::now();
                    match kind {
                        0 => other(&mut out, rows, depth, columns, &left, &right, transposed),
                        1 => ours(Precision::F32, &mut out, rows, depth, columns, &left, &right, transposed),
                        _ => ours(Precision::Bf16, &mut out, rows, depth, columns, &left, &right, transposed),
                    }
                    times.push(begun.elapsed().as_secs_f64());
                }
            }
            let flops = 2.0 * (rows * depth * columns) as f64;
            work += flops;
            let rates = times.map(|mut times| {
                times.sort_by(f64::total_cmp);
                times[times.len() / 2]
            });
            for (total, time) in totals.iter_mut().zip(rates) {
                *total += time;
            }
            let [a, b, c] = rates.map(|time| flops / time / 1e9);
            println!(
                "{:<34}{a:>10.0}{b:>10.0}{c:>10.0}",
                format!("{name} {which}: {rows} × {depth} × {columns}")
            );
        }
    }
    let [a, b, c] = totals.map(|time| work / time / 1e9);
    println!("{:<34}{a:>10.0}{b:>10.0}{c:>10.0}", "all");
}

#[expect(clippy::too_many_arguments, reason = "a product's sizes")]
fn ours(
    precision: Precision,
    out: &mut [f32],
    rows: usize,
    depth: usize,
    columns: usize,
    left: &[f32],
    right: &[f32],
    transposed: (bool, bool),
) {
    let factor = |numbers, rows, columns, transposed| match transposed {
        false => Factor::new(Numbers::F32(numbers), rows, columns, columns),
        true => Factor::new(Numbers::F32(numbers), columns, rows, rows).transpose(),
    };
    let out = Out::new(out, rows, columns, columns);
    product(
        precision,
        out,
        false,
        1.0,
        &[(factor(left, rows, depth, transposed.0), factor(right, depth, columns, transposed.1))],
    );
}

fn other(
    out: &mut [f32],
    rows: usize,
    depth: usize,
    columns: usize,
    left: &[f32],
    right: &[f32],
    transposed: (bool, bool),
) {
    let steps = |rows: usize, columns: usize, transposed| {
        if transposed { (rows as isize, 1) } else { (1, columns as isize) }
    };
    let (left_column, left_row) = steps(rows, depth, transposed.0);
    let (right_column, right_row) = steps(depth, columns, transposed.1);
    #[expect(unsafe_code, reason = "the interface of `gemm`")]
    // SAFETY: the slices have these sizes.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            out.as_mut_ptr(),
            1,
            columns as isize,
            false,
            left.as_ptr(),
            left_column,
            left_row,
            right.as_ptr(),
            right_column,
            right_row,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(rayon::current_num_threads()),
        );
    }
}
