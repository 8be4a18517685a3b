//! Receivers and addresses that mean harm (W-01 to W-04).

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use kernel::Clock;
use outbound::{Found, Lookup};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{PATH, add, add_as, happen, log, moved, of};
use crate::on_both;
use crate::support::{Answers, Names, Options, Receiver, Service};

/// Hosts that lead inside, however they are written.
fn closed() -> Vec<&'static str> {
    let all = include_str!("../../../crates/outbound/src/closed.txt");
    all.lines().filter(|it| !it.is_empty()).collect()
}

/// A name whose addresses change from one look-up to the next; the last one stays.
struct Changing(Mutex<VecDeque<SocketAddr>>);

impl Lookup for Changing {
    fn lookup(&self, _: &str) -> Found {
        let mut all = self.0.lock().expect("addresses");
        let now = if all.len() > 1 { all.pop_front() } else { all.front().copied() };
        Box::pin(async move { Ok(now.into_iter().collect()) })
    }
}

/// Puts something before `receiver` that lets the handshake and the head of an answer pass, and then a byte every 50 milliseconds;
/// how many bytes dripped.
async fn drip(receiver: &Receiver) -> Arc<AtomicUsize> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    Names::set(&receiver.name, &[listener.local_addr().expect("an address")]);
    let (to, dripped) = (receiver.address, Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&dripped);
    actix_web::rt::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, count) = (TcpStream::connect(to).await.expect("a receiver"), Arc::clone(&count));
            actix_web::rt::spawn(async move { drop(slowly(client, server, &count).await) });
        }
    });
    dripped
}

