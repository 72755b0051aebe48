//! The order of the source itself: each outside crate has one home, the pure modules know no edge, files stay short,
//! every test file is in the test program, and no text names somebody's machine.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;
use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The most lines of a source file.
const LINES_MAX: usize = 400;
/// Outside crates and the places that may name them: a folder, or a file without its ending.
const HOMES: &[(&str, &[&str])] = &[
    ("argon2", &["store/sign_in_key"]),
    ("audioadapter_buffers", &["hearing"]),
    ("clap", &["cli", "main"]),
    ("cpal", &["hearing"]),
    ("earshot", &["hearing"]),
    ("evdev", &["hearing/key"]),
    ("futures_util", &["store"]),
    ("gilrs", &["hearing/key"]),
    ("hound", &["hearing", "voice"]),
    ("http_body_util", &["control/metrics"]),
    ("hyper", &["control/metrics"]),
    ("hyper_util", &["control/metrics"]),
    ("indicatif", &["show"]),
    ("notify_rust", &["control/notes"]),
    ("prometheus_client", &["control/metrics"]),
    ("reqwest", &["commander"]),
    ("rodio", &["voice"]),
    ("rpassword", &["secrets"]),
    ("rtrb", &["hearing"]),
    ("rubato", &["hearing"]),
    ("rustix", &["hearing/key", "setup/ask"]),
    ("rustls", &["commander"]),
    ("sqlx", &["store"]),
    ("strsim", &["config", "eval", "guild_file"]),
    ("toml_edit", &["setup/file"]),
    ("tracing_appender", &["telemetry"]),
    ("tracing_chrome", &["telemetry"]),
    ("tracing_subscriber", &["telemetry"]),
    ("tts", &["voice"]),
    ("whisper_rs", &["speech"]),
    ("x11rb", &["hearing/key"]),
];
/// Modules that compute and do nothing else.
const PURE: &[&str] =
    &["authority", "commander/grammar", "commander/prompt", "domain", "intent", "names", "outcome", "reply"];
/// Modules that touch the world.
const EDGES: &[&str] = &["commander::wire", "hearing", "speech", "store", "voice"];

/// What is wrong with one file of `src`; `path` is relative to it.
fn problems(path: &str, text: &str) -> Vec<String> {
    let code = without_comments(text);
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        found.push(format!("{path} has {lines} lines; split it, the most is {LINES_MAX}"));
    }
    for (name, homes) in HOMES {
        if uses(&code, name) && !homes.iter().any(|home| is_in(path, home)) {
            found.push(format!("{path} uses {name}, whose home is {}", homes.join(" and ")));
        }
    }
    if PURE.iter().any(|pure| is_in(path, pure)) {
        for edge in EDGES {
            if imports(&code).iter().any(|one| one == edge || one.starts_with(&format!("{edge}::"))) {
                found.push(format!("{path} is pure and may not import {edge}"));
            }
        }
    }
    found
}

/// Whether a path is a module's file or in its folder.
fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Whether a path of this crate stands in the code: `name::` or `use name`.
fn uses(code: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let starts = !before.ends_with(word) && !before.ends_with("::") && !before.ends_with('"');
        let imported = before.trim_end().ends_with("use") && after.starts_with([';', ' ']);
        starts && (after.starts_with("::") || imported)
    })
}

/// Every path into this crate, `crate::{a, b::c}` taken apart; `super` counts as the crate in a module of one level.
fn imports(code: &str) -> Vec<String> {
    let tight: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let mut found = Vec::new();
    for (at, mark) in tight.match_indices("crate::").chain(tight.match_indices("super::")) {
        expand("", &tight[at + mark.len()..], &mut found);
    }
    found
}

