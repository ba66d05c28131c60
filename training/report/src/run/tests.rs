//! A report holds what a run is judged by.

use super::{Curves, RunReport, file_hash};
use crate::plot::{Axis, Style};
use crate::{Machine, Metrics, Table};

fn report() -> RunReport {
    let mut metrics = Metrics::default();
    for step in 1..=40_u32 {
        let noise = if step % 2 == 0 { 0.2 } else { 0.0 };
        metrics.add("loss", u64::from(step), 3.0 / f64::from(step) + noise);
    }
    metrics.add("eval/loss", 20, 0.4);
    metrics.add("eval/loss", 40, 0.3);
    let curves = |file: &str, series: &[(&str, &str, Style)]| Curves {
        file: file.into(),
        title: format!("{file} of the run"),
        axis: Axis::linear("nats"),
        series: series.iter().map(|&(key, name, style)| (key.into(), name.into(), style)).collect(),
    };
    let mut evaluations = Table::new(&["step", "perplexity"]);
    evaluations.rows.push(vec!["40".into(), "1.35".into()]);
    RunReport {
        name: "shop".into(),
        outcome: vec![("best step".into(), "40".into())],
        data: vec![("examples".into(), "1000".into())],
        metrics,
        curves: vec![
            curves(
                "loss",
                &[("loss", "training", Style::Smoothed), ("eval/loss", "development", Style::Dotted)],
            ),
            curves("memory", &[("memory", "memory", Style::Line)]),
        ],
        evaluations,
        recipe: "name = \"shop\"\n".into(),
        machine: Machine { threads: 2, system: "linux".into(), ..Machine::default() },
        hashes: vec![("best/model.safetensors".into(), "00ff".into())],
    }
}

#[test]
fn it_has_all_parts_and_no_plot_of_what_was_not_measured() {
    let folder = tempfile::tempdir().unwrap();
    let (path, drawn) = report().write(folder.path()).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(
        headings,
        [
            "# shop",
            "## Outcome",
            "## Curves",
            "## Evaluations",
            "## Data",
            "## Recipe",
            "## Machine",
            "## Hashes"
        ]
    );
    assert!(text.contains("| `best/model.safetensors` | `00ff` |"), "{text}");
    assert!(text.contains("![loss of the run](plots/loss.svg)") && !text.contains("memory"), "{text}");
    assert_eq!(drawn.iter().map(|plot| plot.file.as_str()).collect::<Vec<_>>(), ["loss"]);
}

#[test]
fn a_hash_is_that_of_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "abc").unwrap();
    // FIPS 180-2, appendix B.1.
    assert_eq!(file_hash(&path).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(file_hash(&folder.path().join("none")).is_err());
}
