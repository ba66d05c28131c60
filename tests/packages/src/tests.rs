//! What is there as a whole is not installed again; what is not, or is of another list, is.

use std::fs;

use crate::Packages;
use crate::node::major;

#[test]
fn a_folder_is_made_once_for_each_list_and_anew_where_it_broke_off() {
    let leftovers = tempfile::tempdir().unwrap();
    let packages = Packages::new(leftovers.path().to_str().unwrap(), "once");
    let make = |of: &str, fails: bool| {
        let mut made = false;
        let outcome = packages.once("list", of, |folder| {
            made = true;
            assert!(!folder.join("file").exists(), "nothing is left of what was there before");
            fs::write(folder.join("file"), of)?;
            anyhow::ensure!(!fails, "no network");
            Ok(())
        });
        (made, outcome.is_ok())
    };
    assert_eq!(make("one==1", true), (true, false));
    assert_eq!(make("one==1", false), (true, true));
    assert_eq!(make("one==1", false), (false, true));
    assert_eq!(make("one==2", false), (true, true));
}

#[test]
fn a_nodes_version_is_read() {
    assert_eq!(major("v20.20.2\n"), Some(20));
    assert_eq!(major(""), None);
}
