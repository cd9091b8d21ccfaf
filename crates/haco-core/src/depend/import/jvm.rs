//! Java and Kotlin: the first two parts of a package. No rule leads from a package to the artifact that brings it, so what
//! is unknown is only flagged.

use super::{Certainty, Import, Language, Need, Place};
use crate::depend::entry::System;

pub(super) const LANGUAGE: Language = Language {
    system: System::Maven,
    extensions: &["java", "kt"],
    imports,
    is_standard: |root| {
        let first = root.split('.').next().unwrap_or(root);
        ["java", "javax", "jdk", "kotlin", "sun", "android", "dalvik"].contains(&first)
            || ["org.w3c", "org.xml", "org.ietf", "com.sun"].contains(&root)
    },
    is_local: |root, place: &Place<'_>| {
        let dir = root.replace('.', "/");
        place.paths.iter().any(|p| p.contains(&format!("{dir}/"))) || !root.contains('.')
    },
    is_of: |root, package| {
        let same =
            |text: &str| text.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']));
        let last = root.rsplit('.').next().unwrap_or(root);
        same(package) || package.split([':', '.', '-']).any(|part| part == last)
    },
    certainty: Certainty::Unsure,
};

fn imports(text: &str) -> Vec<Import> {
    let root = |(n, line): (usize, &str)| {
        let name = line.trim().strip_prefix("import ")?;
        let name = name.trim_start_matches("static ").trim().trim_end_matches(';');
        let parts: Vec<&str> = name.split('.').collect();
        let lower = parts.iter().take(2).take_while(|p| p.starts_with(|c: char| c.is_lowercase())).count();
        (parts.len() > 1 && lower > 0).then(|| Import { root: parts[..lower].join("."), line: n + 1, need: Need::Must })
    };
    text.lines().enumerate().filter_map(root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_by_their_first_two_parts() {
        let text = "import java.util.List;\nimport static org.junit.Assert.*;\nimport com.Evil;\nimport x.Y as Z\n";
        let found: Vec<String> = imports(text).into_iter().map(|i| i.root).collect();
        assert_eq!(found, ["java.util", "org.junit", "com", "x"]);
    }
}
