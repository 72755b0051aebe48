//! A language model's server on the loopback, without the model: real sockets, scripted answers, every request kept.

#![expect(clippy::expect_used, reason = "a test may stop at what it did not expect")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The size of [`Behaviour::Huge`] and the most that [`Behaviour::Endless`] sends, in bytes.
pub const HUGE_BYTES: usize = 10 * 1024 * 1024;
/// What an endless answer stops at when nobody hangs up, in bytes; more than the sockets' buffers can hold.
pub const ENDLESS_BYTES: usize = 200 * 1024 * 1024;
/// The longest request the server reads, in bytes.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// What the server does with one request.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// A chat completion with this content.
    Well(String),
    /// A chat completion that ended for another reason than `stop`.
    Ended {
        /// The model's text.
        content: String,
        /// The `finish_reason`.
        reason: String,
    },
    /// A chat completion, sent in pieces with a pause before each.
    Trickle {
        /// The model's text.
        content: String,
        /// The wait before each piece of eight bytes.
        pause: Duration,
    },
    /// Reads the request and says nothing, with the connection open.
    Never,
    /// A status with headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// A body of [`HUGE_BYTES`], announced in its header.
    Huge,
    /// A chunked body that goes on until the client hangs up, at most [`ENDLESS_BYTES`].
    Endless,
    /// Announces more than it sends, then closes.
    Truncated,
    /// Resets the connection instead of answering.
    Reset,
    /// Answers in something that is not HTTP.
    NotHttp,
}

impl Behaviour {
    /// An error in the form servers of chat completions give it.
    pub fn error(code: u16, headers: Vec<(&'static str, String)>, message: &str, kind: &str) -> Self {
        Self::Status(code, headers, json!({"error": {"message": message, "type": kind, "code": kind}}).to_string())
    }
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// `POST /v1/chat/completions`.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; null when there was none.
    pub body: Value,
}

impl Recorded {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// The server; it stops when it is dropped.
pub struct LlmServer {
    url: String,
    requests: Arc<Mutex<Vec<Recorded>>>,
    sent: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl LlmServer {
    /// Starts on a free port. The n-th request gets the n-th behaviour; further ones get the last again.
    pub async fn start(script: impl IntoIterator<Item = Behaviour>) -> Self {
        let script: Vec<Behaviour> = script.into_iter().collect();
        assert!(!script.is_empty(), "a server needs at least one behaviour");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("the port"));
        let (requests, sent) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let task = tokio::spawn(accept(listener, script, Arc::clone(&requests), Arc::clone(&sent)));
        Self { url, requests, sent, task }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What has come in so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().expect("no test panics while it holds this").clone()
    }

    /// The bytes of bodies that the sockets took so far.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

impl Drop for LlmServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    script: Vec<Behaviour>,
    requests: Arc<Mutex<Vec<Recorded>>>,
    sent: Arc<AtomicUsize>,
) {
    // A set, so that dropping the server ends its connections too.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        let (script, requests, sent) = (script.clone(), Arc::clone(&requests), Arc::clone(&sent));
        connections.spawn(async move {
            let Some(recorded) = read_request(&mut stream).await else { return };
            let index = {
                let mut requests = requests.lock().expect("no test panics while it holds this");
                requests.push(recorded);
                requests.len() - 1
            };
            let behaviour = script[index.min(script.len() - 1)].clone();
            // The client may hang up at any time; that is often the point.
            let _gone = behave(stream, behaviour, &sent).await;
        });
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Recorded> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).await.ok()?;
        bytes.extend_from_slice(&part[..read]);
        if let Some(recorded) = parse(&bytes) {
            return Some(recorded);
        }
        if read == 0 || bytes.len() > REQUEST_BYTES_MAX {
            return None;
        }
    }
}

/// The request, once all of it is there.
fn parse(bytes: &[u8]) -> Option<Recorded> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|header| header.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(Some(0), |(_, n)| n.parse().ok())?;
    let body = bytes.get(end + 4..end + 4 + length)?;
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    Some(Recorded { line, headers, body })
}

async fn behave(mut stream: TcpStream, behaviour: Behaviour, sent: &AtomicUsize) -> std::io::Result<()> {
    match behaviour {
        Behaviour::Well(content) => answer(&mut stream, 200, &[], &completion(&content, "stop")).await,
        Behaviour::Ended { content, reason } => answer(&mut stream, 200, &[], &completion(&content, &reason)).await,
        Behaviour::Status(code, headers, body) => answer(&mut stream, code, &headers, &body).await,
        Behaviour::Trickle { content, pause } => {
            let body = completion(&content, "stop");
            stream.write_all(head(200, &[], body.len()).as_bytes()).await?;
            for piece in body.as_bytes().chunks(8) {
                tokio::time::sleep(pause).await;
                stream.write_all(piece).await?;
            }
            Ok(())
        }
        Behaviour::Never => {
            // Until the client hangs up.
            let _read = stream.read(&mut [0; 1]).await?;
            Ok(())
        }
        Behaviour::Huge => {
            stream.write_all(head(200, &[], HUGE_BYTES).as_bytes()).await?;
            pour(&mut stream, HUGE_BYTES, b"", sent).await
        }
        Behaviour::Endless => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            pour(&mut stream, ENDLESS_BYTES, b"2000\r\n", sent).await
        }
        Behaviour::Truncated => {
            let body = completion("{\"orders\":[]}", "stop");
            stream.write_all(head(200, &[], body.len() + 100).as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
            stream.shutdown().await
        }
        Behaviour::Reset => {
            // Closing at once instead of lingering sends a reset.
            stream.set_zero_linger()?;
            Ok(())
        }
        Behaviour::NotHttp => {
            stream.write_all(b"220 mail.example ESMTP ready\r\n250 what do you mean?\r\n").await?;
            stream.shutdown().await
        }
    }
}

/// Sends blanks, each block after `before` when there is such a mark, until `bytes` are out or the client is gone.
async fn pour(stream: &mut TcpStream, bytes: usize, before: &[u8], sent: &AtomicUsize) -> std::io::Result<()> {
    let block = [b' '; 0x2000];
    while sent.load(Ordering::SeqCst) < bytes {
        stream.write_all(before).await?;
        stream.write_all(&block).await?;
        if !before.is_empty() {
            stream.write_all(b"\r\n").await?;
        }
        sent.fetch_add(block.len(), Ordering::SeqCst);
    }
    Ok(())
}

async fn answer(
    stream: &mut TcpStream,
    code: u16,
    headers: &[(&'static str, String)],
    body: &str,
) -> std::io::Result<()> {
    stream.write_all(head(code, headers, body.len()).as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

fn head(code: u16, headers: &[(&'static str, String)], length: usize) -> String {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "HTTP/1.1 {code} Status\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n"
    )
}

fn completion(content: &str, reason: &str) -> String {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": content, "refusal": null},
            "finish_reason": reason,
        }],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    })
    .to_string()
}
