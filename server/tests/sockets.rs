//! The parts that need a real socket: the time limit for headers, draining, the limit of connections.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use server::{Config, Options, app, bind, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Far above anything that a healthy run needs: reaching it is a failure, not a delay.
const PATIENCE: Duration = Duration::from_secs(30);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _dir: tempfile::TempDir,
}

async fn start(change: impl FnOnce(&mut Options)) -> Running {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("index.html"), "page").unwrap();
    // Larger than what the sockets of both sides buffer, so that an unread answer keeps its request open.
    std::fs::write(dir.path().join("large.bin"), vec![7u8; 32 << 20]).unwrap();
    let mut options = Options {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        dist: Some(dir.path().to_owned()),
        ..Options::default()
    };
    change(&mut options);
    let config = Config::load(options).unwrap();
    let listener = bind(&config).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        serve(listener, app(&config), &config, stopped).await.unwrap();
    });
    Running { address, stop, task, _dir: dir }
}

async fn request(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset counts as an end, too: what arrived until then is looked at.
    let _end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    bytes
}

#[tokio::test]
async fn a_client_that_trickles_its_headers_is_cut_off_while_others_are_served() {
    let running = start(|options| options.header_timeout_ms = Some(300)).await;
    let began = Instant::now();
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut slow = TcpStream::connect(running.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: local").await.unwrap();

    let page = read_all(&mut request(running.address, "/").await).await;
    assert!(page.starts_with(b"HTTP/1.1 200"), "{:?}", String::from_utf8_lossy(&page));

    let ended = |bytes: Vec<u8>| !bytes.starts_with(b"HTTP/1.1 200");
    assert!(ended(read_all(&mut slow).await));
    assert!(ended(read_all(&mut silent).await));
    let waited = began.elapsed();
    assert!(waited >= Duration::from_millis(250), "cut off too early: {waited:?}");
    assert!(waited < PATIENCE);
}

#[tokio::test]
async fn an_open_answer_is_finished_after_the_stop_signal() {
    let running = start(|_| {}).await;
    let mut stream = request(running.address, "/large.bin").await;
    let mut first = [0u8; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    running.stop.send(()).unwrap();
    let rest = read_all(&mut stream).await;
    assert!(rest.len() > 32 << 20, "{} bytes arrived", rest.len());
    tokio::time::timeout(PATIENCE, running.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_request_that_never_finishes_does_not_hold_up_the_end() {
    let running = start(|options| options.drain_timeout_ms = Some(100)).await;
    let mut stuck = request(running.address, "/large.bin").await;
    let mut first = [0u8; 12];
    stuck.read_exact(&mut first).await.unwrap();
    running.stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, running.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn connections_above_the_limit_wait_for_their_turn() {
    let running = start(|options| options.max_connections = Some(1)).await;
    let mut first = request(running.address, "/large.bin").await;
    let mut head = [0u8; 12];
    first.read_exact(&mut head).await.unwrap();
    let mut second = request(running.address, "/").await;
    let mut byte = [0u8; 1];
    // Nothing can have arrived: the only slot is held by an answer that nobody reads.
    assert!(tokio::time::timeout(Duration::from_millis(200), second.read_exact(&mut byte)).await.is_err());
    drop(first);
    assert!(read_all(&mut second).await.starts_with(b"HTTP/1.1 200"));
}
