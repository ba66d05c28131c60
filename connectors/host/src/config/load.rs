//! Layers a bot's config: defaults ← file ← environment ← flags. In: where the file is, the environment, overrides.
//! Out: a [`Config`], or which layer is wrong and the key that was probably meant.

use std::path::{Path, PathBuf};

use config::builder::DefaultState;
use config::{ConfigBuilder, File, FileFormat};
use serde::Deserialize;

use super::problem::{ConfigError, explained};
use super::{Config, Library};

/// The bot that runs when no file is named and `loquat.toml` is not there: the world's countries.
pub(crate) const BUILTIN_FILE: &str = include_str!("../../../../examples/world/loquat.toml");
/// The models of a bot whose file names none.
const DEFAULT_MODELS: &str = r#"
[models.smollm2]
languages = ["en"]
builtin = "smollm2"

[models.minimind2]
languages = ["zh"]
builtin = "minimind2"
"#;
/// Environment variables that are not keys of the config.
const NOT_KEYS: [&str; 3] = ["LOQUAT_CONFIG", "LOQUAT_LOG", "LOQUAT_LOG_FORMAT"];
/// Keys that are lists, written with commas in the environment.
const LISTS: [&str; 25] = [
    "access.allow",
    "access.block",
    "bot.languages",
    "bot.suggestions",
    "delivery.actions",
    "graph.sources",
    "graph.sparql.label_predicates",
    "graph.sparql.alias_predicates",
    "graph.sparql.description_predicates",
    "graph.sparql.languages",
    "runtime.providers",
    "runtime.affinity",
    "runtime.cuda.libraries",
    "runtime.tensorrt.profile.batch",
    "runtime.tensorrt.profile.tokens",
    "runtime.tensorrt.profile.past",
    "connectors.web.allowed_hosts",
    "connectors.web.origins",
    "connectors.web.trusted_proxies",
    "connectors.web.files.types",
    "connectors.irc.channels",
    "connectors.discord.guilds",
    "connectors.discord.channels",
    "connectors.discord.answer_all_in",
    "connectors.telegram.allowed_chats",
];

/// Where the file layer came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The sample inside the program.
    Builtin,
    /// A file; relative paths in it are relative to its folder.
    File(PathBuf),
}

impl Origin {
    /// What relative paths in the config are relative to; `None` for the sample.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Origin::Builtin => None,
            Origin::File(path) => path.parent(),
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Builtin => f.write_str("the built-in sample"),
            Origin::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What the command line says on top of file and environment: keys with their values.
pub type Overrides = Vec<(String, String)>;

/// A config and where it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The config, its paths resolved.
    pub config: Config,
    /// The file layer.
    pub origin: Origin,
}

/// Reads the config of `file`, else of `loquat.toml` here, else the built-in sample.
///
/// # Errors
/// When a layer cannot be read, or has a key or value that is not known.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    overrides: &Overrides,
) -> Result<Loaded, ConfigError> {
    let (origin, text) = read(file)?;
    let own_models = toml::from_str::<toml::Table>(&text).is_ok_and(|table| table.contains_key("models"));
    let mut builder = config::Config::builder();
    if !own_models {
        builder = builder.add_source(File::from_str(DEFAULT_MODELS, FileFormat::Toml));
    }
    let builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
    check(&builder, &origin.to_string())?;

    let mut builder = builder;
    for (name, value) in environment {
        let key = name.strip_prefix("LOQUAT_").filter(|_| !NOT_KEYS.contains(&name.as_str()));
        let Some(key) = key else { continue };
        builder = set(
            builder,
            &key.to_lowercase().replace("__", "."),
            &value,
            &format!("the environment ({name})"),
        )?;
    }
    for (key, value) in overrides {
        // Without the value: it may be a secret.
        builder = set(builder, key, value, &format!("--set {key}"))?;
    }
    let mut config = check(&builder, "the config")?;
    let wrong = |problem| ConfigError::Wrong { layer: "the config, `access`".to_owned(), problem };
    config.access.check().map_err(wrong)?;
    resolve(&mut config, &origin);
    Ok(Loaded { config, origin })
}

/// Sets one key from text. It stays text until the config takes it as what it needs: a token of digits is no number. A list has commas
/// between its items, or the form of TOML.
fn set(
    builder: ConfigBuilder<DefaultState>,
    key: &str,
    text: &str,
    layer: &str,
) -> Result<ConfigBuilder<DefaultState>, ConfigError> {
    let is_list = LISTS.contains(&key)
        || key.starts_with("models.") && key.ends_with(".languages")
        || key.starts_with("access.roles.");
    let value = if is_list { config::Value::from(list(text)) } else { config::Value::from(text) };
    let wrong = |problem: config::ConfigError| ConfigError::Wrong {
        layer: layer.to_owned(),
        problem: explain(&problem.to_string()),
    };
    let builder = builder.set_override(key, value).map_err(wrong)?;
    check(&builder, layer)?;
    Ok(builder)
}

