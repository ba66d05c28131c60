//! Reads a recipe. In: a file, keys set over it. Out: the recipe, or which file, line and key is wrong and what was probably meant.

use std::path::Path;

use loquat::config::{ConfigError, explained};

use super::Recipe;

impl Recipe {
    /// Reads `path` and sets `overrides` over it, in their order.
    ///
    /// # Errors
    /// When the file cannot be read, or it or an override has a key or value that is not known.
    pub fn load(path: &Path, overrides: &[(String, String)]) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable {
            what: "recipe",
            path: path.to_owned(),
            source,
            advice: "name another, or begin one with `loquat-train sample > recipe.toml`",
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let absolute = std::path::absolute(path).map_err(unreadable)?;
        let mut recipe = parse(&text, &path.display().to_string())?;
        let mut table: toml::Table = toml::from_str(&text).map_err(|error| ConfigError::Wrong {
            layer: path.display().to_string(),
            problem: error.message().to_owned(),
        })?;
        for (key, value) in overrides {
            let layer = format!("--set {key}={value}");
            set(&mut table, key, value)
                .map_err(|problem| ConfigError::Wrong { layer: layer.clone(), problem })?;
            recipe = serde_path_to_error::deserialize(table.clone()).map_err(|error| ConfigError::Wrong {
                layer,
                problem: explain(&error.path().to_string(), error.inner().message()),
            })?;
        }
        recipe.resolve(absolute.parent().unwrap_or(Path::new(".")));
        recipe
            .check()
            .map_err(|problem| ConfigError::Wrong { layer: path.display().to_string(), problem })?;
        Ok(recipe)
    }

    /// What no type can say.
    fn check(&self) -> Result<(), String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || !self.name.chars().all(is_plain) || self.name.starts_with('.') {
            return Err(format!(
                "`name` is {:?}, and names files: use letters, digits, `-`, `_` and `.` alone",
                self.name
            ));
        }
        self.run.check()?;
        self.export.check()?;
        self.tune.check()?;
        self.ensemble.check()?;
        self.eval.check()
    }
}

fn parse(text: &str, file: &str) -> Result<Recipe, ConfigError> {
    let wrong = |error: &toml::de::Error, key: &str| {
        let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
        let layer = line.map_or_else(|| file.to_owned(), |line| format!("{file}, line {line}"));
        ConfigError::Wrong { layer, problem: explain(key, error.message()) }
    };
    let reader = toml::Deserializer::parse(text).map_err(|error| wrong(&error, "."))?;
    serde_path_to_error::deserialize(reader).map_err(|error| wrong(error.inner(), &error.path().to_string()))
}

