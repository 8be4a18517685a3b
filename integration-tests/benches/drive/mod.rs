//! Clients that ask, each waiting for its answer, and what they are compared with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, web};

/// How long one measurement takes.
pub(crate) const SLICE: Duration = Duration::from_secs(2);

/// A bare actix handler that answers as much as a submission does, in this system.
pub(crate) fn bare() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = api::openapi::EXAMPLES[0].2;
    let body = move |_: web::Bytes| async move { ([("content-type", "application/json")], answer).1 };
    let app = move || App::new().default_service(web::to(body));
    let server = HttpServer::new(app).workers(2).listen(listener).expect("a server").disable_signals().run();
    actix_web::rt::spawn(server);
    address
}

pub(crate) fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn post(token: &str, key: &str, body: &str) -> String {
    format!(
        "POST /v1/authorizations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\n\
         idempotency-key: {key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Requests a second of so many clients, each waiting for its answer; the 99th percentile in ms; how many succeeded.
pub(crate) fn drive(
    address: SocketAddr,
    clients: usize,
    request: &(dyn Fn(u64) -> String + Sync),
) -> (f64, f64, usize) {
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let client = |index: usize| {
            let (stop, mut seed, mut times) = (&stop, index as u64 * 7_919, Vec::new());
            let mut stream = TcpStream::connect(address).expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            while !stop.load(Ordering::Relaxed) {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let sent = Instant::now();
                stream.write_all(request(seed >> 33).as_bytes()).expect("a request");
                answer(&mut stream);
                times.push(sent.elapsed());
            }
            times
        };
        let handles: Vec<_> = (0..clients).map(|index| scope.spawn(move || client(index))).collect();
        std::thread::sleep(SLICE);
        stop.store(true, Ordering::Relaxed);
        handles.into_iter().flat_map(|it| it.join().expect("a client")).collect()
    });
    let count = u32::try_from(times.len()).expect("few");
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    times.sort();
    (rate, times[times.len() * 99 / 100].as_secs_f64() * 1e3, times.len())
}

/// Reads one answer, which must be a success.
fn answer(stream: &mut TcpStream) {
    let (mut bytes, mut chunk) = (Vec::with_capacity(4096), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk).expect("an answer");
        assert!(count > 0, "the connection ended");
        bytes.extend_from_slice(&chunk[..count]);
        let Some(head) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
        assert!(text.starts_with("http/1.1 20"), "{}", String::from_utf8_lossy(&bytes));
        let (_, length) = text.split_once("content-length: ").expect("a length");
        let length: usize = length.lines().next().and_then(|it| it.trim().parse().ok()).expect("a length");
        if bytes.len() >= head + 4 + length {
            return;
        }
    }
}
