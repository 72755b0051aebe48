//! Asks a language model over HTTP for orders: one question, one JSON answer, one budget of time.
//!
//! Everything that can go wrong comes back as a [`WireError`], whose text never holds the key. What the model says is
//! only text here: [`super::prompt`] decodes it.

mod address;
mod anthropic;
mod dialect;
mod error;
mod ollama;
mod openai;
mod retry;

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use address::Address;
pub use dialect::Dialect;
use dialect::Question;
pub use error::WireError;

/// The budget of one utterance unless the settings say otherwise.
pub const DEADLINE: Duration = Duration::from_secs(8);
/// How long a connection may take to stand unless the settings say otherwise.
pub const CONNECT: Duration = Duration::from_secs(2);
/// The longest answer that is read unless the settings say otherwise, in bytes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// The most tokens the model may answer with unless the settings say otherwise: six orders with their names.
pub const TOKENS_MAX: u32 = 400;

/// How long warming the server's prompt cache may take; a small machine reads the whole prompt in half a minute.
const WARM_DEADLINE: Duration = Duration::from_secs(120);
/// The part of an error's body that is read for its message, in bytes.
const FAULT_BYTES_MAX: usize = 16 * 1024;
/// How long an error's body may take; its status alone says enough.
const FAULT_WAIT: Duration = Duration::from_secs(1);

/// Where the language model is and what it may cost.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// The server: `http://127.0.0.1:8080`, with `/v1` or with the whole path to where questions go.
    pub url: String,
    /// How it is spoken to; `None` lets the address decide.
    pub dialect: Option<Dialect>,
    /// What the server wants as its key; `None` for servers that ask for nothing.
    pub key: Option<SecretString>,
    /// Which model to ask for; may be empty where the server has only one.
    pub model: String,
    /// The budget of one question: connecting, both attempts and every wait together.
    pub deadline: Duration,
    /// The longest wait for a connection.
    pub connect: Duration,
    /// The longest answer that is read, in bytes.
    pub body_bytes_max: usize,
    /// The most tokens the model may answer with.
    pub tokens_max: u32,
}

/// A language model that can be asked. Cheap to keep: it holds its connections open between questions.
#[derive(Debug)]
pub struct Endpoint {
    settings: EndpointSettings,
    address: Address,
    headers: Vec<(HeaderName, HeaderValue)>,
    client: Client,
    /// Whether the model has said that it takes no temperature, as those do that think first.
    own_temperature: AtomicBool,
}

impl Endpoint {
    /// Checks the settings and makes the client; nothing is sent.
    ///
    /// # Errors
    /// [`WireError::Url`] and [`WireError::Key`] for what cannot be used, [`WireError::Client`] when this machine's
    /// certificates cannot be loaded.
    pub fn new(settings: EndpointSettings) -> Result<Self, WireError> {
        let address = Address::parse(&settings.url, settings.dialect)?;
        let key = settings.key.as_ref().map(ExposeSecret::expose_secret);
        let headers = address.dialect.headers(key)?;
        if headers.iter().any(|(_, value)| value.is_sensitive()) && !address.encrypted && !address.loopback {
            tracing::warn!(llm.host = %address.host, "the key of the language model travels unencrypted; use https");
        }
        let client = client(&settings, &address)?;
        Ok(Self { settings, address, headers, client, own_temperature: AtomicBool::new(false) })
    }

