//! A process that is killed, for real.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

/// Tells the process that is killed where it trains, and where it is stuck in writing.
const FOLDER: &str = "LOQUAT_TEST_RUN";
const STUCK: &str = "LOQUAT_TEST_STUCK";

/// Writes each step to standard output, and waits there for ever after the one that it is stuck at.
struct Printing(u64);

impl Observer for Printing {
    fn tell(&mut self, event: &Event<'_>) {
        if let Event::Stepped(step) = event
            && step.step == self.0
        {
            println!("\nstep {}", step.step);
            loop {
                std::thread::park();
            }
        }
    }
}

/// The process that is killed. It does nothing where it is run as a test among the others.
#[test]
fn the_one_that_is_killed() {
    let (Ok(folder), Ok(stuck)) = (std::env::var(FOLDER), std::env::var(STUCK)) else { return };
    let (kind, step) = stuck.split_once(' ').unwrap();
    let step = step.parse().unwrap();
    let mut model = Bigram::new();
    let is_saving = kind == "saving";
    model.fault = if is_saving { Fault::StuckSaving(step) } else { Fault::None };
    let mut observer = Printing(if is_saving { u64::MAX } else { step });
    let (train, dev) = (documents(60, 1), documents(20, 2));
    let options = options(Path::new(&folder));
    run(&mut model, &train, Some(&dev), &options, &mut observer, &AtomicBool::new(false)).unwrap();
}

/// Trains in a process of its own, and kills it once it is stuck.
fn kill(folder: &Path, stuck: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "run::tests::killed::the_one_that_is_killed", "--nocapture"])
        .env(FOLDER, folder)
        .env(STUCK, stuck)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_stuck = lines.map_while(Result::ok).any(|line| line == "saving" || line.starts_with("step "));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_stuck, "it ended before it was killed");
}

#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let whole = TempDir::new().unwrap();
    let mut sound = Bigram::new();
    let reference = go(&mut sound, &options(whole.path())).1;
    let total = reference.steps.len() as u64;
    let steps = (1..total).map(|step| (format!("step {step}"), (step - 1) / 3 * 3));
    let saves = [3, 6, 9].map(|step| (format!("saving {step}"), step - 3));
    for (stuck, from) in steps.chain(saves) {
        let folder = TempDir::new().unwrap();
        kill(folder.path(), &stuck);
        let mut resumed = Bigram::new();
        let (outcome, notes) = go(&mut resumed, &options(folder.path()));
        assert_eq!(outcome.unwrap().ended, Ended::Finished, "{stuck}");
        assert_eq!(notes.resumed.unwrap_or(0), from, "{stuck}");
        assert_eq!(notes.steps, reference.steps[from as usize..], "{stuck}");
        assert_eq!(resumed.table(), sound.table(), "{stuck}");
        let names = std::fs::read_dir(folder.path().join("checkpoints")).unwrap().flatten();
        let hidden = names.filter(|entry| entry.file_name().to_string_lossy().starts_with('.')).count();
        assert_eq!(hidden, 0, "{stuck} left something behind");
    }
}
