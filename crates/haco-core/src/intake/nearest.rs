//! The known name that somebody probably meant.

/// The nearest of `known` to `name`, where it is near enough to be a slip: at most a third of its letters differ.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_ascii_lowercase().replace(['-', ' '], "_");
    let part = |k: &str| k.len() > 3 && (name.split('_').any(|p| p == k) || k.split('_').any(|p| p == name));
    let close = known.iter().map(|k| (distance(&name, k), *k)).min().filter(|(d, k)| d * 3 <= k.len());
    close.map(|(_, k)| k).or_else(|| known.iter().copied().find(|k| part(k)))
}

/// Letters to insert, delete or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(80).enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_and_a_stranger_finds_none() {
        let known = ["description", "target_files", "new_files", "constraints", "tests"];
        assert_eq!(nearest("descripton", &known), Some("description"));
        assert_eq!(nearest("targetFiles", &known), Some("target_files"));
        assert_eq!(nearest("Test", &known), Some("tests"));
        assert_eq!(nearest("colour", &known), None);
    }
}
