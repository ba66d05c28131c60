//! What `loquat doctor` says of the web chat. In: a config and the folder that it keeps its files in. Out: what was found, and what to do
//! about it. Changes nothing.

use std::fs;
use std::path::Path;

use loquat_contract::Check;

use crate::keys::Keys;
use crate::serve::{HostSite, Tls};
use crate::{Config, bind};

/// Tries the config on this machine: the port, who is let in, the certificate, the host site's key and the API keys.
pub fn examine(config: &Config, folder: &Path) -> Vec<Check> {
    let wrong = "correct `[connectors.web]`";
    if let Err(error) = config.check() {
        return vec![check("config", error.to_string(), Some(wrong))];
    }
    let mut checks = vec![visitors(config)];
    let mut usable = true;
    match Tls::new(&config.tls) {
        Ok(None) => {}
        Ok(Some(_)) => checks.push(check("TLS", "the certificate and its key fit".to_owned(), None)),
        Err(error) => {
            usable = false;
            checks.push(check(
                "TLS",
                error.to_string(),
                Some("correct `[connectors.web.tls]`, or the files' rights"),
            ));
        }
    }
    match HostSite::new(&config.identity) {
        Ok(None) => {}
        Ok(Some(site)) => {
            checks.push(check("identity", format!("the site signs with {}", site.algorithm()), None));
        }
        Err(error) => {
            usable = false;
            checks.push(check("identity", error.to_string(), Some("correct `[connectors.web.identity]`")));
        }
    }
    if usable {
        checks.push(port(config));
    }
    checks.extend(keys(folder));
    checks
}

fn port(config: &Config) -> Check {
    match bind(config) {
        Ok(bound) if bound.moved() => {
            let what = format!("port {} is taken; {} would be used", config.port, bound.address());
            check("port", what, Some("stop what uses the port, or set `connectors.web.port`"))
        }
        Ok(bound) => check("port", bound.link(), None),
        Err(error) => check("port", error.to_string(), Some("correct `[connectors.web]`")),
    }
}

fn visitors(config: &Config) -> Check {
    let what = match config.entry() {
        "open" if config.public => "everybody who reaches the address",
        "open" => "everybody on this machine",
        "token" => "who knows the token",
        _ => "whom the site names",
    };
    // A proxy on this machine makes everybody seem to be here, and then no limit of an address counts.
    let unnamed_proxy =
        !config.allowed_hosts.is_empty() && config.trusted_proxies.is_empty() && config.host.is_loopback();
    let advice =
        "name the proxy in `connectors.web.trusted_proxies`, so that limits count for the people behind it";
    check("visitors", format!("let in: {what}"), unnamed_proxy.then_some(advice))
}

fn keys(folder: &Path) -> Vec<Check> {
    let keys = Keys::kept_in(folder);
    let mut checks = Vec::new();
    match keys.list() {
        Ok(all) if all.is_empty() => {}
        Ok(all) => checks.push(check("keys", format!("{} in {}", all.len(), keys.path().display()), None)),
        Err(error) => checks.push(check("keys", error.to_string(), Some("correct the file, or its rights"))),
    }
    for path in [keys.path().to_owned(), folder.join("secret")] {
        if others_read(&path) {
            let what = format!("other users of this machine may read {}", path.display());
            checks.push(check("rights", what, Some("take their rights away: `chmod 600` the file")));
        }
    }
    checks
}

#[cfg(unix)]
fn others_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_read(path: &Path) -> bool {
    let _ = fs::metadata(path);
    false
}

fn check(name: &str, what: String, advice: Option<&str>) -> Check {
    Check { name: name.to_owned(), what, advice: advice.map(str::to_owned) }
}
