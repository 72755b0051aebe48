//! Where the server is, from what a person writes into a setting.

use std::net::IpAddr;

use reqwest::Url;

use super::WireError;

const CHAT_PATH: &str = "chat/completions";

/// A checked address of a server.
#[derive(Debug, Clone)]
pub(super) struct Address {
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
    /// Accepts a base address with or without `/v1`, or the whole path to `chat/completions`; a query stays.
    pub(super) fn parse(text: &str) -> Result<Self, WireError> {
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
        let path = url.path().trim_matches('/');
        let base = match path.strip_suffix(CHAT_PATH) {
            Some(base) => base.trim_end_matches('/').to_owned(),
            None if path == "v1" || path.ends_with("/v1") => path.to_owned(),
            None => format!("{path}/v1"),
        };
        let at = |end: &str| {
            let mut url = url.clone();
            url.set_path(&format!("{base}/{end}"));
            url.set_fragment(None);
            url
        };
        let models = (base == "v1" || base.ends_with("/v1")).then(|| at("models"));
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.clone(),
        };
        Ok(Self { chat: at(CHAT_PATH), models, host, loopback: is_loopback(&name), encrypted })
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

    #[test]
    fn finds_the_chat_path() {
        let check = |text: &str, chat: &str, models: Option<&str>| {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.chat.as_str(), chat, "{text}");
            assert_eq!(address.models.as_ref().map(Url::as_str), models, "{text}");
        };
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
            assert_eq!(Address::parse(text).unwrap().loopback, loopback, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in ["", "localhost", "localhost:8080", "ftp://h/", "http://", "sk-secret", "https://me:pw@h/v1", "/v1"]
        {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("SPHERECONNECT_LLM_URL "), "{error}");
            assert!(!error.contains("sk-secret") && !error.contains("pw"), "{error}");
        }
    }
}
