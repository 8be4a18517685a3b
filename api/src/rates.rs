//! How often someone may call (I-13).
//!
//! A call is paid for once, before any query: by its caller, or by the address that it comes from where no token says who calls.
//! Each node counts for itself.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER, X_FORWARDED_FOR};
use actix_web::{HttpMessage, HttpRequest};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter, clock};
use kernel::Clock;

use crate::config::{self, Rate};
use crate::{Problem, problem};

/// How many calls at once a class takes, and the seconds in which all of them come back.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How many are left, and the seconds until there are as many as ever; where none is left, until there is one.
pub const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// After how many calls those are forgotten who haven't called of late.
const ROUND: u32 = 4096;

/// What a call asks of the service, by which it is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// One thing, or reference data.
    Read,
    /// A list, a search, a finder.
    Search,
    /// Something made or moved.
    Write,
    /// A token, asked for by whoever has none yet.
    Token,
    /// Anything without a good token.
    Anonymous,
}

/// Who called how often.
pub struct Rates {
    /// In the order of [`Class`]; none where there is no limit.
    limits: [Option<Limit>; 5],
    proxies: Vec<IpAddr>,
}

/// What an answer tells of what was paid for it.
pub struct Paid(pub [(HeaderName, HeaderValue); 2]);

impl Rates {
    /// These limits by this clock. `proxies` are believed when they say for whom they ask.
    #[must_use]
    pub fn new(limits: &config::Rates, proxies: &[IpAddr], clock: &Arc<dyn Clock>) -> Self {
        let limits = [
            ("read", limits.read),
            ("search", limits.search),
            ("write", limits.write),
            ("token", limits.token),
            ("anonymous", limits.anonymous),
        ];
        let limits = limits.map(|(name, rate)| Limit::new(name, rate, Ticks(Arc::clone(clock))));
        Self { limits, proxies: proxies.iter().map(IpAddr::to_canonical).collect() }
    }

    /// Has `who` pay for a call.
    ///
    /// # Errors
    /// 429 where they have called too often.
    pub fn charge(&self, request: &HttpRequest, class: Class, who: &str) -> Result<(), Problem> {
        let Some(limit) = &self.limits[class as usize] else { return Ok(()) };
        let (taken, left, wait) = limit.take(who);
        let left = header(format!("\"{}\";r={left};t={wait}", limit.name));
        request.extensions_mut().insert(Paid([(POLICY, limit.policy.clone()), (LEFT, left)]));
        if taken { Ok(()) } else { Err(too_many(wait)) }
    }

    /// Has the address pay that a call comes from.
    ///
    /// # Errors
    /// 429 where too many came from there.
    pub fn charge_address(&self, request: &HttpRequest, class: Class) -> Result<(), Problem> {
        let place = self.address(request).map(|it| network(it).to_string()).unwrap_or_default();
        self.charge(request, class, &place)
    }

    /// Where a call comes from. What a header says of that is believed only as far as configured proxies said it (J-08).
    fn address(&self, request: &HttpRequest) -> Option<IpAddr> {
        let mut at = request.peer_addr()?.ip().to_canonical();
        let said: Vec<_> =
            request.headers().get_all(X_FORWARDED_FOR).map(|it| it.to_str().unwrap_or("")).collect();
        let mut before =
            said.iter().rev().flat_map(|it| it.rsplit(',')).map(|it| it.trim().parse::<IpAddr>());
        while self.proxies.contains(&at) {
            let Some(Ok(it)) = before.next() else { break };
            at = it.to_canonical();
        }
        Some(at)
    }
}

/// An IPv4 address, or the network of an IPv6 one: whoever has one of these has all of it.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(it) => Ipv6Addr::from(u128::from(it) >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The problem of someone who may call again after so many seconds.
pub(crate) fn too_many(wait: u64) -> Problem {
    problem::TOO_MANY.problem().with(RETRY_AFTER, wait.into())
}

/// The time as the limiter counts it.
struct Ticks(Arc<dyn Clock>);

impl clock::Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let now = self.0.now().timestamp_nanos_opt().unwrap_or_default();
        u64::try_from(now).unwrap_or_default().into()
    }
}

/// What a class of calls costs.
struct Limit {
    name: &'static str,
    policy: HeaderValue,
    quota: Quota,
    buckets: RateLimiter<String, HashMapStateStore<String>, Ticks, StateInformationMiddleware>,
    asked: AtomicU32,
}

impl Limit {
    fn new(name: &'static str, rate: Rate, clock: Ticks) -> Option<Self> {
        let quota =
            Quota::per_minute(NonZeroU32::new(rate.minute)?).allow_burst(NonZeroU32::new(rate.burst)?);
        let window = seconds(quota.burst_size_replenished_in());
        let policy = header(format!("\"{name}\";q={};w={window}", rate.burst));
        let buckets = RateLimiter::new(quota, HashMapStateStore::default(), clock);
        Some(Self { name, policy, quota, buckets, asked: AtomicU32::new(0) })
    }

    /// Whether `who` may call; how many calls they have left, and for how many seconds that holds.
    fn take(&self, who: &str) -> (bool, u32, u64) {
        if self.asked.fetch_add(1, Ordering::Relaxed) % ROUND == ROUND - 1 {
            self.buckets.retain_recent();
        }
        match self.buckets.check_key(&who.to_owned()) {
            Ok(state) => {
                let left = state.remaining_burst_capacity();
                let gone = self.quota.burst_size().get().saturating_sub(left);
                (true, left, seconds(self.quota.replenish_interval() * if left == 0 { 1 } else { gone }))
            }
            Err(until) => (false, 0, seconds(until.wait_time_from(clock::Clock::now(self.buckets.clock())))),
        }
    }
}

/// Whole seconds, in which it is surely over.
fn seconds(it: Duration) -> u64 {
    it.as_nanos().div_ceil(1_000_000_000).try_into().unwrap_or(u64::MAX).max(1)
}

fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use kernel::ManualClock;

    use super::*;

    /// What is remembered is bounded by the calls of the last while, however many have ever called.
    #[test]
    fn those_who_have_not_called_of_late_are_forgotten() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH + TimeDelta::days(1)));
        let rate = Rate { minute: 60, burst: 2 };
        let limit = Limit::new("read", rate, Ticks(Arc::clone(&clock) as _)).expect("a limit");
        for round in 0..3 {
            for who in 0..ROUND {
                assert!(limit.take(&format!("{round} {who}")).0);
            }
            assert!(limit.buckets.len() <= ROUND as usize + 1, "{}", limit.buckets.len());
            clock.set(clock.now() + TimeDelta::minutes(5));
        }
        assert!(Limit::new("read", Rate { minute: 0, burst: 2 }, Ticks(clock as _)).is_none());
    }
}