/// Sets a key such as `run.rate` or `tune.space."run.rate"` to a value as TOML writes it, or else to the text itself.
fn set(table: &mut toml::Table, key: &str, text: &str) -> Result<(), String> {
    let as_toml = toml::from_str::<toml::Table>(&format!("value = {text}")).ok();
    let value = as_toml.and_then(|mut table| table.remove("value"));
    let value = value.unwrap_or_else(|| toml::Value::String(text.to_owned()));
    let mut names = names(key)?.into_iter().peekable();
    let mut within = table;
    while let Some(name) = names.next() {
        if names.peek().is_none() {
            within.insert(name, value);
            return Ok(());
        }
        let inner = within.entry(name.as_str()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        within = inner.as_table_mut().ok_or_else(|| format!("`{name}` has no keys below it"))?;
    }
    Ok(())
}

/// The parts of a dotted key, some of which may stand in quotation marks, as TOML reads them.
fn names(key: &str) -> Result<Vec<String>, String> {
    let wrong = |_| format!("`{key}` is no key; write it as in the recipe, such as run.rate");
    let mut at = toml::from_str::<toml::Table>(&format!("{key} = 0")).map_err(wrong)?;
    let mut names = Vec::new();
    while let Some((name, value)) = at.into_iter().next() {
        names.push(name);
        match value {
            toml::Value::Table(inner) => at = inner,
            _ => break,
        }
    }
    Ok(names)
}

/// The problem in words, with its key.
fn explain(key: &str, message: &str) -> String {
    let place = if key == "." { String::new() } else { format!("`{key}`: ") };
    place + &explained(message, "loquat-train sample")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::sample;

    const LEAST: &str = "name = \"shop\"\nbase = \"smollm2\"\noutput = \"runs/shop\"\n";

    fn load(text: &str, overrides: &[(&str, &str)]) -> Result<Recipe, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, text).unwrap();
        let overrides: Vec<_> =
            overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Recipe::load(&path, &overrides).map_err(|error| error.to_string())
    }

    #[test]
    #[cfg(unix)]
    fn paths_are_told_without_detours_and_lead_where_the_system_goes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        for name in ["recipes", "far/away"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        std::os::unix::fs::symlink("../far/away", folder.join("recipes/link")).unwrap();
        let path = folder.join("recipes/recipe.toml");
        std::fs::write(&path, LEAST).unwrap();
        let output = |output: &str| {
            let recipe = Recipe::load(&path, &[("output".to_owned(), output.to_owned())]).unwrap();
            recipe.output.strip_prefix(&folder).unwrap().to_owned()
        };
        for (written, meant) in [
            ("out", "recipes/out"),
            ("../runs/out", "runs/out"),
            ("..", ""),
            ("link/../out", "far/out"),
            ("../recipes/link", "recipes/link"),
            ("none/../out", "recipes/none/../out"),
        ] {
            assert_eq!(output(written), Path::new(meant), "{written}");
        }
    }

    #[test]
    fn a_key_has_its_default_and_flags_win() {
        let recipe =
            load(&format!("{LEAST}[run]\nrate = 1e-3\n"), &[("run.rate", "2e-4"), ("seed", "7")]).unwrap();
        assert_eq!((recipe.run.rate, recipe.seed), (2e-4, 7));
        assert!(recipe.output.is_absolute() && recipe.output.ends_with("runs/shop"));
        assert_eq!(recipe.base, "smollm2");
        let again = load(&recipe.to_toml().unwrap(), &[]).unwrap();
        assert_eq!(again.to_toml().unwrap(), recipe.to_toml().unwrap());
    }

    #[test]
    fn a_wrong_key_names_file_line_and_what_was_meant() {
        let error = load(&format!("{LEAST}[run]\nepochs = 3\nrte = 1e-3\n"), &[]).unwrap_err();
        assert!(error.contains("recipe.toml, line 6") && error.contains("`rte`"), "{error}");
        assert!(error.contains("did you mean `rate`"), "{error}");
        let error = load(&format!("{LEAST}[run]\nrate = \"fast\"\n"), &[]).unwrap_err();
        assert!(error.contains("line 5") && error.contains("run.rate"), "{error}");
        let error = load(LEAST, &[("run.schedule", "cosin")]).unwrap_err();
        assert!(
            error.contains("--set run.schedule=cosin") && error.contains("did you mean `cosine`"),
            "{error}"
        );
        let error = load(LEAST, &[("name.first", "x")]).unwrap_err();
        assert!(error.contains("`name` has no keys"), "{error}");
        let error = load("name = ", &[]).unwrap_err();
        assert!(error.contains("line 1"), "{error}");
        let error = load("name = \"x\"\nbase = \"y\"\n", &[]).unwrap_err();
        assert!(error.contains("missing field `output`"), "{error}");
    }

    #[test]
    fn a_key_with_dots_of_its_own_is_set_as_toml_writes_it() {
        let range = "{ low = 1e-5, high = 1e-3, log = true }";
        let by_flag = load(LEAST, &[("tune.space.\"run.rate\"", range)]).unwrap();
        let by_file = load(&format!("{LEAST}[tune.space]\n\"run.rate\" = {range}\n"), &[]).unwrap();
        assert!(!by_flag.tune.space.ranges.is_empty());
        assert_eq!(by_flag.tune.space, by_file.tune.space);
        for key in ["", "run..rate", "run.\"rate"] {
            let error = load(LEAST, &[(key, "1")]).unwrap_err();
            assert!(error.contains("is no key"), "{key}: {error}");
        }
    }

    #[test]
    fn what_no_type_says_is_checked() {
        for (key, value, named) in [
            ("name", "a/b", "`name`"),
            ("run.rate", "-1.0", "`run.rate`"),
            ("run.keep", "0", "`run.keep`"),
            ("run.accumulate", "0", "`run.accumulate`"),
            ("run.warmup_share", "1.5", "`run.warmup_share`"),
            ("run.row_tokens", "1", "`run.row_tokens`"),
            ("export.forms", "[]", "`export.forms`"),
            ("export.forms", "[\"int8\", \"int8\"]", "twice"),
            ("export.forms", "[\"fp3\"]", "did you mean `fp32`"),
            ("export.tolerance.fp32", "0.0", "`export.tolerance.fp32`"),
        ] {
            let error = load(LEAST, &[(key, value)]).unwrap_err();
            assert!(error.contains(named), "{key}: {error}");
        }
    }

    #[test]
    fn the_sample_has_every_key_with_its_default() {
        let commented = sample();
        let from_sample = load(&commented, &[]).unwrap();
        let from_defaults =
            load("name = \"shop\"\nbase = \"smollm2\"\noutput = \"runs/shop\"\n", &[]).unwrap();
        // All but the paths, which have another folder in each.
        assert_eq!(
            toml::Value::try_from(&from_sample.run).unwrap(),
            toml::Value::try_from(&from_defaults.run).unwrap()
        );
        for (key, _) in toml::Table::try_from(&from_defaults.run).unwrap() {
            assert!(commented.contains(&key), "the sample says nothing of run.{key}");
        }
        assert_eq!(from_sample.export, from_defaults.export);
        for (key, _) in toml::Table::try_from(&from_defaults.export).unwrap() {
            assert!(commented.contains(&key), "the sample says nothing of export.{key}");
        }
    }
}
