//! Answers at the socket: one JSON object a line, held to sizes and times.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::desk::Desk;
use super::{Answer, REQUEST_BYTES_MAX, REQUEST_WAIT, Request};

/// Connections that are served at the same time; more wait for one to end, which takes [`REQUEST_WAIT`] at most for each
/// that sends nothing.
const CONNECTIONS_MAX: usize = 32;
/// The rest after the system gave no connection, as when the program has too many files open.
const ACCEPT_REST: Duration = Duration::from_millis(200);

/// Serves until the task is dropped.
pub async fn serve(listener: UnixListener, desk: Arc<Desk>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    let _place = place;
                    if let Err(error) = converse(stream, &desk).await {
                        tracing::debug!(%error, "a connection to the socket ended early");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the socket gives no connection");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// Answers one request after the other until the other side ends, is too slow, or sends a line that is too long.
async fn converse(stream: UnixStream, desk: &Desk) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let most = u64::try_from(REQUEST_BYTES_MAX).unwrap_or(u64::MAX) + 1;
        let mut limited = (&mut reader).take(most);
        let Ok(read) = timeout(REQUEST_WAIT, limited.read_until(b'\n', &mut line)).await else {
            return Ok(());
        };
        read?;
        if line.is_empty() {
            return Ok(());
        }
        let whole = line.ends_with(b"\n") || line.len() <= REQUEST_BYTES_MAX;
        let answer = match serde_json::from_slice::<Request>(&line) {
            _ if !whole => Answer::failed(format!("a request has at most {REQUEST_BYTES_MAX} bytes")),
            Ok(request) => desk.answer(request).await,
            Err(error) => {
                Answer::failed(format!("that is no request: {error}; send for example {{\"do\":\"status\"}}"))
            }
        };
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        let Ok(written) = timeout(REQUEST_WAIT, writer.write_all(&text)).await else {
            return Ok(());
        };
        written?;
        if !whole {
            return Ok(());
        }
    }
}
