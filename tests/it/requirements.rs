//! Every row of the requirements is checked by some test, and every row a test names exists.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The rows: their ids and what they ask for.
fn rows() -> BTreeMap<String, String> {
    let text = fs::read_to_string(Path::new(ROOT).join("tests/fixtures/requirements.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut rows = BTreeMap::new();
    for (ids, statement) in lines.map(|line| line.split_once(" | ").unwrap()) {
        for id in ids.split(' ') {
            assert!(rows.insert(id.to_owned(), statement.to_owned()).is_none(), "{id} stands twice");
        }
    }
    rows
}

/// `US1`, `I-17` → its letters and number.
fn parts(word: &str) -> Option<(&str, u32)> {
    let digits = word.find(|c: char| c.is_ascii_digit())?;
    let (letters, number) = word.split_at(digits);
    let known =
        ["G", "GU", "US", "AI", "SQ", "RA", "AL", "OB", "TA", "CA", "SE", "J", "K", "X", "P", "B", "M", "O", "I-"];
    (known.contains(&letters) && number.chars().all(|c| c.is_ascii_digit())).then_some((letters, number.parse().ok()?))
}

/// The ids that stand before the colon of a test's comment: `US1, US3 to US5: …`.
fn named(comment: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let Some((ids, _)) = comment.split_once(": ") else { return all };
    let words: Vec<&str> = ids.split([',', ' ']).filter(|word| !word.is_empty()).collect();
    if !words.iter().all(|word| ["to", "and"].contains(word) || parts(word).is_some()) {
        return all;
    }
    for (at, word) in words.iter().enumerate() {
        let Some((letters, number)) = parts(word) else { continue };
        let first = match at.checked_sub(2).map(|before| (words[before], words[at - 1])) {
            Some((before, "to")) => parts(before).unwrap().1,
            _ => number,
        };
        all.extend((first..=number).map(|number| format!("{letters}{number}")));
    }
    all
}

/// The comments above tests, each in one line.
fn comments(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            comments(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let mut comment = String::new();
            for line in text.lines().map(str::trim) {
                match line.strip_prefix("///") {
                    Some(more) => comment = format!("{comment} {}", more.trim()),
                    None => {
                        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                            found.push((path.clone(), comment.trim().to_owned()));
                        }
                        comment.clear();
                    }
                }
            }
        }
    }
}

#[test]
fn every_row_has_a_test() {
    let rows = rows();
    let mut found = Vec::new();
    comments(&Path::new(ROOT).join("tests"), &mut found);
    comments(&Path::new(ROOT).join("src"), &mut found);
    let mut tested = BTreeSet::new();
    for (path, comment) in found {
        for id in named(&comment) {
            assert!(rows.contains_key(&id), "{}: there is no row {id}", path.display());
            tested.insert(id);
        }
    }
    let without: Vec<String> =
        rows.iter().filter(|(id, _)| !tested.contains(*id)).map(|(id, text)| format!("{id}: {text}")).collect();
    println!("{} rows, {} without a test", rows.len(), without.len());
    assert!(without.is_empty(), "rows without a test: {without:#?}");
}

#[test]
fn a_comment_names_its_rows() {
    let all = |comment: &str| named(comment).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(all("US1, TA3 to TA5, I-17: what a row is"), "I-17 TA3 TA4 TA5 US1");
    assert_eq!(all("What a turn does: US1 goes through"), "");
    assert_eq!(all("X1, some words: no"), "");
}
