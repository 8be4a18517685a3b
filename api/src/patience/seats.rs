//! Who has how many connections, and who gets no more.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::web::Data;

use crate::State;

/// How many connections there are of each address, or of each IPv6 network, which its holder has all of.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

impl Seats {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is counted while it lives.
pub(super) struct Seat(Data<State>, IpAddr);

impl Seat {
    /// A seat for a connection from `address`, if it may have one. A proxy stands for many, so that only all of them are counted.
    pub(super) fn take(state: &Data<State>, address: IpAddr) -> Option<Self> {
        let patience = &state.patience;
        let address = address.to_canonical();
        let proxy = patience.proxies.contains(&address);
        let address = match address {
            IpAddr::V6(it) => Ipv6Addr::from(u128::from(it) >> 64 << 64).into(),
            v4 @ IpAddr::V4(_) => v4,
        };
        let mut taken = patience.seats.taken();
        let of = taken.of.get(&address).copied().unwrap_or_default();
        let of_address = !proxy && of >= patience.limits.per_address;
        if of_address || taken.all >= patience.limits.connections {
            patience.count.refused(of_address);
            return None;
        }
        taken.of.insert(address, of + 1);
        taken.all += 1;
        patience.count.came();
        Some(Self(Data::clone(state), address))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.0.patience.seats.taken();
        taken.all -= 1;
        if let Some(of) = taken.of.get_mut(&self.1) {
            *of -= 1;
            if *of == 0 {
                taken.of.remove(&self.1);
            }
        }
        self.0.patience.count.went();
    }
}

/// How many connections leave room for everything else that takes descriptors: the database's, files, sockets to others.
pub(super) fn room() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|it| it.strip_prefix("Max open files"));
    let most: usize =
        line.and_then(|it| it.split_whitespace().next()).map_or(1024, |it| it.parse().unwrap_or(65_536));
    most.saturating_sub(128.max(most / 4)).max(16)
}
