//! Where the server is, from what a person writes into a setting.

use std::net::IpAddr;

use reqwest::Url;

use super::{Dialect, WireError};

/// A checked address of a server.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// How the server is spoken to.
    pub(super) dialect: Dialect,
    /// Where questions go.
    pub(super) chat: Url,
    /// Where the models are listed; `None` when the setting names a path of its own.
    pub(super) models: Option<Url>,
    /// Host and port, for people.
    pub(super) host: String,
    /// Whether the server is on this machine.
    pub(super) loopback: bool,
    /// Whether the connection is encrypted.
    pub(super) encrypted: bool,
}

impl Address {
    /// Accepts a base address, with or without `/v1`, or the whole path to where questions go; a query stays. Without a
    /// dialect the address decides, see [`Dialect::of`].
    pub(super) fn parse(text: &str, dialect: Option<Dialect>) -> Result<Self, WireError> {
        const EXAMPLE: &str = "is no web address; write it as http://127.0.0.1:8080 or https://host/v1";
        let url = Url::parse(text.trim()).map_err(|_| WireError::Url(EXAMPLE))?;
        let encrypted = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(WireError::Url("must begin with http:// or https://, as in http://127.0.0.1:8080")),
        };
        let name = match url.host_str() {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => return Err(WireError::Url(EXAMPLE)),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WireError::Url("holds a user name or a password; put the key into SPHERECONNECT_LLM_KEY"));
        }
        let dialect = dialect.unwrap_or_else(|| Dialect::of(&url));
        let (chat, models) = dialect.paths(url.path().trim_matches('/'));
        let at = |path: &str| {
            let mut url = url.clone();
            url.set_path(path);
            url.set_fragment(None);
            url
        };
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.clone(),
        };
        Ok(Self {
            dialect,
            chat: at(&chat),
            models: models.map(|path| at(&path)),
            host,
            loopback: is_loopback(&name),
            encrypted,
        })
    }
}

fn is_loopback(name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
    use super::*;

    fn check(text: &str, dialect: Option<Dialect>, expected: Dialect, chat: &str, models: Option<&str>) {
        let address = Address::parse(text, dialect).unwrap();
        assert_eq!(address.dialect, expected, "{text}");
        assert_eq!(address.chat.as_str(), chat, "{text}");
        assert_eq!(address.models.as_ref().map(Url::as_str), models, "{text}");
    }

    #[test]
    fn finds_the_path_of_chat_completions() {
        let check = |text: &str, chat: &str, models: Option<&str>| check(text, None, Dialect::OpenAi, chat, models);
        let chat = "http://127.0.0.1:8080/v1/chat/completions";
        let models = Some("http://127.0.0.1:8080/v1/models");
        for text in ["http://127.0.0.1:8080", " http://127.0.0.1:8080/ ", "http://127.0.0.1:8080/v1", chat] {
            check(text, chat, models);
        }
        check("http://127.0.0.1:8080/v1/#top", chat, models);
        check("https://h/openai/v1/", "https://h/openai/v1/chat/completions", Some("https://h/openai/v1/models"));
        check("https://h/x/chat/completions?api-version=3", "https://h/x/chat/completions?api-version=3", None);
        check(
            "https://h/openrouter/api",
            "https://h/openrouter/api/v1/chat/completions",
            Some("https://h/openrouter/api/v1/models"),
        );
        check("http://h:11434/v1", "http://h:11434/v1/chat/completions", Some("http://h:11434/v1/models"));
    }

    #[test]
    fn finds_the_paths_of_the_other_dialects() {
        let (ollama, own) = (Dialect::Ollama, Some("http://h:11434/api/tags"));
        for text in ["http://h:11434", "http://h:11434/", "http://h:11434/api", "http://h:11434/api/chat"] {
            check(text, None, ollama, "http://h:11434/api/chat", own);
        }
        check("https://h/llm/api/chat", None, ollama, "https://h/llm/api/chat", Some("https://h/llm/api/tags"));
        check("http://h:1/v1", Some(ollama), ollama, "http://h:1/api/chat", Some("http://h:1/api/tags"));
        let (anthropic, own) = (Dialect::Anthropic, "https://api.anthropic.com/v1/messages");
        for text in ["https://api.anthropic.com", "https://api.anthropic.com/v1", own] {
            check(text, None, anthropic, own, Some("https://api.anthropic.com/v1/models"));
        }
        check("http://h:1", Some(anthropic), anthropic, "http://h:1/v1/messages", Some("http://h:1/v1/models"));
        let compatible = "https://api.anthropic.com/v1/chat/completions";
        let models = Some("https://api.anthropic.com/v1/models");
        check(compatible, None, Dialect::OpenAi, compatible, models);
    }

    #[test]
    fn knows_this_machine() {
        for (text, loopback) in [
            ("http://localhost:1", true),
            ("http://127.0.0.9", true),
            ("http://[::1]:8080", true),
            ("http://0.0.0.0:8080", true),
            ("http://10.0.0.2", false),
            ("https://localhost.example", false),
        ] {
            assert_eq!(Address::parse(text, None).unwrap().loopback, loopback, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in ["", "localhost", "localhost:8080", "ftp://h/", "http://", "sk-secret", "https://me:pw@h/v1", "/v1"]
        {
            let error = Address::parse(text, None).unwrap_err().to_string();
            assert!(error.starts_with("SPHERECONNECT_LLM_URL "), "{error}");
            assert!(!error.contains("sk-secret") && !error.contains("pw"), "{error}");
        }
    }
}
