//! Clients that know nothing of this project use the API: PyPI `openai`, npm `openai`, `litellm` and the command line `llm`.
//!
//! Each script does what its client's documentation says, and ends with an error where something does not hold. Here the model and the
//! bot behind the API are looked at too. The clients are fetched once into the folder for tests' leftovers.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

#[path = "../fakes.rs"]
mod fakes;
mod install;

use std::process::{Output, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, ensure};
use fakes::{KEY, Parts, serve, service};
use loquat_contract::Role;
use serde_json::json;
use tokio::process::Command;

/// How long a client may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs a client against a service of its own, to a good end; gives what it said.
async fn run(
    mut client: Command,
    of: impl Fn(&str) -> Vec<(&'static str, String)>,
) -> anyhow::Result<(String, Parts)> {
    let (service, parts) = service();
    let address = serve(service).await?;
    client.envs(of(&address)).env("OPENAI_BASE_URL", &address).env("OPENAI_API_KEY", KEY);
    let said = finish(&mut client).await?;
    Ok((said, parts))
}

async fn finish(client: &mut Command) -> anyhow::Result<String> {
    client.stdin(Stdio::null()).kill_on_drop(true);
    let ran = tokio::time::timeout(PATIENCE, client.output()).await.context("the client did not end")?;
    let Output { status, stdout, stderr } = ran?;
    let said = String::from_utf8_lossy(&stdout).into_owned();
    ensure!(status.success(), "{client:?} ended with {status}:\n{said}{}", String::from_utf8_lossy(&stderr));
    Ok(said)
}

fn nothing(_: &str) -> Vec<(&'static str, String)> {
    Vec::new()
}

async fn until(what: &str, condition: impl Fn() -> bool) -> anyhow::Result<()> {
    let reached = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.with_context(|| format!("it did not come to this: {what}"))
}

/// What both clients of OpenAI leave behind.
async fn check(said: &str, parts: &Parts, checks: usize) -> anyhow::Result<()> {
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), checks, "{said}");
    // The one that was closed and the one that was cancelled before it had said anything.
    until("both endless answers are stopped", || parts.writer.dropped.load(Ordering::SeqCst) == 2).await?;
    // The follow-up was understood from memory, not by asking again.
    assert_eq!(parts.guide.questions()[..2], ["What is the capital of Bhutan?", "And its currency?"]);
    assert!(parts.guide.about.lock().unwrap().is_empty(), "conversations are forgotten");
    let requests = parts.writer.requests.lock().unwrap();
    assert!(requests.iter().any(|request| request.stop == [" two"] && request.sampling.temperature == 0.0));
    assert!(
        requests.iter().any(|request| request.sampling.seed == 11 && request.sampling.temperature == 1.0)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_of_openai_works() -> anyhow::Result<()> {
    let (said, parts) = run(install::python("openai_python.py")?, nothing).await?;
    check(&said, &parts, 9).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_client_of_openai_works() -> anyhow::Result<()> {
    let (said, parts) = run(install::javascript()?, nothing).await?;
    check(&said, &parts, 9).await
}

#[tokio::test(flavor = "multi_thread")]
async fn litellm_works() -> anyhow::Result<()> {
    let (said, parts) = run(install::python("litellm_python.py")?, nothing).await?;
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 6, "{said}");
    assert_eq!(parts.guide.questions()[..2], ["What is the capital of Bhutan?", "And its currency?"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_llm_works() -> anyhow::Result<()> {
    let (service, parts) = service();
    let address = serve(service).await?;
    let home = tempfile::tempdir()?;
    let models = ["Mira", "scripted"].map(|name| {
        json!({
            "model_id": name.to_lowercase(), "model_name": name, "api_base": address, "api_key_name": "loquat",
            "supports_schema": true, "supports_tools": true,
        })
    });
    // JSON is YAML too.
    std::fs::write(home.path().join("extra-openai-models.yaml"), json!(models).to_string())?;
    std::fs::write(home.path().join("keys.json"), json!({ "loquat": KEY }).to_string())?;
    let llm = async |arguments: &[&str]| {
        let mut command = install::llm()?;
        finish(command.env("LLM_USER_PATH", home.path()).args(arguments)).await
    };
    let capital = "What is the capital of Bhutan?";
    let answer = "Grüß dich! The capital of Bhutan is Thimphu.";
    // It streams, and asks for usage, unless told otherwise.
    assert_eq!(llm(&["-m", "mira", capital]).await?.trim(), answer);
    let follow_up = llm(&["-c", "And its currency?"]).await?;
    assert!(follow_up.contains("ngultrum"), "{follow_up}");
    assert_eq!(parts.guide.questions(), [capital, "And its currency?"]);
    let logged: serde_json::Value = serde_json::from_str(&llm(&["logs", "--json", "-n", "1"]).await?)?;
    assert_eq!(
        (&logged[0]["input_tokens"], &logged[0]["output_tokens"]),
        (&json!(31), &json!(7)),
        "{logged}"
    );
    assert_eq!(llm(&["-m", "mira", "--no-stream", capital]).await?.trim(), answer);

    let said = llm(&[
        "-m",
        "scripted",
        "-s",
        "Be brief.",
        "-o",
        "temperature",
        "0",
        "-o",
        "stop",
        " two",
        "one two",
    ])
    .await?;
    assert_eq!(said.trim(), "you said one");
    let asked = parts.writer.last();
    assert_eq!((asked.messages[0].role, asked.messages[0].content.as_str()), (Role::System, "Be brief."));
    let place = llm(&["-m", "scripted", "--schema", "city, population int", "Where?"]).await?;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&place)?["city"], "Thimphu");
    // A tool of its own, which the model asks for, is run and its result sent back.
    let weather = "def weather(city: str) -> str:\n    \"How it is there\"\n    return 'sunny in ' + city\n";
    let told = llm(&["-m", "scripted", "--functions", weather, "call it"]).await?;
    assert!(told.contains("sunny in Thimphu"), "{told}");
    let refused = llm(&["-m", "scripted", "-o", "temperature", "0", "refuse"]).await.unwrap_err().to_string();
    assert!(refused.contains("no such token"), "{refused}");
    Ok(())
}