    /// The server's name, without anything secret of its URL.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.address.host
    }

    /// Asks one question and returns the text of the model's answer, which need not keep to the `schema`: servers may
    /// ignore it. Sends at most two requests, all within the settings' deadline; dropping the future closes the
    /// connection and so frees the server.
    ///
    /// # Errors
    /// Every [`WireError`] but those of [`Endpoint::new`].
    pub async fn ask(&self, system: &str, user: &str, schema: &Value) -> Result<String, WireError> {
        let question = Question { system, user, schema: Some(schema), tokens_max: self.settings.tokens_max };
        self.question(&question, self.settings.deadline).await
    }

    /// Tries the server and says what answered, for `doctor`: its models, and whether the wanted one is among them.
    /// Where the server lists no models, a question of one token takes the list's place.
    ///
    /// # Errors
    /// As [`Endpoint::ask`].
    pub async fn check(&self) -> Result<String, WireError> {
        let Some(models) = self.address.models.clone() else {
            return self.check_by_asking().await;
        };
        let listed = self.within(self.settings.deadline, self.once(self.client.get(models), "")).await;
        match listed {
            Ok(body) => match self.address.dialect.models(&body) {
                Some(models) => Ok(dialect::describe(&self.address.host, &self.settings.model, &models)),
                None => self.check_by_asking().await,
            },
            Err(WireError::Status { code: 404 | 405 | 501, .. }) => self.check_by_asking().await,
            Err(error) => Err(error),
        }
    }

    /// Lets the server read the part of the prompt that never changes, so that the first order does not wait for it;
    /// also proves that the server can answer. A server that is still reading its model is waited for.
    ///
    /// # Errors
    /// As [`Endpoint::ask`], but for an answer that is cut off or blank: either shows that the prompt was read.
    pub async fn warm(&self, system: &str) -> Result<(), WireError> {
        let question = Question { system, user: "Said:", schema: None, tokens_max: 1 };
        match self.question(&question, WARM_DEADLINE).await {
            Ok(_) | Err(WireError::Cut | WireError::Empty) => {
                tracing::debug!(llm.host = %self.address.host, "language model is warm");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn check_by_asking(&self) -> Result<String, WireError> {
        let question = Question { system: "Answer with one word.", user: "Hello", schema: None, tokens_max: 1 };
        match self.question(&question, self.settings.deadline).await {
            Ok(_) | Err(WireError::Cut | WireError::Empty) => Ok(format!("{} answers", self.address.host)),
            Err(error) => Err(error),
        }
    }

    async fn question(&self, question: &Question<'_>, deadline: Duration) -> Result<String, WireError> {
        let body = self.address.dialect.body(&self.settings.model, &self.address.host, question);
        let body = self.within(deadline, self.twice(body, question.user, deadline)).await?;
        self.address.dialect.answer(&body)
    }

    /// Sends the question, and once more when the failure may pass and the wait for it fits the budget. A server that
    /// is reading its model is asked until it has, for its refusals come at once.
    async fn twice(&self, mut body: Value, private: &str, deadline: Duration) -> Result<Vec<u8>, Failure> {
        let started = Instant::now();
        let mut again = false;
        loop {
            if let (true, Some(fields)) = (self.own_temperature.load(Ordering::Relaxed), body.as_object_mut()) {
                fields.remove("temperature");
            }
            let failure = match self.once(self.client.post(self.address.chat.clone()).json(&body), private).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let left = deadline.saturating_sub(started.elapsed());
            match failure.wait {
                Some(wait) if retry::fits(wait, left) && (failure.loading || !again) => {
                    tracing::debug!(error = %failure.error, llm.wait_ms = wait.as_millis(), "asking again");
                    tokio::time::sleep(wait).await;
                    again |= !failure.loading;
                }
                _ => return Err(failure),
            }
        }
    }

    /// Sends one request and reads its answer whole, or says whether trying again may help. `private` are words that
    /// must not come back in an error.
    async fn once(&self, request: RequestBuilder, private: &str) -> Result<Vec<u8>, Failure> {
        let add = |request: RequestBuilder, (name, value): &(HeaderName, HeaderValue)| request.header(name, value);
        let request = self.headers.iter().fold(request, add);
        let mut response = request.send().await.map_err(|error| self.transport(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response, private).await);
        }
        self.read(&mut response, self.settings.body_bytes_max).await
    }

    /// Reads a body up to a limit; what goes beyond it is never held.
    async fn read(&self, response: &mut Response, bytes_max: usize) -> Result<Vec<u8>, Failure> {
        let too_large = || Failure { error: WireError::TooLarge { bytes_max }, wait: None, loading: false };
        if response.content_length().is_some_and(|length| length > bytes_max as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(&error))? {
            if body.len() + chunk.len() > bytes_max {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn refused(&self, mut response: Response, private: &str) -> Failure {
        let code = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body = match timeout(FAULT_WAIT, self.read(&mut response, FAULT_BYTES_MAX)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        let fault = self.address.dialect.fault(&body);
        let key = self.settings.key.as_ref().map_or("", |key| key.expose_secret());
        let message = error::status_message(code, &fault.message, &[key, private]);
        let no_temperature =
            code == 400 && fault.message.contains("temperature") && !self.own_temperature.swap(true, Ordering::Relaxed);
        let wait = match (fault.quota, fault.loading) {
            (true, _) => None,
            _ if no_temperature => Some(Duration::ZERO),
            (_, true) => Some(retry::LOADING_WAIT),
            _ => retry::wait(code, &headers, chrono::Utc::now()),
        };
        Failure { error: WireError::Status { code, message }, wait, loading: fault.loading }
    }

    fn transport(&self, error: &reqwest::Error) -> Failure {
        let host = self.address.host.clone();
        if error.is_connect() {
            let detail = if error.is_timeout() {
                format!("no connection within {} ms", self.settings.connect.as_millis())
            } else {
                root(error)
            };
            return Failure { error: WireError::Connect { host, detail }, wait: None, loading: false };
        }
        // A connection that broke is a server that restarts or a line that failed for a moment.
        Failure { error: WireError::Broken { host, detail: root(error) }, wait: Some(retry::WAIT), loading: false }
    }

    async fn within<T>(
        &self,
        deadline: Duration,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, WireError> {
        match timeout(deadline, work).await {
            Ok(done) => done.map_err(|failure| failure.error),
            Err(_) => Err(WireError::Deadline { host: self.address.host.clone(), ms: deadline.as_millis() }),
        }
    }
}

/// What went wrong with one request, and how long to wait before another; `None` when another would not help.
struct Failure {
    error: WireError,
    wait: Option<Duration>,
    /// Whether the server only has to finish reading its model.
    loading: bool,
}

fn client(settings: &EndpointSettings, address: &Address) -> Result<Client, WireError> {
    // The process has one provider; that another part installed it first is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .connect_timeout(settings.connect)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("sphereconnect/", env!("CARGO_PKG_VERSION")));
    if address.loopback {
        builder = builder.no_proxy();
        if !address.encrypted {
            // Nothing is verified, so the machine's certificates need not be there.
            builder = builder.tls_certs_only([]);
        }
    }
    builder.build().map_err(|error| WireError::Client { detail: root(&error) })
}

/// The innermost cause, which is what a person can act on; reqwest's own text holds the URL.
fn root(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = None;
    while let Some(inner) = cause {
        text = Some(inner.to_string());
        cause = inner.source();
    }
    error::plain(&text.unwrap_or_else(|| "the connection failed".to_owned()))
}