fn expand(before: &str, text: &str, found: &mut Vec<String>) {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    let path = format!("{before}{path}");
    let Some(group) = rest.strip_prefix('{').filter(|_| path.is_empty() || path.ends_with("::")) else {
        found.push(path);
        return;
    };
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                expand(&path, &group[start..at], found);
                start = at + 1;
                if c == '}' {
                    return;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
}

/// Every source file below a folder, with its path relative to it.
fn sources(folder: &Path, below: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            sources(&path, &format!("{below}{name}/"), found);
        } else if name.ends_with(".rs") {
            found.push((format!("{below}{name}"), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn all(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(&Path::new(ROOT).join(folder), "", &mut found);
    assert!(found.len() > 3, "{folder} is not here");
    found
}

#[test]
fn each_crate_has_its_home_and_the_pure_know_no_edge() {
    let found: Vec<String> = all("src").iter().flat_map(|(path, text)| problems(path, text)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_rules_find_what_breaks_them() {
    let check = |path: &str, text: &str, says: &[&str]| {
        let found = problems(path, text);
        assert_eq!(found.len(), says.len(), "{path} {text:?}: {found:?}");
        for (one, part) in found.iter().zip(says) {
            assert!(one.contains(part), "{path}: {one}");
        }
    };
    check("guild_file/read.rs", "use strsim::jaro;", &[]);
    check("store.rs", "let pool = sqlx::query!(\"select 1\");", &[]);
    check("turn/mod.rs", "use sqlx::PgPool;", &["sqlx, whose home is store"]);
    check("reply.rs", "use hound;", &["hound"]);
    check("storefront.rs", "fn f() -> sqlx::Error {}", &["sqlx"]);
    check("turn.rs", "// sqlx::query is for the store\nlet my_sqlx::x = \"sqlx::warn\";", &[]);
    check("main.rs", "use clap::Parser;\nuse cpal::traits::HostTrait as _;", &["cpal"]);
    check("intent/mod.rs", "use crate::domain::Name;", &[]);
    check("intent/mod.rs", "use crate::store::Store;", &["pure and may not import store"]);
    check("reply.rs", "use crate::{domain::Cue, voice::{Voice, VoiceError}};", &["voice"]);
    check("names.rs", "fn f() { crate::hearing::wav::read() }", &["hearing"]);
    check("commander/grammar.rs", "use crate::commander::wire::Endpoint;", &["commander::wire"]);
    check("authority.rs", "use super::{\n    store::Session,\n    domain,\n};", &["store"]);
    check("turn.rs", "use crate::store::Store;", &[]);
    check("domain.rs", "use crate::stored::Thing;\nuse crate::storehouse;", &[]);
    check("domain.rs", &"\n".repeat(LINES_MAX + 1), &["401 lines"]);
    assert!(named_machines(&format!("see /{}/ann/notes", "home")));
    assert!(named_machines(&format!("cd /{}/main", "work")));
    assert!(!named_machines("the user's home/folder, /var/lib/sphereconnect, network/x"));
}

#[test]
fn every_test_file_is_in_the_test_program() {
    let files = all("tests/it");
    let has = |parent: &str, module: &str| {
        let (_, text) = files.iter().find(|(path, _)| path == parent).unwrap_or_else(|| panic!("no {parent}"));
        let wanted = format!("mod {module};");
        text.lines().any(|line| ["", "pub ", "pub(crate) "].iter().any(|public| line == format!("{public}{wanted}")))
    };
    for (path, text) in &files {
        assert!(text.lines().count() <= LINES_MAX, "{path} has more than {LINES_MAX} lines");
        let (folder, file) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, file)| (folder, file));
        let module = file.trim_end_matches(".rs");
        let parent = match folder {
            "" if module == "main" => continue,
            "" => "main.rs".to_owned(),
            _ if module == "mod" => continue,
            folder if files.iter().any(|(path, _)| *path == format!("{folder}.rs")) => format!("{folder}.rs"),
            folder => format!("{folder}/mod.rs"),
        };
        assert!(has(&parent, module), "{path} is not in {parent} and never runs");
    }
    let (_, main) = files.iter().find(|(path, _)| path == "main.rs").unwrap();
    let modules: Vec<&str> = main.lines().filter(|line| line.starts_with("mod ")).collect();
    assert!(modules.is_sorted(), "{modules:?}");
}

/// Whether a text names a folder that only one machine has.
fn named_machines(text: &str) -> bool {
    ["home", "root", "Users", "work"].iter().any(|name| {
        text.match_indices(&format!("/{name}/")).any(|(at, _)| {
            // In the middle of a longer path it is any folder.
            !text[..at].ends_with(|c: char| c.is_alphanumeric() || "._-*}>/".contains(c))
        })
    })
}

#[test]
fn no_text_names_a_machine() {
    let tracked = Command::new("git").args(["ls-files", "-z"]).current_dir(ROOT).output();
    let Some(tracked) = tracked.ok().filter(|output| output.status.success()) else {
        println!("no git here, so what belongs to the project is not known");
        return;
    };
    let names = String::from_utf8(tracked.stdout).unwrap();
    let mut texts = 0;
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        // What is no text, and what was removed and not yet committed, is passed over.
        let Ok(text) = fs::read_to_string(Path::new(ROOT).join(name)) else { continue };
        texts += 1;
        let line = text.lines().position(named_machines);
        assert_eq!(line.map(|at| at + 1), None, "{name} names a folder of one machine");
    }
    assert!(texts > 50, "only {texts} files were read");
}
