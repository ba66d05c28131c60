//! The chat's modules as one. In: modules, each after those that it imports from. Out: one module without comments and indentation. A
//! browser then asks once, in place of finding out file by file what is imported. Only fit for modules written for it: an import is one
//! line, a name at the top is of one module alone, and no text goes over lines; a test holds them to it.

/// One module out of several.
pub(super) fn joined<'a>(modules: impl IntoIterator<Item = &'a str>) -> String {
    let lines =
        modules.into_iter().flat_map(|module| module.lines().filter(|line| !line.starts_with("import ")));
    let lines: Vec<&str> = lines.map(|line| line.strip_prefix("export ").unwrap_or(line)).collect();
    stripped(&lines.join("\n"))
}

/// Without comments that have lines of their own, and without indentation.
pub(super) fn stripped(text: &str) -> String {
    let mut is_comment = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.lines().map(str::trim) {
        let begins = !is_comment && line.starts_with("/*");
        if begins || is_comment {
            is_comment = !line.ends_with("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The names that a module has at its top.
#[cfg(test)]
pub(super) fn names(module: &str) -> impl Iterator<Item = &str> {
    module.lines().filter_map(|line| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let line = line.strip_prefix("async ").unwrap_or(line);
        let rest =
            ["function ", "class ", "const ", "let "].iter().find_map(|word| line.strip_prefix(word))?;
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
    })
}
