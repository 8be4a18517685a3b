//! Who has how many connections, and who gets no more.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::web::Data;

use crate::State;
use crate::rates::network;

/// How many connections there are of each address or network.
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

/// A connection that is counted while it lives, of its address too unless that is a proxy's, which stands for many.
pub(super) struct Seat(Data<State>, Option<IpAddr>);

impl Seat {
    /// A seat for a connection from `address`, if it may have one.
    pub(super) fn take(state: &Data<State>, address: IpAddr) -> Option<Self> {
        let patience = &state.patience;
        let address = address.to_canonical();
        let place = (!patience.proxies.contains(&address)).then(|| network(address));
        let mut taken = patience.seats.taken();
        let of = place.and_then(|it| taken.of.get(&it).copied()).unwrap_or_default();
        let of_address = of >= patience.limits.per_address;
        if of_address || taken.all >= patience.limits.connections {
            patience.count.refused(of_address);
            return None;
        }
        if let Some(place) = place {
            taken.of.insert(place, of + 1);
        }
        taken.all += 1;
        patience.count.came();
        Some(Self(Data::clone(state), place))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.0.patience.seats.taken();
        taken.all -= 1;
        if let Some(place) = self.1
            && let Entry::Occupied(mut of) = taken.of.entry(place)
        {
            *of.get_mut() -= 1;
            if *of.get() == 0 {
                of.remove();
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
