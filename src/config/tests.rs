#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use super::{Config, DEFAULT_TEXT};

fn load(text: &str) -> Result<Config, Vec<String>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Config::load(Some(file.path()), |_| None).map_err(|error| error.0)
}

#[test]
fn the_documented_file_is_the_default() {
    let config = load(DEFAULT_TEXT).unwrap();
    assert!(config.endpoint.is_none(), "no endpoint is called until somebody names one");
    assert!(config.database.url.is_none(), "the embedded database is the default");
    assert!(!config.keep_words, "spoken words are not kept until somebody asks for it");
}

#[test]
fn every_key_is_documented() {
    for line in DEFAULT_TEXT.lines().filter(|line| line.contains(" = ")) {
        assert!(line.contains('#'), "the key has no comment: {line}");
    }
}

#[test]
fn an_unknown_key_stops_the_start_with_its_path_and_a_suggestion() {
    let problems = load("[endpoint]\ndeadline = 5\n[voise]\nrate = 1\n").unwrap_err();
    assert_eq!(
        problems,
        ["endpoint.deadline is no setting; did you mean deadline_ms?", "voise is no setting; did you mean voice?"]
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let problems = load("[voice]\nrate = \"fast\"\n[hearing]\npreroll_ms = true\n").unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    let problems = load("[voice]\nvolume = 101\n[hearing]\ntail_ms = 9999\n").unwrap_err();
    assert_eq!(problems, ["hearing.tail_ms must be 0 to 2000, not 9999", "voice.volume must be 0 to 100, not 101"]);
}

#[test]
fn the_environment_overrides_the_file() {
    let environment = |name: &str| match name {
        "SPHERECONNECT_LLM_URL" => Some("http://127.0.0.1:9".to_owned()),
        "SPHERECONNECT_DATA_DIR" => Some("data".to_owned()),
        _ => None,
    };
    let config = Config::load(None, environment).unwrap();
    assert_eq!(config.endpoint.unwrap().url, "http://127.0.0.1:9");
    assert_eq!(config.data_dir.to_str(), Some("data"));
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::load(Some(std::path::Path::new("nowhere.toml")), |_| None).unwrap_err();
    assert!(error.to_string().contains("nowhere.toml"), "{error}");
}

#[test]
fn the_talk_key_is_checked() {
    use crate::hearing::key::Mode;

    let talk = load("[talk]\nkey = \"ctrl+F8\"\nmode = \"auto\"\ndiscard_key = \"mouse:9\"\n").unwrap().talk;
    assert_eq!((talk.key.unwrap().to_string(), talk.mode), ("ctrl+f8".to_owned(), Mode::Auto));
    let open = load("[talk]\nmode = \"open\"\n").unwrap();
    assert!(open.hearing.must_be_called, "an open microphone hears what is meant for others");
    assert_eq!(open.talk.key, None);
    for (text, said) in [
        ("key = \"F99\"", "talk.key: no key is called \"F99\""),
        ("mode = \"held\"", "talk.mode: no mode of the talk key is called \"held\""),
        ("source = \"wayland\"", "talk.source: no source of keys is called \"wayland\""),
        ("grace_ms = 501", "talk.grace_ms must be 0 to 500, not 501"),
    ] {
        let problems = load(&format!("[talk]\n{text}\n")).unwrap_err();
        assert!(problems.len() == 1 && problems[0].starts_with(said), "{problems:?}");
    }
}

#[test]
fn numbers_are_served_to_this_machine_alone() {
    let listens = |text: &str| load(&format!("[metrics]\nlisten = \"{text}\"\n"));
    assert_eq!(listens("").unwrap().daemon.metrics, None);
    assert_eq!(listens("127.0.0.1:9464").unwrap().daemon.metrics, "127.0.0.1:9464".parse().ok());
    assert_eq!(listens("[::1]:9464").unwrap().daemon.metrics, "[::1]:9464".parse().ok());
    for text in ["0.0.0.0:9464", "192.168.1.5:9464", "localhost:9464", "9464", "[::]:9464"] {
        let problems = listens(text).unwrap_err();
        assert!(problems[0].contains("such as 127.0.0.1:9464"), "{problems:?}");
    }
}

#[test]
fn what_differs_between_two_readings_is_named() {
    let (one, other) = (load("").unwrap(), load("[voice]\nrate = 5\n[log]\nfilter = \"info\"\n").unwrap());
    assert_eq!(one.differences(&other), ["log.filter", "voice.rate"]);
    assert!(other.differences(&other).is_empty());
    let secret = load("[database]\nurl = \"postgres://me:hidden@there/db\"\n").unwrap();
    assert_eq!(one.differences(&secret), ["database.url"]);
    assert!(!format!("{secret:?}").contains("hidden"));
}
