//! Clients that are too many.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Instant;

use actix_web::web::Data;
use api::patience::Limits;

use super::client::elsewhere;
use super::{HEAD, address, manner, ms, one};
use crate::cli::{Process, folder, lanyard};
use crate::support::{Kind, LIMITS, Options, Service, start};

/// Those of `count` connections from another address that stay open for a moment.
async fn kept(service: &Service, count: usize) -> Vec<TcpStream> {
    let (address, state) = (address(service), Data::clone(&service.state));
    let came = move || {
        let count = &state.patience.count;
        count.open() + count.refused_of_address() + count.refused_in_all()
    };
    let held = actix_web::rt::task::spawn_blocking(move || {
        let before = came();
        let mut all: Vec<_> = (0..count).map(|_| elsewhere(&address)).collect();
        until(|| came() == before + count as u64);
        sleep(ms(50));
        all.retain(is_open);
        all
    });
    held.await.expect("a thread")
}

/// Whether the service has neither closed nor answered.
pub(super) fn is_open(it: &TcpStream) -> bool {
    it.set_nonblocking(true).expect("a socket");
    it.peek(&mut [0]).is_err_and(|it| it.kind() == ErrorKind::WouldBlock)
}

#[test]
fn n_06_connections_are_capped_by_address_and_in_all() {
    start(Kind::Sqlite, async |service| {
        let proxy = "127.0.0.2".parse().expect("an address");
        let of = |per_address, connections, proxies| {
            let limits = Limits { per_address, connections, ..LIMITS };
            service.twin(Options { proxies, limits, ..Options::default() })
        };
        for (service, left, refused) in [
            (of(4, 1000, vec![]), 4, (6, 0)),
            (of(1000, 4, vec![]), 4, (0, 6)),
            (of(4, 1000, vec![proxy]), 10, (0, 0)),
            (of(4, 6, vec![proxy]), 6, (0, 4)),
        ] {
            let held = kept(&service, 10).await;
            let count = &service.state.patience.count;
            assert_eq!((held.len(), count.open()), (left, left as u64));
            assert_eq!((count.refused_of_address(), count.refused_in_all()), refused);
            // Other addresses are served while there is room in all, and this one again once it has room.
            let ask = manner(format!("{HEAD}Connection: close\r\n\r\n"), "");
            assert_eq!(one(&service, &ask).await.statuses() == [200], refused.1 == 0);
            drop(held);
            until(|| count.open() == 0);
            assert_eq!(one(&service, &ask).await.statuses(), [200]);
            until(|| count.open() == 0);
            assert_eq!(kept(&service, 10).await.len(), left);
            service.stop().await;
        }
    });
}

/// Waits for what comes about by itself, for some seconds.
#[track_caller]
fn until(mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < ms(8000), "it didn't come about");
        sleep(ms(20));
    }
}

/// Whether the service at `address` is alive, by a connection of its own.
fn lives(address: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ms(500)))?;
        stream.write_all(format!("{HEAD}Connection: close\r\n\r\n").as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    ask().is_ok_and(|it| it.starts_with("HTTP/1.1 200"))
}

/// A service that may have so many files open.
fn narrow(folder: &Path, descriptors: usize, variables: &[(&str, &str)]) -> Process {
    let limit = format!("ulimit -n {descriptors} && exec \"$0\" --demo serve");
    let mut command = Command::new("sh");
    command.args(["-c", &limit]).arg(lanyard()).current_dir(folder);
    command.env_clear().env("LANYARD_BIND", "127.0.0.1:0").envs(variables.iter().copied());
    Process::spawn(folder, command)
}

#[test]
fn n_06_accepting_recovers_once_there_are_descriptors_again() {
    let folder = folder("descriptors");
    let many = ("LANYARD_LIMITS__PER_ADDRESS", "100000");
    let log = || std::fs::read_to_string(folder.join("log")).expect("a log");
    // As it is by default, there are always some left.
    let process = narrow(&folder, 300, &[many]);
    let held: Vec<_> = (0..400).map(|_| elsewhere(&process.address)).collect();
    until(|| held.iter().filter(|it| is_open(it)).count() == 300 - 128);
    drop(held);
    until(|| lives(&process.address));
    assert!(!log().contains("Too many open files"), "{}", log());
    drop(process);
    // The control, which lets all in: there are none left, and it lives on all the same.
    let process = narrow(&folder, 300, &[many, ("LANYARD_LIMITS__CONNECTIONS", "100000")]);
    let held: Vec<_> = (0..400).map(|_| elsewhere(&process.address)).collect();
    until(|| log().contains("Too many open files"));
    drop(held);
    until(|| lives(&process.address));
}
