//! The OpenAPI document tells the truth: schemathesis, which knows nothing of this project, asks the API everything that the document allows and
//! much that it does not, and finds nothing that the document does not say. <https://schemathesis.readthedocs.io>

#[path = "served/bot.rs"]
mod bot;

use std::path::Path;
use std::process::Stdio;

use bot::Served;
use loquat_packages::Packages;

/// The version that found nothing.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// How many requests are made up for each operation, where nobody says otherwise.
const EXAMPLES: &str = "30";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_nothing_that_the_document_does_not_say() -> anyhow::Result<()> {
    let served = Served::start().await?;
    let spare = served.begin().await?;
    let file = served.upload(b"some text").await?;
    let examples = std::env::var("LOQUAT_SCHEMATHESIS_EXAMPLES").unwrap_or(EXAMPLES.to_owned());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi");
    let programs = Packages::new(env!("CARGO_TARGET_TMPDIR"), "schemathesis").environment(SCHEMATHESIS)?;
    let mut command = tokio::process::Command::new(programs.join("schemathesis"));
    let output = command
        .args([
            "--config-file",
            "schemathesis.toml",
            "run",
            &format!("http://{}/openapi.json", served.address),
        ])
        .args(["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", &examples, "--seed", "1", "--workers", "2"])
        .args(["--header", &format!("Authorization: Bearer {}", served.token)])
        .args(["--suppress-health-check", "all", "--generation-database", "none"])
        .env("LOQUAT_CONVERSATIONS", format!("{} {spare}", served.conversation))
        .env("LOQUAT_FILE", file)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    anyhow::ensure!(output.status.success(), "schemathesis found something; see above");
    Ok(())
}
