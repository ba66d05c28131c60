//! What goes wrong in a run, and what is left then.

use super::*;

fn with(fault: Fault, options: &RunOptions) -> (Result<Outcome, RunError<std::io::Error>>, Notes) {
    let mut model = Bigram::new();
    model.fault = fault;
    go(&mut model, options)
}

/// Whether a run in a folder can go on to its end, and ends as one that nothing happened to.
fn goes_on(options: &RunOptions, from: u64) {
    let whole = TempDir::new().unwrap();
    let (mut sound, mut resumed) = (Bigram::new(), Bigram::new());
    go(&mut sound, &RunOptions { folder: whole.path().to_owned(), ..options.clone() }).0.unwrap();
    let (outcome, notes) = go(&mut resumed, options);
    assert_eq!(outcome.unwrap().ended, Ended::Finished);
    assert_eq!(notes.resumed.unwrap_or(0), from);
    assert_eq!(sound.table(), resumed.table());
}

#[test]
fn what_is_no_number_ends_the_run_and_is_not_kept() {
    for (fault, what, step) in [
        (Fault::NoNumber(8), "the loss is NaN", 8),
        (Fault::Steep(8), "the gradient is inf", 8),
        // The update before the last evaluation that is due: no checkpoint may have it.
        (Fault::Infinite(9), "the loss on the dev documents is NaN", 9),
    ] {
        let folder = TempDir::new().unwrap();
        let options = options(folder.path());
        let (outcome, notes) = with(fault, &options);
        let error = outcome.unwrap_err();
        let told = error.to_string();
        assert!(told.contains(what) && told.contains(&format!("step {step}")), "{told}");
        assert!(told.contains("learning rate") && told.contains("step-00000006"), "{told}");
        assert!(matches!(error, RunError::NotFinite(NotFinite { step: at, .. }) if at == step));
        assert_eq!(notes.kept, [3, 6]);
        goes_on(&options, 6);
    }
}

#[test]
fn a_checkpoint_without_an_evaluation_is_of_a_sane_model() {
    let folder = TempDir::new().unwrap();
    let options = RunOptions { checkpoint_every: 2, evaluate_every: 50, ..options(folder.path()) };
    let (outcome, notes) = with(Fault::Infinite(4), &options);
    assert!(outcome.unwrap_err().to_string().contains("step-00000002"));
    assert_eq!(notes.kept, [2]);
    goes_on(&options, 2);
}

#[test]
fn a_full_disk_leaves_the_last_checkpoint_and_the_run_goes_on() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    let (outcome, notes) = with(Fault::FullDisk(6, 9), &options);
    assert_eq!(outcome.unwrap().ended, Ended::Finished);
    // The best weights and the checkpoint of step 6.
    assert_eq!(notes.told.len(), 2, "{:?}", notes.told);
    assert!(
        notes.told.iter().all(|told| told.contains("space") || told.contains("full")),
        "{:?}",
        notes.told
    );
    assert_eq!(notes.kept[..2], [3, 9]);
    let left: Vec<_> = std::fs::read_dir(folder.path().join("checkpoints")).unwrap().flatten().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_disk_that_stays_full_ends_the_run_with_the_last_checkpoint_whole() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    let (outcome, notes) = with(Fault::FullDisk(6, u64::MAX), &options);
    let told = outcome.unwrap_err().to_string();
    assert!(told.contains("step-00000012 cannot be written") && told.contains("checkpoint is"), "{told}");
    assert!(told.contains("step-00000003"), "{told}");
    assert_eq!((notes.kept.as_slice(), notes.steps.len()), (&[3][..], 12));
    goes_on(&options, 3);
}

#[test]
fn a_model_that_fails_says_from_where_it_can_go_on() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    let told = with(Fault::Broken(5), &options).0.unwrap_err().to_string();
    assert!(told.contains("step 5 failed: out of memory") && told.contains("step-00000003"), "{told}");
    goes_on(&options, 3);
    let told = with(Fault::Broken(2), &RunOptions { folder: folder.path().join("new"), ..options });
    assert!(told.0.unwrap_err().to_string().contains("no checkpoint yet"));
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_is_taken() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    with(Fault::Broken(8), &options).0.unwrap_err();
    let last = checkpoints(folder.path()).pop().unwrap();
    std::fs::write(last.join("state.bin"), "half").unwrap();
    goes_on(&options, 3);

    with(Fault::None, &options).0.unwrap();
    for checkpoint in checkpoints(folder.path()) {
        std::fs::write(checkpoint.join("run.json"), "{").unwrap();
    }
    let (outcome, notes) = with(Fault::None, &options);
    let told = outcome.unwrap_err().to_string();
    assert!(told.contains("no checkpoint") && told.contains("run.json"), "{told}");
    assert_eq!(notes.told.len(), 2);
}

