//! `loquat-train export` as a program: a tiny model that was trained becomes an ONNX folder with its card, and is refused where it is too far from
//! the trainer or was trained on another base.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

#[path = "run/tiny.rs"]
#[expect(dead_code, reason = "a part of it is for another test")]
mod tiny;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn train(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loquat-train")).args(arguments).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn what_was_trained_becomes_a_folder_with_a_card_or_is_refused() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    tiny::write(folder);
    tiny::widen_heads(&folder.join("model"));
    let run = train(folder, &["run", "recipe.toml", "--set", "run.steps=10"]);
    assert!(run.status.success(), "{}", said(&run));
    let export = |more: &[&str]| {
        let fixed =
            ["export", "recipe.toml", "--set", "export.forms=[\"fp32\"]", "--set", "export.licence=mit"];
        train(folder, &[&fixed, more].concat())
    };
    // The adapter beside its base in the trainer, and merged into the weights in ONNX Runtime.
    let output = export(&["--set", "export.adapter=true"]);
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("largest difference") && told.contains("out/export/fp32"), "{told}");
    let target = folder.join("out/export/fp32");
    for file in
        ["model.onnx", "config.json", "genai_config.json", "tokenizer.json", "loquat.json", "README.md"]
    {
        assert!(target.join(file).is_file(), "{file}: {told}");
    }
    assert!(folder.join("out/export/tiny.onnx_adapter").is_file(), "{told}");
    let card = fs::read_to_string(target.join("README.md")).unwrap();
    for part in [
        "license: \"mit\"",
        "Against the trainer",
        "accepted: 1e-3",
        "best perplexity on dev.jsonl",
        "16 train",
        // As the run was given it, and not as the export is.
        "\nsteps = 10\n",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
    assert!(card.contains("## Evaluation\n\nNot measured yet"), "{card}");
    assert!(!card.contains(folder.to_str().unwrap()) && !card.contains("[eval"), "{card}");

    // What is refused leaves what is there.
    let before = fs::read(target.join("loquat.json")).unwrap();
    for (more, words) in [
        (["--set", "export.tolerance.fp32=1e-12"], "too far from the trainer"),
        (["--set", "base=other"], "was trained on model"),
    ] {
        tiny::write_other(folder);
        let output = export(&more);
        let told = said(&output);
        assert!(output.status.code() == Some(1) && told.contains(words), "{more:?}: {told}");
        assert_eq!(fs::read(target.join("loquat.json")).unwrap(), before, "{more:?}");
    }
    // Of what others made the run says nothing.
    let of = format!("export.of={}", folder.join("other").display());
    let output = export(&["--set", &of, "--set", "output=foreign", "--set", "run.set=set"]);
    assert!(output.status.success(), "{}", said(&output));
    let card = fs::read_to_string(folder.join("foreign/export/fp32/README.md")).unwrap();
    assert!(card.contains("`export.of` names") && !card.contains("best perplexity"), "{card}");
    // A run whose recipe cannot be read is told as one, without the machine's folders.
    fs::write(folder.join("out/run/recipe.toml"), "nmae = \"tiny\"").unwrap();
    let output = export(&["--set", "output=out", "--set", "base=model"]);
    assert!(output.status.success(), "{}", said(&output));
    let card = fs::read_to_string(target.join("README.md")).unwrap();
    assert!(
        card.contains("the settings of the run: its recipe cannot be read (OUTPUT/run/recipe.toml"),
        "{card}"
    );
    assert!(card.contains("nmae") && !card.contains(folder.to_str().unwrap()), "{card}");
}