async fn slowly(client: TcpStream, server: TcpStream, count: &AtomicUsize) -> io::Result<()> {
    let ((mut of_client, mut to_client), (mut of_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let forth = tokio::io::copy(&mut of_client, &mut to_server);
    let back = async {
        tokio::io::copy(&mut (&mut of_server).take(8192), &mut to_client).await?;
        while let Ok(byte) = of_server.read_u8().await {
            to_client.write_u8(byte).await?;
            count.fetch_add(1, Ordering::Relaxed);
            actix_web::rt::time::sleep(Duration::from_millis(50)).await;
        }
        io::Result::Ok(())
    };
    futures_util::future::try_join(forth, back).await.map(drop)
}

async fn last(service: &Service, id: &str) -> serde_json::Value {
    log(service, id).await.pop().expect("an attempt")
}

on_both! {
    /// W-01: none of them is taken, and none that a name stands for, or that got into the database, is connected to.
    async fn w_01_no_address_inside_is_ever_connected_to(service) {
        let strict = service.twin(Options { allow: Vec::new(), ..Options::default() });
        let receiver = Receiver::start().await;
        let targets = closed();
        assert!(targets.len() >= 60);
        for host in &targets {
            for url in [format!("https://{host}/hook"), format!("https://{host}:8443/")] {
                let answer = add_as(&strict, "site-administrator", &json!({"url": url})).await;
                assert_eq!(answer.flaws(), ["/url format -"], "{url}");
            }
        }
        // A name that stands for the receiver, and one that stands for it among others.
        Names::set("mixed.receiver.test", &["8.8.8.8:443".parse().expect("an address"), receiver.address]);
        let mut ids = Vec::new();
        for url in [receiver.url(), "https://mixed.receiver.test/".to_owned(), "https://nowhere.receiver.test/".to_owned()] {
            ids.push(add(&strict, &url).await["id"].as_str().expect("an id").to_owned());
        }
        // As if it had been taken before its network was closed.
        for url in ["https://127.0.0.1/", "https://[::ffff:127.0.0.1]/", "https://2130706433/"] {
            let id = add(&strict, &format!("https://taken.receiver.test/{}", url.len())).await["id"].as_str().expect("an id").to_owned();
            service.execute(&format!("update webhooks set url = '{url}' where id = '{id}'"));
            ids.push(id);
        }
        happen(&strict).await;
        strict.deliver().await;
        for (place, id) in ids.iter().enumerate() {
            let word = if place == 2 { "name_unknown" } else { "address_refused" };
            assert_eq!(last(&strict, id).await["failure"], word, "{place}");
        }
        assert_eq!(receiver.connected(), 0);
        // The control: where the network is allowed, the same is connected to.
        service.clock.set("2026-12-02T15:00:00Z".parse().expect("a time"));
        service.deliver().await;
        assert!(receiver.connected() > 0);
        assert_eq!(last(&service, &ids[0]).await["status"], 204);
    }

    /// W-02: what is connected to is what was checked, whatever the name stands for a moment later.
    async fn w_02_a_name_that_changes_leads_nowhere_else(service) {
        let (open, inside) = (Receiver::start().await, Receiver::inside().await);
        // Both are of this machine, of which the one address is open and the other isn't.
        let lookup = Arc::new(Changing(Mutex::new([open.address, inside.address].into())));
        let rebound = service.twin(Options { lookup: lookup.clone(), ..Options::default() });
        let id = of(&rebound, &open).await;
        happen(&rebound).await;
        rebound.deliver().await;
        // The first look-up was for the first event; of the second one the address is closed.
        let mut seen: Vec<_> = log(&rebound, &id).await.iter().map(|it| it["failure"].to_string()).collect();
        seen.sort();
        assert_eq!(seen, ["\"address_refused\"", "null"]);
        assert_eq!((open.connected(), inside.connected()), (1, 0));
        // The control: with that network allowed, it is connected to.
        service.execute("update webhook_queue set next_at = '2026-12-01 15:00:00'");
        let allow = vec!["127.0.0.0/8".to_owned()];
        service.twin(Options { allow, lookup, ..Options::default() }).deliver().await;
        assert!(inside.connected() > 0);
    }

    async fn w_03_a_redirect_is_a_failure_and_is_not_followed(service) {
        let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
        let id = of(&service, &receiver).await;
        for (place, status) in [301, 302, 303, 307, 308, 300, 304].into_iter().enumerate() {
            let to = if place % 2 == 0 { elsewhere.url() } else { "http://169.254.169.254/latest/meta-data".to_owned() };
            let head: &'static str = format!("location: {to}\r\n").leak();
            receiver.answer(move |_| Answers::With(status, head));
            service.clock.set(service.clock.now() + TimeDelta::seconds(1));
            moved(&service, &id, "test", &json!({})).await.expect(200);
            service.deliver().await;
            let it = last(&service, &id).await;
            assert_eq!((&it["status"], it["next_attempt_at"].is_string()), (&json!(status), true), "{status}");
            // The next one isn't held back.
            service.execute("delete from webhook_queue");
        }
        assert_eq!((receiver.connected(), elsewhere.connected()), (7, 0));
    }
}

on_both! {
    /// W-04: of a body nothing is waited for, a head for 15 seconds, and no other webhook waits for that.
    async fn w_04_what_is_slow_endless_or_badly_certified_is_cut_and_holds_up_no_one(service) {
        let (endless, drips, never) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
        let (bad, good, slow) = (Receiver::untrusted().await, Receiver::start().await, Receiver::start().await);
        let dripped = drip(&slow).await;
        slow.answer(|_| Answers::Endless);
        endless.answer(|_| Answers::Endless);
        drips.answer(|_| Answers::Drips);
        never.answer(|_| Answers::Never);
        let mut ids = Vec::new();
        for it in [&endless, &drips, &never, &bad, &good, &slow] {
            ids.push(of(&service, it).await);
        }
        happen(&service).await;
        let clock = actix_web::rt::time::Instant::now;
        let began = clock();
        let pass = service.deliver_once();
        let seen = async {
            while good.all().len() < 2 {
                actix_web::rt::time::sleep(Duration::from_millis(10)).await;
            }
            let first = began.elapsed();
            // Both events of it, one after the other: its head was enough.
            while slow.all().len() < 2 {
                actix_web::rt::time::sleep(Duration::from_millis(10)).await;
            }
            let headed = began.elapsed();
            // What happens while the slow ones are under way is told by the next pass.
            happen(&service).await;
            service.deliver_once().await;
            while good.all().len() < 4 {
                actix_web::rt::time::sleep(Duration::from_millis(10)).await;
            }
            (first, headed, began.elapsed())
        };
        let (_, (first, headed, second)) = futures_util::future::join(pass, seen).await;
        let all = began.elapsed();
        eprintln!("W-04: good ones after {first:?} and {second:?}, those with a body that drips after {headed:?}; all of it after {all:?}; {} bytes of an endless body", endless.poured.load(Ordering::Relaxed));
        assert!(first < Duration::from_secs(5) && second < Duration::from_secs(10), "{first:?} {second:?}");
        assert!(all > Duration::from_secs(14) && all < Duration::from_secs(25), "{all:?}");
        // What stood in buffers; nothing of it was waited for.
        let poured = endless.poured.load(Ordering::Relaxed);
        assert!(poured < 24 << 20, "{poured}");
        assert!(headed < Duration::from_secs(8), "{headed:?}");
        for id in [&ids[0], &ids[5]] {
            assert_eq!(last(&service, id).await["status"], 200);
        }
        // The control: its body did drip, and would have for hours.
        assert!(dripped.load(Ordering::Relaxed) > 0);
        for (id, word) in ids[1..4].iter().zip(["timed_out", "timed_out", "tls"]) {
            assert_eq!(last(&service, id).await["failure"], word);
        }
        assert_eq!(bad.all().len(), 0);
        assert!(service.get("site-administrator", &format!("{PATH}/{}", ids[4])).await.expect(200)["failing_since"].is_null());
    }
}