#[test]
fn a_run_over_other_data_is_another_run() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    with(Fault::Broken(5), &options).0.unwrap_err();
    let other = RunOptions { seed: 2, ..options.clone() };
    let told = with(Fault::None, &other).0.unwrap_err().to_string();
    assert!(told.contains("another seed") && told.contains("begin anew"), "{told}");
    let (train, dev) = (documents(61, 1), documents(20, 2));
    let told =
        run(&mut Bigram::new(), &train, Some(&dev), &options, &mut Notes::default(), &AtomicBool::new(false));
    assert!(matches!(told, Err(RunError::OtherRun { what, .. }) if what.contains("training documents")));
}

#[test]
fn a_run_of_another_model_is_another_run_and_other_means_are_told() {
    let folder = TempDir::new().unwrap();
    let with_base = |base: &str, threads: &str| {
        let map = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
        let (model, means) = (map("base", base), map("threads", threads));
        RunOptions { model, means, ..options(folder.path()) }
    };
    with(Fault::Broken(5), &with_base("a", "1")).0.unwrap_err();
    let told = with(Fault::None, &with_base("b", "1")).0.unwrap_err().to_string();
    assert!(told.contains("another base") && told.contains("--fresh"), "{told}");
    let told = with(Fault::None, &options(folder.path())).0.unwrap_err().to_string();
    assert!(told.contains("another base"), "{told}");
    let (outcome, notes) = with(Fault::None, &with_base("a", "2"));
    assert_eq!((outcome.unwrap().ended, notes.told), (Ended::Finished, vec!["threads".to_owned()]));
}

#[test]
fn a_run_that_is_over_is_not_taken_for_one_that_was_made_otherwise() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    let first = with(Fault::None, &options).0.unwrap();
    let faster = RunOptions { peak: 0.1, ..options.clone() };
    let told = with(Fault::None, &faster).0.unwrap_err();
    assert!(matches!(&told, RunError::Over { keys, .. } if *keys == ["rate"]), "{told}");
    assert!(told.to_string().contains("is over") && told.to_string().contains("another rate"), "{told}");
    // What is learnt does not depend on how much is kept; a longer run goes on.
    let more = RunOptions { keep: 3, ..options.clone() };
    assert_eq!(with(Fault::None, &more).0.unwrap().state.step, first.state.step);
    let longer = RunOptions { length: Length::Epochs(3.0), ..options.clone() };
    assert!(with(Fault::None, &longer).0.unwrap().state.step > first.state.step);
    // Begun anew, it is made as is said.
    let (fresh, notes) = with(Fault::None, &RunOptions { fresh: true, ..faster });
    assert_eq!((fresh.unwrap().state.step, notes.resumed), (first.state.step, None));
}

#[test]
fn a_fresh_run_removes_nothing_before_it_has_the_folder() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    with(Fault::None, &options).0.unwrap();
    let before = checkpoints(folder.path());
    let held = Checkpoints::open::<std::io::Error>(&options).unwrap();
    let fresh = RunOptions { fresh: true, ..options };
    assert!(matches!(with(Fault::None, &fresh).0, Err(RunError::Locked { .. })));
    assert_eq!(checkpoints(folder.path()), before);
    assert!(folder.path().join("best/model.txt").is_file());
    drop(held);
}

#[test]
fn a_run_of_another_version_is_said_to_be_one() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    with(Fault::Broken(5), &options).0.unwrap_err();
    let last = checkpoints(folder.path()).pop().unwrap().join("run.json");
    std::fs::write(&last, r#"{"version": 1, "step": 3}"#).unwrap();
    let told = with(Fault::None, &options).0.unwrap_err();
    assert!(matches!(told, RunError::Version { .. }), "{told}");
    assert!(told.to_string().contains("of version 1") && told.to_string().contains("--fresh"), "{told}");
}

#[test]
fn what_is_kept_after_a_damaged_checkpoint_stays() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    with(Fault::Broken(8), &options).0.unwrap_err();
    let damaged = checkpoints(folder.path()).pop().unwrap();
    assert!(damaged.ends_with("step-00000006"), "{}", damaged.display());
    std::fs::write(damaged.join("state.bin"), "half").unwrap();
    // It goes on from the one before, and fails again before it comes to the damaged one's step.
    let (outcome, notes) =
        with(Fault::Broken(5), &RunOptions { keep: 1, checkpoint_every: 1, ..options.clone() });
    let told = outcome.unwrap_err().to_string();
    assert_eq!(notes.resumed, Some(3));
    assert!(told.contains("the last checkpoint is") && told.contains("step-00000004"), "{told}");
    assert_eq!(checkpoints(folder.path()).len(), 1);
    assert!(folder.path().join("checkpoints/.step-00000006.damaged/state.bin").is_file());
    goes_on(&options, 4);
}

#[test]
fn two_processes_do_not_train_in_one_folder() {
    let folder = TempDir::new().unwrap();
    let options = options(folder.path());
    let held = Checkpoints::open::<std::io::Error>(&options).unwrap();
    let told = with(Fault::None, &options).0.unwrap_err();
    assert!(matches!(told, RunError::Locked { .. }));
    drop(held);
    with(Fault::None, &options).0.unwrap();
}
