//! `loquat-train tune` and `soup` as a program, over a tiny model: the best of several settings, and the average of several runs; and the report that a
//! run leaves.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

#[path = "run/tiny.rs"]
#[expect(dead_code, reason = "a part of it is for another test")]
mod tiny;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const SEARCH: &str = r#"
[tune]
trials = 4
factor = 2
least = 0.25
[tune.space]
"run.rate" = { low = 1e-5, high = 1e-1, log = true }
"run.lora.rank" = [2, 4]
"#;

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    tiny::write(folder.path());
    tiny::widen_heads(&folder.path().join("model"));
    folder
}

fn train(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loquat-train")).args(arguments).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = train(folder, arguments);
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

/// Losses by trial and budget.
fn losses(folder: &Path) -> BTreeMap<(u64, u64), f64> {
    let text = fs::read_to_string(folder.join("out/tune/trials.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of = |line: Value| {
        let number = |key: &str| line[key].as_u64().unwrap();
        ((number("trial"), number("budget")), line["loss"].as_f64().unwrap())
    };
    lines.map(of).collect()
}

#[test]
fn a_search_ends_with_a_recipe_and_goes_on_where_it_was_broken_off() {
    let folder = folder();
    let folder = folder.path();
    let recipe = folder.join("recipe.toml");
    fs::write(&recipe, fs::read_to_string(&recipe).unwrap() + SEARCH).unwrap();
    // What was trained with the settings so far is not what is trained with the best ones.
    done(folder, &["run", "recipe.toml", "--set", "run.steps=24"]);
    let tune = ["tune", "recipe.toml", "--set", "run.steps=24"];
    let told = done(folder, &tune);
    let out = folder.join("out/tune");
    let first = losses(folder);
    assert_eq!(first.len(), 4 + 2 + 1, "{told}");
    // The whole run of the winner is as good as what was measured of it.
    let (&(winner, _), &loss) = first.iter().find(|((_, budget), _)| *budget == 1_000_000).unwrap();
    assert!(told.contains(&format!("the best is trial {winner}, with a loss on dev of {loss:.4}")), "{told}");
    let best = out.join("best.toml");
    let run = done(folder, &["run", best.to_str().unwrap()]);
    assert!(run.contains(&format!("{loss:.4}")), "{run} {loss}");
    assert!(folder.join("out/tuned/run/best").is_dir() && run.contains("out/tuned/run/best"), "{run}");
    let report = fs::read_to_string(out.join("report.md")).unwrap();
    for part in ["| trial | loss on dev |", "plots/parallel.svg", "plots/run-rate.svg", "plots/rungs.svg"] {
        assert!(report.contains(part), "{report}");
    }
    assert_eq!(fs::read_to_string(out.join("trials.csv")).unwrap().lines().count(), 5);
    let kept = |trial: u64| out.join(format!("trials/{trial:03}-0/checkpoints")).exists();
    assert_eq!((0..4).filter(|&trial| kept(trial)).collect::<Vec<_>>(), [winner]);

    // Broken off in the midst of the second line; runs are further than what is known of them, or have no checkpoint any more.
    let text = fs::read_to_string(out.join("trials.jsonl")).unwrap();
    let cut = text.find('\n').unwrap() + 10;
    fs::write(out.join("trials.jsonl"), &text[..cut]).unwrap();
    done(folder, &tune);
    assert_eq!(losses(folder), first);

    let other = train(folder, &["tune", "recipe.toml", "--set", "run.steps=32"]);
    assert!(!other.status.success() && said(&other).contains("another recipe"), "{}", said(&other));
}

#[test]
fn a_search_for_nothing_and_one_that_cannot_be_say_so() {
    let folder = folder();
    let nothing = train(folder.path(), &["tune", "recipe.toml"]);
    assert!(!nothing.status.success() && said(&nothing).contains("`tune.space` names no key"));
    for (space, named) in [
        ("tune.space.\"prepare.x\"=[1]", "trials can differ in keys of `run`"),
        ("tune.space.\"run.rank\"=[1]", "unknown field"),
        ("tune.space.\"run.rate\"={low=1.0,high=0.1}", "exchange them"),
        ("tune.trials=0", "at least one trial"),
    ] {
        let recipe = folder.path().join("recipe.toml");
        let text = fs::read_to_string(&recipe).unwrap();
        let wrong = match space.strip_prefix("tune.space.") {
            Some(line) => format!("{text}\n[tune.space]\n{}\n", line.replacen('=', " = ", 1)),
            None => format!("{text}\n[tune]\n{}\n", space.trim_start_matches("tune.")),
        };
        fs::write(folder.path().join("wrong.toml"), wrong).unwrap();
        let output = train(folder.path(), &["tune", "wrong.toml"]);
        assert!(!output.status.success() && said(&output).contains(named), "{space}: {}", said(&output));
    }
}

#[test]
fn averages_of_checkpoints_and_of_runs_are_judged_and_written() {
    for (method, kind) in [("full", "weights"), ("lora", "adapters")] {
        let folder = folder();
        let folder = folder.path();
        let method = format!("run.method={method}");
        let runs = ["a", "b"];
        for (seed, output) in runs.iter().enumerate() {
            let (seed, output) = (format!("seed={}", seed + 1), format!("output={output}"));
            let set = ["--set", &method, "--set", &seed, "--set", &output, "--set", "run.steps=25"];
            done(folder, &[["run", "recipe.toml"].as_slice(), &set].concat());
        }
        let of = "soup.of=[\"a/run\", \"b/run\"]";
        let told = done(folder, &["soup", "recipe.toml", "--set", of]);
        assert!(told.contains("the average of all") && told.contains("loss on dev"), "{kind}: {told}");
        let soup = folder.join("out/soup");
        for file in
            ["weights/model.safetensors", "weights/tokenizer.json", "weights/config.json", "report.md"]
        {
            assert!(soup.join(file).is_file(), "{kind}: {file}");
        }
        assert!(!soup.join("tried").exists());
        // Adapters are of the base that they were trained on.
        if kind == "adapters" {
            tiny::write_other(folder);
            let other = train(folder, &["soup", "recipe.toml", "--set", of, "--set", "base=other"]);
            assert!(!other.status.success() && self::said(&other).contains("was trained on model"));
        }
        // What was written is as good as was said: one can go on from it.
        let said = fs::read_to_string(soup.join("report.md")).unwrap();
        let loss = said.split("a loss on dev of ").nth(1).unwrap().split([',', ';']).next().unwrap();
        let base = format!("base={}", soup.join("weights").display());
        let next = done(
            folder,
            &["run", "recipe.toml", "--set", &base, "--set", "output=next", "--set", "run.steps=1"],
        );
        assert!(next.contains(&format!("loss on dev {loss}")), "{kind}: {loss} {next}");
    }
}

#[test]
fn a_run_leaves_a_report_with_plots_and_an_event_file_for_each_start() {
    let folder = folder();
    let folder = folder.path();
    let told = done(folder, &["run", "recipe.toml", "--set", "run.steps=20"]);
    assert!(told.contains("report.md"), "{told}");
    let run = folder.join("out/run");
    let report = fs::read_to_string(run.join("report.md")).unwrap();
    for part in [
        "computing on CPU, 1 threads",
        "## Evaluations",
        "plots/loss.svg",
        "plots/speed.svg",
        "steps = 20",
        "best/adapter_model.safetensors",
    ] {
        assert!(report.contains(part), "{report}");
    }
    let events = || fs::read_dir(run.join("tensorboard")).unwrap().count();
    assert_eq!(events(), 1);
    done(folder, &["run", "recipe.toml", "--set", "run.steps=30"]);
    assert_eq!(events(), 2);
}
