//! Sockets: accept, bound, time out, drain.
//!
//! `axum::serve` sets no timer, and without one hyper's limit for the headers of a request never fires: a client
//! that sends a byte now and then would hold its connection for ever. So the accept loop is our own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::Config;

/// Headers of one request may not be longer than this, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Pause after a failed `accept`, so that running out of file handles does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be had.
    #[error(
        "Alcove cannot listen on {address}: {source}. Stop the program that uses it, or choose another with --listen."
    )]
    Bind {
        /// What was asked for.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Take the address in `config`.
///
/// # Errors
/// When it is in use or not allowed.
pub async fn bind(config: &Config) -> Result<TcpListener, ServeError> {
    TcpListener::bind(config.listen)
        .await
        .map_err(|source| ServeError::Bind { address: config.listen, source })
}

/// Answer on `listener` until `stop` resolves, then let open requests finish for `config.drain_timeout`.
///
/// # Errors
/// None today; the type leaves room for a listener that fails for good.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    config: &Config,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(config.header_timeout).max_buf_size(MAX_HEADER_BYTES);
    let slots = Arc::new(Semaphore::new(config.max_connections));
    let open = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = &mut stop => break,
        };
        let Some((stream, slot)) = accepted else { continue };
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app.clone()));
        let connection = open.watch(connection);
        tokio::spawn(async move {
            if let Err(err) = connection.await {
                // A client that goes away or is too slow is everyday life.
                tracing::debug!(%err, "a connection ended early");
            }
            drop(slot);
        });
    }
    drop(listener);
    tracing::info!("stopping: open requests may finish");
    if tokio::time::timeout(config.drain_timeout, open.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            let _slower = stream.set_nodelay(true);
            Some((stream, slot))
        }
        Err(err) => {
            tracing::warn!(%err, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
