//! `loquat-train run` as a program: it trains a tiny model, is stopped and killed, goes on, and refuses what is wrong.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

mod run {
    #[expect(dead_code, reason = "a part of it is for another test")]
    pub(crate) mod tiny;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use run::tiny;
use serde_json::Value;
use tempfile::TempDir;

/// Longer than any of these runs: a test that waits for it has failed.
const STEPS: &str = "1000000";

fn program(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loquat-train"));
    command.args(["run", "recipe.toml"]).args(more).current_dir(folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn train(folder: &Path, more: &[&str]) -> Output {
    program(folder, more).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The loss of each step, to the bit; of steps that were made twice, the later one.
fn losses(output: &Path) -> BTreeMap<u64, u64> {
    let text = fs::read_to_string(output.join("run/metrics.jsonl")).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let lines = whole.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let step = |line: Value| Some((line["step"].as_u64()?, line["loss"].as_f64()?.to_bits()));
    lines.filter_map(step).collect()
}

/// Lets a run that never ends make some steps.
fn begin(folder: &Path, steps: usize) -> Child {
    let mut child = program(folder, &["--set", &format!("run.steps={STEPS}")]).spawn().unwrap();
    while losses(&folder.join("out")).len() < steps {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// The same run without anything that happened to it.
fn reference(folder: &Path, steps: u64) -> BTreeMap<u64, u64> {
    let output = train(folder, &["--set", &format!("run.steps={steps}"), "--set", "output=whole"]);
    assert!(output.status.success(), "{}", said(&output));
    losses(&folder.join("whole"))
}

#[test]
fn a_tiny_model_learns_and_its_weights_are_for_others_to_read() {
    for (method, file, rate) in
        [("lora", "adapter_model.safetensors", "4e-3"), ("full", "model.safetensors", "3e-3")]
    {
        let folder = TempDir::new().unwrap();
        tiny::write(folder.path());
        let method = format!("run.method={method}");
        let rate = format!("run.rate={rate}");
        let output = train(folder.path(), &["--set", &method, "--set", "run.steps=60", "--set", &rate]);
        let said = said(&output);
        assert!(output.status.success(), "{said}");
        let losses: Vec<f64> = losses(&folder.path().join("out")).into_values().map(f64::from_bits).collect();
        assert_eq!(losses.len(), 60);
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        assert!(mean(&losses[50..]) < 0.7 * mean(&losses[..5]), "{losses:?}");
        let run = folder.path().join("out/run");
        assert!(run.join("best").join(file).is_file(), "{said}");
        // A weights folder has all that a model needs.
        assert_eq!(run.join("best/tokenizer.json").is_file(), method == "run.method=full");
        assert!(fs::read_to_string(run.join("recipe.toml")).unwrap().contains("steps = 60"));
        assert!(said.contains("done: 60 steps") && said.contains("loss on dev"), "{said}");
        assert!(said.contains("loquat-train export recipe.toml"), "{said}");
    }
}

#[test]
fn what_the_base_says_is_distilled_beside_adapters_alone() {
    for (how, distils) in [("run.method=lora", true), ("run.distil=false", false), ("run.method=full", false)]
    {
        let folder = TempDir::new().unwrap();
        tiny::write(folder.path());
        for part in ["train.jsonl", "dev.jsonl"] {
            let path = folder.path().join("set").join(part);
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace("\"dialogue\"", "\"rehearsal\"")).unwrap();
        }
        let output = train(folder.path(), &["--set", how, "--set", "run.steps=1"]);
        assert!(output.status.success(), "{}", said(&output));
        // Adapters that changed nothing yet say what the base says.
        let first = f64::from_bits(losses(&folder.path().join("out"))[&1]);
        assert_eq!(first.abs() < 1e-4, distils, "{how}: {first}");
        // The dev part is judged by what is said in any case.
        let metrics = fs::read_to_string(folder.path().join("out/run/metrics.jsonl")).unwrap();
        let before: Value = serde_json::from_str(metrics.lines().next().unwrap()).unwrap();
        assert!(before["eval"]["loss"].as_f64().unwrap() > 1.0, "{how}: {before}");
    }
}

#[test]
fn a_run_that_is_killed_goes_on_with_the_same_losses() {
    let folder = TempDir::new().unwrap();
    tiny::write(folder.path());
    let mut child = begin(folder.path(), 12);
    child.kill().unwrap();
    child.wait().unwrap();
    let made = losses(&folder.path().join("out"));
    let steps = made.keys().max().unwrap() + 10;
    let output = train(folder.path(), &["--set", &format!("run.steps={steps}")]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("going on at step"), "{}", said(&output));
    let all = losses(&folder.path().join("out"));
    assert_eq!(all, reference(folder.path(), steps));
    assert!(made.iter().all(|(step, loss)| all[step] == *loss));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_asked_to_stop_keeps_a_checkpoint_and_says_how_to_go_on() {
    let folder = TempDir::new().unwrap();
    tiny::write(folder.path());
    let child = begin(folder.path(), 3);
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let output = child.wait_with_output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("stopping after this step"), "{said}");
    assert!(said.contains("go on with: loquat-train run recipe.toml"), "{said}");
    let made = *losses(&folder.path().join("out")).keys().max().unwrap();
    let steps = made + 5;
    let output = train(folder.path(), &["--set", &format!("run.steps={steps}")]);
    let told = self::said(&output);
    assert!(output.status.success() && told.contains(&format!("going on at step {made} of")), "{told}");
    assert_eq!(losses(&folder.path().join("out")), reference(folder.path(), steps));
    // Begun anew, it makes all steps again; with another seed it cannot go on.
    let other = train(folder.path(), &["--set", "run.steps=4", "--set", "seed=9"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(self::said(&other).contains("another seed"), "{}", self::said(&other));
    let fresh = train(folder.path(), &["--set", "run.steps=4", "--set", "seed=9", "--fresh"]);
    assert!(fresh.status.success(), "{}", self::said(&fresh));
    assert_eq!(losses(&folder.path().join("out")).len(), 4);
}

#[test]
fn a_run_that_cannot_begin_leaves_the_one_that_is_there() {
    let folder = TempDir::new().unwrap();
    tiny::write(folder.path());
    tiny::write_other(folder.path());
    let run = folder.path().join("out/run");
    let first = train(folder.path(), &["--set", "run.steps=4"]);
    assert!(first.status.success() && said(&first).contains("computing on CPU"), "{}", said(&first));
    let files = ["recipe.toml", "metrics.jsonl", "best/adapter_model.safetensors", "best/base.json"];
    let there = || files.map(|file| fs::read(run.join(file)).unwrap());
    let before = there();
    for (more, words) in [
        // The documents do not fit, and there is no such model: known only once something was read.
        (["--fresh", "--set", "run.row_tokens=4"], "too long"),
        (["--fresh", "--set", "base=set"], "no folder of weights"),
        (["--set", "run.steps=4", "--set=seed=9"], "another seed"),
        (["--set", "run.steps=4", "--set=run.rate=0.02"], "is over, and was made with another rate"),
        (["--set", "run.steps=4", "--set=base=other"], "another base"),
        (["--set", "run.steps=8", "--set=run.lora.alpha=8"], "another run.lora.alpha"),
        (["--set", "run.steps=8", "--set=run.lora.rank=2"], "another run.lora.rank"),
        (["--set", "run.steps=8", "--set=run.lora.last_blocks=1"], "another run.lora.last_blocks"),
        (["--set", "run.steps=8", "--set=run.method=full"], "another run."),
    ] {
        let output = train(folder.path(), &more);
        let said = said(&output);
        assert!(!output.status.success() && said.contains(words), "{more:?}: {said}");
        assert_eq!(there(), before, "{more:?} changed the run");
    }
    let longer = train(folder.path(), &["--set", "run.steps=8"]);
    assert!(longer.status.success(), "{}", said(&longer));
    assert_eq!(losses(&folder.path().join("out")).len(), 8);
    // Without a dev part, which may be an empty file, it is evaluated on nothing.
    fs::write(folder.path().join("set/dev.jsonl"), "").unwrap();
    let alone = train(folder.path(), &["--set", "run.steps=4", "--set", "output=alone"]);
    assert!(alone.status.success() && !said(&alone).contains("loss on dev"), "{}", said(&alone));
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    tiny::write(folder.path());
    let told = |code: i32, more: &[&str], words: &[&str]| {
        let output = train(folder.path(), &[&["--set", "output=wrong"], more].concat());
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{more:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{more:?} does not say {word:?}: {said}");
        }
    };
    told(2, &["--set", "run.rte=1"], &["--set run.rte=1", "did you mean `rate`"]);
    told(1, &["--set", "run.row_tokens=4"], &["too long", "longer rows"]);
    told(1, &["--set", "base=nothing"], &["no model of", "GGUF"]);
    told(1, &["--set", "run.set=nowhere"], &["train.jsonl", "loquat-train prepare"]);
    told(
        1,
        &["--set", "run.rate=1e30", "--set", "run.clip=0", "--set", "run.method=full"],
        &["step", "learning rate"],
    );

    let set = folder.path().join("set");
    let whole = fs::read_to_string(set.join("train.jsonl")).unwrap();
    fs::write(set.join("train.jsonl"), format!("{whole}{{\"id\": 7}}\n")).unwrap();
    told(1, &[], &["train.jsonl, line 17", "id"]);
    fs::write(set.join("train.jsonl"), "\n").unwrap();
    told(1, &[], &["train.jsonl has no example"]);
    fs::write(set.join("train.jsonl"), whole).unwrap();

    let config = folder.path().join("model/config.json");
    let whole = fs::read_to_string(&config).unwrap();
    fs::write(&config, whole.replace("llama", "mamba").replace("Llama", "Mamba")).unwrap();
    told(1, &[], &["mamba", "llama"]);
    fs::write(&config, whole).unwrap();
    tiny::spoil(&folder.path().join("model"));
    told(1, &[], &["NaN", "broken weights"]);
}
