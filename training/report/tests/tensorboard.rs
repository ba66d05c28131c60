//! TensorBoard itself, from PyPI, reads what is written: numbers, texts, pictures, distributions and settings; of a run that was resumed, what
//! counts; and of one that was killed, what came before.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use loquat_packages::{Listed, Packages};
use loquat_report::events::Setting;
use loquat_report::plot::{Plot, png};
use loquat_report::{EventFile, Metrics};
use serde_json::{Value, json};

#[test]
fn it_reads_all_that_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let before = now();
    let mut events = EventFile::create(folder.path(), None).unwrap();
    let settings = [
        ("rate".to_owned(), Setting::Number(1e-4)),
        ("schedule".to_owned(), Setting::Word("cosine".into())),
        ("full".to_owned(), Setting::Switch(false)),
    ];
    events.settings("trial-1", &settings).unwrap();
    events.text(0, "recipe", "```toml\nname = \"店\"\n```").unwrap();
    for step in 1..=200 {
        events.scalar(step, "loss/train", 4.0 / step as f64).unwrap();
    }
    events.scalar(200, "loss/dev", f64::NAN).unwrap();
    let picture = png(&Plot { title: "Loss".into(), ..Plot::default() }.svg(), 1.0).unwrap();
    events.image(200, "plots/loss", &picture).unwrap();
    events.histogram(200, "lengths", &[1.0, 1.0, 31.0]).unwrap();
    events.settled().unwrap();
    drop(events);

    let seen = read(folder.path());
    // The version, both ends of the settings, and one for each other value.
    assert_eq!(seen["records"], json!([1 + 2 + 1 + 200 + 1 + 1 + 1]));
    let run = &seen["run"];
    let losses = run["scalars"]["loss/train"].as_array().unwrap();
    assert_eq!(losses.len(), 200);
    assert_eq!((&losses[0], &losses[199]), (&json!([1, 4.0]), &json!([200, f64::from(0.02_f32)])));
    assert!(run["scalars"]["loss/dev"][0][1].is_null(), "{run}");
    assert_eq!(run["texts"]["recipe"], json!([[0, "```toml\nname = \"店\"\n```"]]));
    let [width, height] = [16, 20].map(|at| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap()));
    assert_eq!(run["images"]["plots/loss"], json!([[200, width, height, picture.len()]]));
    let rows = run["histograms"]["lengths"][0][1].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0], &rows[29]), (30, &json!([1.0, 2.0, 2.0]), &json!([30.0, 31.0, 1.0])));
    assert_eq!(run["settings"], json!({"rate": 1e-4, "schedule": "cosine", "full": false}));
    assert_eq!((&run["group"], &run["status"]), (&json!("trial-1"), &json!(1)));
    let start = run["start"].as_f64().unwrap();
    assert!((before..=now()).contains(&start), "seconds since 1970: {start}");
}

#[test]
fn of_a_resumed_run_it_keeps_what_the_run_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = String::new();
    let mut written = |from, steps: std::ops::RangeInclusive<u64>, loss: f64| {
        let mut events = EventFile::create(folder.path(), from).unwrap();
        for step in steps {
            events.scalar(step, "loss", loss).unwrap();
            lines.push_str(&format!("{{\"step\":{step},\"loss\":{loss}}}\n"));
        }
        events.path().to_owned()
    };
    let first = written(None, 1..=10, 2.0);
    written(Some(6), 6..=12, 1.0);
    // Killed while it wrote.
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, &bytes[..bytes.len() - 5]).unwrap();

    let seen = read(folder.path());
    let points: Vec<(u64, f64)> = serde_json::from_value(seen["run"]["scalars"]["loss"].clone()).unwrap();
    let expected: Vec<_> = (1..=12).map(|step| (step, if step < 6 { 2.0 } else { 1.0 })).collect();
    assert_eq!(points, expected);
    // And the run's own file of numbers is read the same way.
    let kept = folder.path().join("metrics.jsonl");
    fs::write(&kept, lines).unwrap();
    let own = Metrics::read(&kept).unwrap().points("loss");
    assert_eq!(own, expected.iter().map(|&(step, loss)| (step as f64, loss)).collect::<Vec<_>>());
}

fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tensorboard").join(path)
}

/// What TensorBoard's own reader sees.
fn read(folder: &Path) -> Value {
    let packages = Packages::new(env!("CARGO_TARGET_TMPDIR"), "tensorboard");
    let packages = packages.python(&here("requirements.txt"), Listed::Wanted).unwrap();
    let output = Command::new("python3")
        .arg(here("read.py"))
        .arg(folder)
        .env("PYTHONPATH", packages)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // JSON has no word for what is no number; Python does.
    serde_json::from_str(&said.replace("NaN", "null")).unwrap()
}