fn list(text: &str) -> Vec<String> {
    let as_toml = toml::from_str::<toml::Table>(&format!("list = {text}")).ok();
    let items = as_toml.as_ref().and_then(|table| table.get("list")).and_then(toml::Value::as_array);
    match items {
        Some(items) => items.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect(),
        None => text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect(),
    }
}

fn read(file: Option<&Path>) -> Result<(Origin, String), ConfigError> {
    let here = Path::new("loquat.toml");
    let path = match file {
        Some(path) => path,
        None if here.is_file() => here,
        None => return Ok((Origin::Builtin, BUILTIN_FILE.to_owned())),
    };
    let unreadable = |source| ConfigError::Unreadable {
        what: "config",
        path: path.to_owned(),
        source,
        advice: "name another with `--config`, or write one from `loquat config sample`",
    };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    Ok((Origin::File(absolute), text))
}

fn check(builder: &ConfigBuilder<DefaultState>, layer: &str) -> Result<Config, ConfigError> {
    let layered = builder.clone().build().and_then(config::Config::try_deserialize);
    layered.map_err(|problem| ConfigError::Wrong {
        layer: layer.to_owned(),
        problem: explain(&unknown_variant(builder).unwrap_or_else(|| problem.to_string())),
    })
}

/// The problem with a value that is not one of those allowed. The `config` crate names the wrong one alone, serde all.
fn unknown_variant(builder: &ConfigBuilder<DefaultState>) -> Option<String> {
    let table: toml::Table = builder.clone().build().and_then(config::Config::try_deserialize).ok()?;
    let problem = Config::deserialize(table).err()?.to_string();
    problem.contains("unknown variant").then(|| problem.trim().to_owned())
}

/// The problem in words, without the value of a secret.
fn explain(message: &str) -> String {
    explained(&hushed(message), "loquat config sample")
}

/// The message without the value of a secret, where it quotes the line of one.
fn hushed(message: &str) -> String {
    let lines = message.lines().map(|line| {
        let quoted =
            line.split_once('|').and_then(|(margin, quoted)| Some((margin, quoted, secret(quoted)?)));
        match quoted {
            // All that stands behind the name: a line that is no TOML may have no `=`, or more than one.
            Some((margin, quoted, end)) => format!("{margin}|{} [redacted]", &quoted[..end]),
            None => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Where the first name of a secret ends.
fn secret(line: &str) -> Option<usize> {
    let line = line.to_ascii_lowercase();
    let ends = ["token", "password", "secret"].into_iter().flat_map(|name| {
        line.match_indices(name).map(|(start, name)| start + name.len()).collect::<Vec<_>>()
    });
    let is_end = |end: &usize| !line[*end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    ends.filter(is_end).min()
}

/// Makes paths absolute, as seen from the file that names them.
fn resolve(config: &mut Config, origin: &Origin) {
    let Some(folder) = origin.folder() else { return };
    let resolve = |path: &mut PathBuf| *path = folder.join(&*path);
    config.graph.sources.iter_mut().for_each(resolve);
    let runtime = &mut config.runtime;
    if let Library::File(path) = &mut runtime.library {
        resolve(path);
    }
    runtime.cuda.libraries.iter_mut().for_each(resolve);
    let paths = [&mut config.graph.store, &mut runtime.tensorrt.engines, &mut config.journal.folder];
    paths.into_iter().flatten().for_each(resolve);
    let web = &mut config.connectors.web;
    [&mut web.tls.certificate, &mut web.tls.key].into_iter().flatten().for_each(resolve);
    if let Some(key) = web.identity.public_key.as_mut().filter(|key| !key.contains("-----BEGIN")) {
        *key = folder.join(&*key).to_string_lossy().into_owned();
    }
    config.connectors.irc.ca_file.iter_mut().for_each(resolve);
    config.connectors.terminal.history_file.iter_mut().for_each(resolve);
    for model in config.models.values_mut() {
        model.path.iter_mut().for_each(resolve);
        model.adapters.values_mut().for_each(resolve);
        model.ensemble.iter_mut().map(|member| &mut member.path).for_each(resolve);
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::Policy;

    use super::*;

    fn with_file(
        text: &str,
        environment: &[(&str, &str)],
        overrides: &[(&str, &str)],
    ) -> Result<Loaded, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bot.toml");
        std::fs::write(&path, text).unwrap();
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        load(Some(&path), own(environment).into_iter(), &own(overrides))
    }

    #[test]
    fn later_layers_win() {
        let file = "[bot]\nname = \"File\"\nseed = 1\n[graph]\nsources = [\"a.ttl\"]\n";
        let environment =
            [("LOQUAT_BOT__SEED", "2"), ("LOQUAT_BOT__LANGUAGES", "zh,en"), ("LOQUAT_LOG", "debug")];
        let loaded = with_file(file, &environment, &[("bot.seed", "3"), ("bot.policy", "hedged")]).unwrap();
        let bot = loaded.config.bot;
        assert_eq!((bot.name.as_str(), bot.seed, bot.policy), ("File", 3, Policy::Hedged));
        assert_eq!(bot.languages[0].as_str(), "zh");
        assert!(loaded.config.graph.sources[0].is_absolute());
        assert_eq!(loaded.config.models.len(), 2);
        let secret = [("LOQUAT_CONNECTORS__WEB__TOKEN", "00123"), ("LOQUAT_CONNECTORS__WEB__PORT", "9000")];
        let web = with_file("", &secret, &[("models.mine.languages", "[\"zh\", \"en\"]")]).unwrap().config;
        assert_eq!(web.models["mine"].languages.len(), 2);
        assert_eq!(web.connectors.web.port, 9000);
        let token = web.connectors.web.token.unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(&token), "00123");
    }

    #[test]
    fn a_library_is_a_word_or_a_file_beside_the_config() {
        let library = |text: &str| {
            let file = format!("[runtime]\nlibrary = \"{text}\"\n");
            with_file(&file, &[], &[]).unwrap().config.runtime.library
        };
        assert_eq!(library("gpu"), Library::Gpu);
        let Library::File(path) = library("lib/libonnxruntime.so") else { panic!("not a file") };
        assert!(path.is_absolute());
        let set = [("LOQUAT_RUNTIME__AFFINITY", "1,2"), ("LOQUAT_RUNTIME__CUDA__TF32", "true")];
        let profile = [
            ("runtime.tensorrt.profile.batch", "1,4,16"),
            ("runtime.tensorrt.profile.tokens", "[\"1\", \"64\", \"512\"]"),
            ("runtime.tensorrt.profile.past", "0,0,2048"),
        ];
        let file = "[runtime.tensorrt.profile]\nbatch = [1, 1, 1]\ntokens = [1, 1, 1]\npast = [0, 0, 1]\n";
        let runtime = with_file(file, &set, &profile).unwrap().config.runtime;
        assert_eq!((runtime.affinity, runtime.cuda.tf32), (vec![1, 2], true));
        assert_eq!(runtime.tensorrt.profile.unwrap().tokens, [1, 64, 512]);
    }

    #[test]
    fn a_file_that_names_models_has_no_others() {
        let loaded = with_file("[models.mine]\npath = \"model\"\n", &[], &[]).unwrap();
        assert_eq!(loaded.config.models.keys().collect::<Vec<_>>(), ["mine"]);
    }

    #[test]
    fn an_unknown_key_names_its_layer_and_the_nearest() {
        let error = with_file("[bot]\nnmae = \"x\"\n", &[], &[]).unwrap_err().to_string();
        assert!(
            error.contains("bot.toml") && error.contains("`nmae`") && error.contains("did you mean `name`"),
            "{error}"
        );
        let error = with_file("", &[("LOQUAT_CONNECTORS__WEB__PROT", "1")], &[]).unwrap_err().to_string();
        assert!(error.contains("environment") && error.contains("did you mean `port`"), "{error}");
        let error = with_file("", &[], &[("bot.policy", "strickt")]).unwrap_err().to_string();
        assert!(error.contains("--set") && error.contains("did you mean `strict`"), "{error}");
        let error = with_file("", &[], &[("connectors.web.tokn", "s3cret")]).unwrap_err().to_string();
        assert!(error.contains("did you mean `token`") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn a_line_that_is_no_toml_is_quoted_without_its_secret() {
        for line in [
            "token = 123456:s3cret",
            "\"password\" = s3cret",
            "secret=s3cret",
            "token: 123456:s3cret",
            "Token s3cret",
            "more = { token = 123456:s3cret }",
            "account_password = s3cret = s3cret",
        ] {
            let error = with_file(&format!("[connectors.web]\n{line}\n"), &[], &[]).unwrap_err().to_string();
            assert!(error.contains("[redacted]") && !error.contains("s3cret"), "{error}");
        }
        let error = with_file("[model]\nmax_tokens = lots\n", &[], &[]).unwrap_err().to_string();
        assert!(error.contains("lots"), "{error}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let loaded =
            with_file("[hub]\ntoken = \"hf_secret\"\n[connectors.web]\ntoken = \"s3cret\"\n", &[], &[])
                .unwrap();
        let shown = format!("{}{:?}", toml::to_string(&loaded.config).unwrap(), loaded.config);
        assert!(!shown.contains("hf_secret") && !shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("[redacted]"));
    }

    #[test]
    fn the_builtin_sample_and_the_printed_sample_are_valid() {
        let nothing = std::iter::empty;
        let builtin = load(Some(Path::new("no such file")), nothing(), &Vec::new()).unwrap_err();
        assert!(builtin.to_string().contains("no such file"));
        assert!(with_file(BUILTIN_FILE, &[], &[]).is_ok());
        let sample = with_file(&super::super::sample(), &[], &[]).unwrap();
        assert_eq!(sample.config.connectors.web.port, 8080);
    }
}
